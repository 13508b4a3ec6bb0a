"""The report of one federation, month and revision, what happened to it, and its files (AUD-01…AUD-10)."""

from __future__ import annotations

import datetime as dt
from itertools import product
from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from audit.cycles.models import AuditCycle, Step
from audit.reconciliation.models import LogKind, Reconciliation
from audit.reports.verbs import Verb
from portal.common.models import TimestampedModel
from portal.orgs.models import Organisation, User
from portal.orgs.scoping import ScopedModel


class ReportStatus(models.TextChoices):
    """The last step that is done. Being late is worked out from the days, it is no state."""

    PLANNED = "PLANNED", pgettext_lazy("audit report", "not made yet")
    CREATED = "CREATED", pgettext_lazy("audit report", "made")  # 1
    CENTRAL_CONFIRMED = "CENTRAL_CONFIRMED", pgettext_lazy("audit report", "confirmed by 中央会")  # 2
    PROVIDED = "PROVIDED", pgettext_lazy("audit report", "provided")  # 3
    FEDERATION_CONFIRMED = "FED_CONFIRMED", pgettext_lazy("audit report", "confirmed by the federation")  # 4
    RETURNED = "RETURNED", pgettext_lazy("audit report", "sent back")  # 6
    COPY_STORED = "COPY_STORED", pgettext_lazy("audit report", "copy kept")  # 7: the month is over
    SUPERSEDED = "SUPERSEDED", pgettext_lazy("audit report", "replaced by a new revision")
    DISPOSED = "DISPOSED", pgettext_lazy("audit report", "disposed of")


# The step that is owed in each state; SUPERSEDED, DISPOSED and COPY_STORED owe nothing. Step 5 is optional and beside the way.
OWED = {
    ReportStatus.PLANNED: Step.CREATE,
    ReportStatus.CREATED: Step.CENTRAL_CHECK,
    ReportStatus.CENTRAL_CONFIRMED: Step.PROVIDE,
    ReportStatus.PROVIDED: Step.FEDERATION_CHECK,
    ReportStatus.FEDERATION_CONFIRMED: Step.RETURN,
    ReportStatus.RETURNED: Step.STORE_COPY,
}


class Presentation(models.TextChoices):
    """Step 5: whether the federation showed the report to prefecture and insurers (AUD-06)."""

    OPEN = "", pgettext_lazy("presentation", "not decided")
    PRESENTED = "PRESENTED", pgettext_lazy("presentation", "presented")
    NOT_PRESENTED = "NOT_PRESENTED", pgettext_lazy("presentation", "not presented")


def _different_people() -> Q:
    """Who made a report confirms it for nobody, nor does the same person confirm for both parties; also through deputies."""
    made = ("created_by", "created_for")
    central = ("central_checked_by", "central_checked_for")
    federation = ("federation_checked_by", "federation_checked_for")
    pairs = [*product(made, central), *product(made, federation), *product(central, federation)]
    condition = Q()
    for one, other in pairs:
        condition &= ~Q(**{f"{one}__isnull": False, f"{other}__isnull": False, one: models.F(other)})
    return condition


