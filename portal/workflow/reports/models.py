"""The result report (結果報告, REQ-12): what became of an application, frozen when it ended, and how it reached the applicant."""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from portal.notices.models import Notice
from portal.orgs.models import Organisation, User
from portal.orgs.scoping import ScopedModel


class Reached(models.TextChoices):
    """How a report came to the applicant."""

    MAIL = "MAIL", _("by mail")
    READ = "READ", _("read in the portal by the applicant")
    TOLD = "TOLD", _("told to the applicant by somebody of the organisation")


class ResultReport(ScopedModel):
    """One report of one application. A database trigger keeps what it says, and how it arrived once it has.

    `content` is what portal.workflow.reports.making wrote and `digest` its SHA-256. `reached_at` empty: the report is on its
    way, or its mail was refused; then it is open work (selectors.undelivered).
    """

    uid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    application_number = models.CharField(_("application number"), max_length=20, unique=True)
    organisation = models.ForeignKey(
        Organisation, models.PROTECT, related_name="+", verbose_name=_("organisation")
    )
    recipient = models.ForeignKey(User, models.PROTECT, related_name="+", verbose_name=_("applicant"))
    issued_at = models.DateTimeField(_("reported"))
    content = models.JSONField(default=dict)
    digest = models.CharField(max_length=64)
    notice = models.OneToOneField(  # None: the applicant has no mail address
        Notice, models.PROTECT, null=True, blank=True, related_name="result_report"
    )
    reached_at = models.DateTimeField(_("arrived"), null=True, blank=True)
    reached_how = models.CharField(_("how it arrived"), max_length=4, choices=Reached, blank=True, default="")
    reached_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    reached_note = models.CharField(max_length=500, blank=True, default="")

    class Meta(ScopedModel.Meta):
        ordering = ("-id",)
        indexes: ClassVar = [
            models.Index(
                fields=["organisation", "-id"], name="report_on_its_way", condition=Q(reached_at=None)
            )
        ]
        constraints: ClassVar = [
            models.CheckConstraint(
                name="report_reached_says_how",
                condition=Q(reached_at=None, reached_how="")
                | Q(reached_at__isnull=False, reached_how__in=Reached.values),
            ),
            models.CheckConstraint(
                name="report_told_by_another",
                condition=~Q(reached_how="TOLD")
                | (Q(reached_by__isnull=False) & ~Q(reached_by=models.F("recipient"))),
            ),
        ]
