"""Scheduled jobs: once for each period, caught up after an outage (SEC-04)."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _


class JobRunStatus(models.TextChoices):
    """What became of a run."""

    RUNNING = "RUNNING", _("running")
    DONE = "DONE", _("done")
    FAILED = "FAILED", _("failed")


class JobRun(models.Model):
    """One run of one job for one period. The unique pair decides who runs it."""

    job = models.CharField(_("job"), max_length=60)
    period = models.CharField(
        _("period"), max_length=20
    )  # when it was due, in Japanese time: "2026-11-20T08:30"
    status = models.CharField(_("status"), max_length=10, choices=JobRunStatus, default=JobRunStatus.RUNNING)
    started_at = models.DateTimeField(_("started"))
    lease_until = models.DateTimeField()
    finished_at = models.DateTimeField(_("finished"), null=True, blank=True)
    attempts = models.PositiveSmallIntegerField(default=1)
    summary = models.CharField(_("result"), max_length=300, blank=True)

    class Meta:
        ordering = ("-started_at",)
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["job", "period"], name="job_once_per_period")
        ]