class AuditReport(ScopedModel, TimestampedModel):
    """One federation, one month, one revision. Exactly one revision of a month and federation is current."""

    cycle = models.ForeignKey(AuditCycle, models.PROTECT, related_name="reports", verbose_name=_("month"))
    organisation = models.ForeignKey(
        Organisation, models.PROTECT, related_name="+", verbose_name=_("organisation")
    )
    revision = models.PositiveSmallIntegerField(_("revision"), default=1)
    status = models.CharField(_("state"), max_length=20, choices=ReportStatus, default=ReportStatus.PLANNED)
    is_current = models.BooleanField(default=True)
    reason = models.CharField(_("reason of the revision"), max_length=500, blank=True)
    enquiry_number = models.CharField(
        _("number of the enquiry"), max_length=40, blank=True
    )  # that asked for it
    is_supplement = models.BooleanField(default=False)  # because logs came late
    reconciliation = models.ForeignKey(
        Reconciliation, models.PROTECT, null=True, blank=True, related_name="reports"
    )
    created_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    created_for = models.ForeignKey(
        User, models.PROTECT, null=True, blank=True, related_name="+"
    )  # a principal
    made_at = models.DateTimeField(null=True, blank=True)  # 1
    central_checked_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    central_checked_for = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    central_confirmed_at = models.DateTimeField(null=True, blank=True)  # 2
    provided_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    provided_at = models.DateTimeField(null=True, blank=True)  # 3
    federation_checked_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    federation_checked_for = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    federation_confirmed_at = models.DateTimeField(null=True, blank=True)  # 4
    presentation = models.CharField(max_length=14, choices=Presentation, blank=True, default="")
    presented_to = models.CharField(_("presented to"), max_length=200, blank=True)
    presented_on = models.DateField(_("presented on"), null=True, blank=True)  # 5
    presentation_reason = models.CharField(_("reason"), max_length=300, blank=True)  # of not presenting
    presented_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    returned_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    returned_at = models.DateTimeField(null=True, blank=True)  # 6
    stored_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    stored_at = models.DateTimeField(null=True, blank=True)  # 7
    # A revision after step 3 was done: both parties say that they know of it before the federation confirms it.
    needs_acknowledgement = models.BooleanField(default=False)
    central_acknowledged_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    central_acknowledged_at = models.DateTimeField(null=True, blank=True)
    federation_acknowledged_by = models.ForeignKey(
        User, models.PROTECT, null=True, blank=True, related_name="+"
    )
    federation_acknowledged_at = models.DateTimeField(null=True, blank=True)
    version = models.PositiveIntegerField(default=1)  # a screen names the version it showed

    class Meta(ScopedModel.Meta):
        ordering = ("-cycle__month", "organisation", "-revision")
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["cycle", "organisation", "revision"], name="auditreport_revision_once"
            ),
            models.UniqueConstraint(
                fields=["cycle", "organisation"], condition=Q(is_current=True), name="auditreport_one_current"
            ),
            models.CheckConstraint(name="auditreport_two_people", condition=_different_people()),
        ]
        indexes: ClassVar = [
            models.Index(fields=["status", "cycle"], condition=Q(is_current=True), name="auditreport_open")
        ]

    def __str__(self) -> str:
        return f"{self.cycle} {self.organisation} r{self.revision}"


class ReportEvent(models.Model):
    """One step or decision about a report, by whom and when. Insert-only (SEC-02)."""

    report = models.ForeignKey(AuditReport, models.PROTECT, related_name="events")
    at = models.DateTimeField()
    actor = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    actor_name = models.CharField(max_length=100, blank=True)
    verb = models.CharField(max_length=30, choices=Verb)
    from_status = models.CharField(max_length=20, choices=ReportStatus, blank=True)
    to_status = models.CharField(max_length=20, choices=ReportStatus, blank=True)
    text = models.TextField(blank=True)
    detail = models.JSONField(default=dict, blank=True)

    class Meta:
        ordering = ("id",)


class ReportFile(ScopedModel):
    """A file of a revision as it was made, signed and hashed; or what came back. Insert-only, never made again (AUD-07)."""

    class Format(models.TextChoices):
        """What it is written in."""

        PDF = "PDF", "PDF"
        CSV = "CSV", "CSV"
        XLSX = "XLSX", "Excel"

    class Stage(models.TextChoices):
        """Which station of the way it belongs to."""

        PROVIDED = "PROVIDED", _("as provided")  # made at step 2: what the federation gets
        ORIGINAL = "ORIGINAL", _("original")  # confirmed by the federation, kept there (原本)
        COPY = "COPY", _("copy")  # what 中央会 received (複写)

    report = models.ForeignKey(AuditReport, models.PROTECT, related_name="files")
    organisation = models.ForeignKey(Organisation, models.PROTECT, related_name="+")
    log_kind = models.CharField(max_length=10, choices=LogKind)
    format = models.CharField(max_length=4, choices=Format)
    stage = models.CharField(max_length=10, choices=Stage)
    name = models.CharField(max_length=200)
    content = models.BinaryField()
    size = models.PositiveIntegerField()
    sha256 = models.CharField(max_length=64)
    checkpoint = models.TextField(blank=True)  # of the evidence log, as printed on it
    made_at = models.DateTimeField()

    class Meta(ScopedModel.Meta):
        ordering = ("id",)
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["report", "log_kind", "format", "stage"], name="reportfile_once")
        ]


