"""Scheduled jobs: once for each period, caught up after an outage, or when an operator asks (SEC-04)."""

from __future__ import annotations

import datetime as dt
from typing import ClassVar

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from portal.orgs.models import User


class JobRunStatus(models.TextChoices):
    """What became of a run."""

    QUEUED = "QUEUED", _("queued")
    RUNNING = "RUNNING", _("running")
    DONE = "DONE", _("done")
    FAILED = "FAILED", _("failed")


OPEN = (JobRunStatus.QUEUED, JobRunStatus.RUNNING)
ATTEMPTS = 3


class JobRun(models.Model):
    """One run of one job for one period. The unique pair decides who runs it, the open one that no other runs meanwhile."""

    job = models.CharField(_("job"), max_length=60)
    # When it was due, in Japanese time: "2026-11-20T08:30". What an operator asked for has seconds: "2026-11-20T09:12:33".
    period = models.CharField(_("period"), max_length=20)
    requested_by = models.ForeignKey(
        User, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("asked for by")
    )
    status = models.CharField(_("status"), max_length=10, choices=JobRunStatus, default=JobRunStatus.RUNNING)
    started_at = models.DateTimeField(_("started"))
    lease_until = models.DateTimeField()
    finished_at = models.DateTimeField(_("finished"), null=True, blank=True)
    attempts = models.PositiveSmallIntegerField(default=1)  # also the number that a worker holds the run with
    progress_done = models.PositiveIntegerField(default=0)
    progress_total = models.PositiveIntegerField(default=0)
    summary = models.CharField(_("result"), max_length=300, blank=True)
    told_at = models.DateTimeField(null=True, blank=True)  # when operations were mailed that it failed

    class Meta:
        ordering = ("-started_at",)
        indexes: ClassVar = [models.Index(fields=["job", "-id"], name="job_history")]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["job", "period"], name="job_once_per_period"),
            models.UniqueConstraint(
                fields=["job"], condition=Q(status__in=["QUEUED", "RUNNING"]), name="job_one_open_run"
            ),
            models.CheckConstraint(
                name="job_progress", condition=Q(progress_total=0) | Q(progress_done__lte=F("progress_total"))
            ),
        ]

    @property
    def is_open(self) -> bool:
        """Whether a worker is at it, or will be."""
        return self.status in OPEN

    @property
    def period_text(self) -> str:
        """The period for people: 2026-11-20 08:30."""
        return self.period.replace("T", " ")

    @property
    def result(self) -> str:
        """What it did, for people: a bare number gets its counter."""
        bare = self.summary.isascii() and self.summary.isdigit()
        return (
            ngettext("%(n)s item", "%(n)s items", int(self.summary)) % {"n": self.summary}
            if bare
            else self.summary
        )

    @property
    def duration(self) -> dt.timedelta | None:
        """How long the last attempt took; None while it runs."""
        return self.finished_at - self.started_at if self.finished_at else None

    @property
    def failed_for_good(self) -> bool:
        """Whether it failed and nothing tries it again by itself."""
        tried_out = self.requested_by_id is not None or self.attempts >= ATTEMPTS
        return self.status == JobRunStatus.FAILED and tried_out