PATIENCE = dt.timedelta(minutes=10)  # so long a worker may take for an order, or may let one wait


class FileOrder(models.Model):
    """That the files of a revision are to be made (stage PROVIDED after step 2, ORIGINAL after step 4), until they are."""

    report = models.ForeignKey(AuditReport, models.CASCADE, related_name="file_orders")
    stage = models.CharField(max_length=10, choices=ReportFile.Stage)
    ordered_at = models.DateTimeField()
    lease_until = models.DateTimeField(null=True, blank=True)  # a worker makes them now
    attempts = models.PositiveIntegerField(default=0)
    problem = models.CharField(
        max_length=300, blank=True
    )  # why the last attempt made nothing; shown to operations
    done_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("id",)
        constraints: ClassVar = [models.UniqueConstraint(fields=["report", "stage"], name="fileorder_once")]
        indexes: ClassVar = [
            models.Index(fields=["ordered_at"], condition=Q(done_at=None), name="fileorder_open")
        ]

    @property
    def is_forgotten(self) -> bool:
        """Whether no worker came for so long that somebody has to look after the workers."""
        since = self.lease_until or self.ordered_at
        return not self.problem and not self.is_being_made and since < timezone.now() - PATIENCE

    @property
    def is_being_made(self) -> bool:
        """Whether a worker has it now; without one the files wait, whatever should be."""
        return bool(not self.problem and self.lease_until and self.lease_until > timezone.now())

    @property
    def why(self) -> str:
        """In a sentence why the files are not there yet."""
        if self.problem.startswith("PdfUnavailable"):
            return str(_("The worker cannot make PDF files: libraries are missing."))
        if self.problem:
            return str(_("The files could not be signed or time-stamped."))
        if self.is_being_made and self.attempts == 1:
            return str(_("The files are being made."))
        if self.is_being_made:
            return str(_("A worker ended before the files were made; another one makes them."))
        if self.is_forgotten:
            return str(
                _(
                    "The process that makes the files seems to be stopped. They are made without your doing when it is back."
                )
            )
        if self.attempts:
            return str(
                _("A worker ended before the files were made. The next one makes them without your doing.")
            )
        return str(_("No worker has begun with the files yet. They are made without your doing."))


class ReportEnquiry(ScopedModel):
    """An enquiry about a report; it is closed, or carried over on purpose, before the federation confirms (AUD-05)."""

    report = models.ForeignKey(AuditReport, models.PROTECT, related_name="enquiries")
    organisation = models.ForeignKey(Organisation, models.PROTECT, related_name="+")
    enquiry = models.OneToOneField("change_requests.Enquiry", models.PROTECT, related_name="+")
    linked_at = models.DateTimeField()
    carried_over_at = models.DateTimeField(null=True, blank=True)
    carried_over_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    carry_reason = models.CharField(
        _("why the report is confirmed before the answer"), max_length=300, blank=True
    )

    class Meta(ScopedModel.Meta):
        ordering = ("id",)
        constraints: ClassVar = [
            models.CheckConstraint(
                name="reportenquiry_carried",
                condition=Q(carried_over_at=None, carry_reason="")
                | (Q(carried_over_at__isnull=False) & ~Q(carry_reason="")),
            )
        ]
