"""One header, lines, stages and an insert-only history for every kind of application (docs/adr/0005)."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from portal.common.models import TimestampedModel
from portal.common.search import search_indexes
from portal.orgs.models import Organisation, User
from portal.orgs.permissions import Role
from portal.orgs.scoping import ScopedModel
from portal.workflow.errors import MoveNotAllowed


class Status(models.TextChoices):
    """Where an application stands."""

    DRAFT = "DRAFT", _("draft")
    IN_REVIEW = "IN_REVIEW", _("in review")
    RETURNED = "RETURNED", _("returned")
    PULLED_BACK = "PULLED_BACK", _("pulled back")
    WITHDRAWN = "WITHDRAWN", _("withdrawn")
    REJECTED = "REJECTED", _("rejected")
    FULFILLING = "FULFILLING", _("being carried out")
    PARTLY_COMPLETED = "PARTLY_COMPLETED", _("partly completed")
    NEEDS_ATTENTION = "NEEDS_ATTENTION", _("needs attention")
    COMPLETED = "COMPLETED", _("completed")
    NOT_DONE = "NOT_DONE", _("closed without result")


EDITABLE = frozenset({Status.DRAFT, Status.RETURNED, Status.PULLED_BACK})
FINAL = frozenset({Status.WITHDRAWN, Status.REJECTED, Status.COMPLETED, Status.NOT_DONE})
REPORTED = FINAL - {
    Status.WITHDRAWN
}  # ends that somebody else brought about: the applicant is told by a report (REQ-12)
OPEN = frozenset(set(Status) - FINAL)  # a login name applied for in one of these is taken (ACC-06)

_ON_ITS_WAY: dict[str, Any] = {
    Status.COMPLETED: _("carried out (report on its way)"),
    Status.NOT_DONE: _("closed without result (report on its way)"),
    Status.REJECTED: _("rejected (report on its way)"),
}
_FULFILMENT = {
    Status.FULFILLING,
    Status.PARTLY_COMPLETED,
    Status.NEEDS_ATTENTION,
    Status.COMPLETED,
    Status.NOT_DONE,
}
TRANSITIONS: dict[str, frozenset[str]] = {
    Status.DRAFT: frozenset({Status.IN_REVIEW, Status.WITHDRAWN}),
    Status.RETURNED: frozenset({Status.IN_REVIEW, Status.WITHDRAWN}),
    Status.PULLED_BACK: frozenset({Status.IN_REVIEW, Status.WITHDRAWN}),
    Status.IN_REVIEW: frozenset(
        {Status.RETURNED, Status.REJECTED, Status.PULLED_BACK, Status.WITHDRAWN, Status.FULFILLING}
    ),
    Status.FULFILLING: frozenset(_FULFILMENT - {Status.FULFILLING}),
    Status.PARTLY_COMPLETED: frozenset(_FULFILMENT - {Status.PARTLY_COMPLETED}),
    Status.NEEDS_ATTENTION: frozenset(_FULFILMENT - {Status.NEEDS_ATTENTION}),
}


class Application(ScopedModel, TimestampedModel):
    """One paper: who applies for what, and where it stands. The facts it changes live in register tables elsewhere."""

    number = models.CharField(_("application number"), max_length=20, unique=True)
    kind = models.CharField(_("kind"), max_length=60)
    organisation = models.ForeignKey(
        Organisation, models.PROTECT, related_name="applications", verbose_name=_("organisation")
    )
    applicant = models.ForeignKey(
        User, models.PROTECT, related_name="applications", verbose_name=_("applicant")
    )
    status = models.CharField(_("status"), max_length=20, choices=Status, default=Status.DRAFT)
    revision = models.PositiveSmallIntegerField(_("revision"), default=1)
    version = models.PositiveIntegerField(default=1)  # rises with every change: ETag and the form's guard
    subject = models.CharField(_("subject"), max_length=200, blank=True)  # who or what, for lists
    reason = models.TextField(_("reason"), blank=True)
    desired_on = models.DateField(_("desired date"), null=True, blank=True)
    line_count = models.PositiveIntegerField(default=0)
    # SHA-256 of reason, date, lines and attachments as submitted.
    content_hash = models.CharField(max_length=64, blank=True)
    search_text = models.TextField(blank=True)  # folded by portal.common.text.search_key
    due_on = models.DateField(_("due date"), null=True, blank=True)  # of the open stage
    copied_from = models.ForeignKey("self", models.PROTECT, null=True, blank=True, related_name="+")
    submitted_at = models.DateTimeField(_("submitted"), null=True, blank=True)
    decided_at = models.DateTimeField(_("decided"), null=True, blank=True)
    completed_at = models.DateTimeField(_("completed"), null=True, blank=True)
    report = models.OneToOneField(
        "workflow.ResultReport", models.PROTECT, null=True, blank=True, related_name="application"
    )
    # Ended before there were result reports. Only the migration that brought them wrote it.
    before_reports = models.BooleanField(default=False, db_default=False)

    class Meta(ScopedModel.Meta):
        ordering = ("-id",)
        indexes: ClassVar = [
            models.Index(fields=["organisation", "-id"], name="application_org"),
            models.Index(fields=["status", "-id"], name="application_status"),
            models.Index(fields=["organisation", "status", "-id"], name="application_org_status"),
            models.Index(fields=["kind", "-id"], name="application_kind"),
            models.Index(fields=["applicant", "-id"], name="application_applicant"),
            models.Index(fields=["submitted_at"], name="application_submitted"),
            models.Index(fields=["due_on"], name="application_due", condition=Q(status=Status.IN_REVIEW)),
            *search_indexes("application"),
        ]
        constraints: ClassVar = [
            models.CheckConstraint(name="application_status", condition=Q(status__in=Status.values)),
            # REQ-12: nothing ends without a result report. A trigger keeps before_reports from becoming true.
            models.CheckConstraint(
                name="application_ends_with_report",
                condition=~Q(status__in=sorted(REPORTED)) | Q(report__isnull=False) | Q(before_reports=True),
            ),
        ]

    def __str__(self) -> str:
        return self.number

    @property
    def is_editable(self) -> bool:
        """Whether the applicant may still change the content."""
        return self.status in EDITABLE

    @property
    def awaits_report(self) -> bool:
        """Whether it has ended and its result report has not reached the applicant yet (REQ-12)."""
        return self.report is not None and self.report.reached_at is None

    @property
    def status_label(self) -> str:
        """Where it stands, in words. What was carried out counts as completed once the applicant was told (REQ-12)."""
        words = _ON_ITS_WAY.get(self.status) if self.awaits_report else None
        return str(words or self.get_status_display())

    def move_to(self, target: str) -> None:
        """Change the status in memory; the calling service holds the row lock and saves.

        Raises MoveNotAllowed when the table of moves has no such step.
        """
        if target not in TRANSITIONS.get(self.status, frozenset()):
            raise MoveNotAllowed(self.number, self.status, target)
        self.status = target


class ApplicationLine(ScopedModel):
    """One subject of an application (one person, one device …) with its checked payload, plan and result."""

    application = models.ForeignKey(Application, models.CASCADE, related_name="lines")
    organisation = models.ForeignKey(Organisation, models.PROTECT, related_name="+")
    position = models.PositiveIntegerField()
    payload = models.JSONField(default=dict)
    payload_version = models.PositiveSmallIntegerField(default=1)
    subject_key = models.CharField(max_length=200, blank=True)  # folded login name, MAC …
    subject = models.CharField(max_length=200, blank=True)
    plan = models.JSONField(null=True, blank=True)  # frozen at submission (portal.workflow.plans)
    # Submitted and not settled: the line holds its reservation, e.g. "login:tk0412-suzuki"; NULL reserves nothing.
    is_open = models.BooleanField(default=False)
    reservation_key = models.CharField(max_length=240, null=True, blank=True)  # noqa: DJ001
    # What it is about, as portal.workflow.subjects names it: ["dns:web13.kokuho.pr"].
    subjects = ArrayField(models.CharField(max_length=240), default=list, db_default=[], blank=True)
    result = models.JSONField(default=dict, blank=True)

    class Meta(ScopedModel.Meta):
        ordering = ("position",)
        indexes: ClassVar = [
            models.Index(fields=["subject_key"], name="line_subject"),
            GinIndex(fields=["subjects"], name="line_open_subjects", condition=Q(is_open=True)),
        ]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["application", "position"], name="line_position"),
            # ACC-06: two open applications never hold one name; the database decides the race.
            models.UniqueConstraint(
                fields=["reservation_key"], condition=Q(is_open=True), name="line_reservation"
            ),
        ]


class StageStatus(models.TextChoices):
    """What became of an approval stage."""

    WAITING = "WAITING", _("waiting for its turn")
    OPEN = "OPEN", _("to be decided")
    APPROVED = "APPROVED", _("approved")
    REJECTED = "REJECTED", _("rejected")
    RETURNED = "RETURNED", _("returned")
    CANCELLED = "CANCELLED", _("no longer needed")


class ApprovalStage(ScopedModel):
    """One decision on one revision, copied from the route at submission (ACC-03), never edited once decided."""

    application = models.ForeignKey(Application, models.CASCADE, related_name="stages")
    revision = models.PositiveSmallIntegerField()
    position = models.PositiveSmallIntegerField()
    label = models.CharField(max_length=60)  # the msgid of the stage's name, translated when shown
    role = models.CharField(max_length=20, choices=Role)
    organisation = models.ForeignKey(Organisation, models.PROTECT, related_name="+")  # whose members decide
    applicant = models.ForeignKey(User, models.PROTECT, related_name="+")  # copied for the constraints below
    # People whom the application is about in a way that they must not decide (ApplicationKind.concerned), by primary key.
    concerned = models.JSONField(default=list, blank=True)
    status = models.CharField(max_length=20, choices=StageStatus, default=StageStatus.WAITING)
    is_fallback = models.BooleanField(default=False)  # nobody could act, so operations decide
    opened_at = models.DateTimeField(null=True, blank=True)
    business_days = models.PositiveSmallIntegerField(default=3)  # from opening to due_on, as the route said
    due_on = models.DateField(null=True, blank=True)
    reminded_on = models.DateField(null=True, blank=True)  # the last day on which a reminder went out
    decided_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="decided_stages")
    # The principal, when a deputy decided.
    acted_for = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    decided_at = models.DateTimeField(null=True, blank=True)
    comment = models.TextField(blank=True)
    content_hash = models.CharField(max_length=64, blank=True)  # what the decider saw
    plan_digest = models.CharField(max_length=64, blank=True)  # the live plan the decider saw

    class Meta(ScopedModel.Meta):
        ordering = ("revision", "position")
        indexes: ClassVar = [
            models.Index(
                fields=["organisation", "role", "due_on"],
                name="stage_inbox",
                condition=Q(status=StageStatus.OPEN),
            ),
            models.Index(
                fields=["decided_at"], name="stage_decided", condition=Q(decided_at__isnull=False)
            ),  # evidence.py
        ]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["application", "revision", "position"], name="stage_position"),
            models.UniqueConstraint(
                fields=["application"], condition=Q(status=StageStatus.OPEN), name="stage_one_open"
            ),
            # ORG-04, in the database: also for superusers, also through a deputy.
            models.CheckConstraint(
                name="stage_not_decided_by_applicant",
                condition=Q(decided_by=None) | ~Q(decided_by=F("applicant")),
            ),
            models.CheckConstraint(
                name="stage_not_decided_for_applicant",
                condition=Q(acted_for=None) | ~Q(acted_for=F("applicant")),
            ),
            models.UniqueConstraint(
                fields=["application", "revision", "decided_by"],
                condition=Q(decided_by__isnull=False),
                name="stage_deciders_differ",
            ),
        ]


class ApplicationEvent(ScopedModel):
    """The history of an application. A database trigger refuses UPDATE and DELETE (SEC-02)."""

    application = models.ForeignKey(Application, models.PROTECT, related_name="events")
    organisation = models.ForeignKey(Organisation, models.PROTECT, related_name="+")
    at = models.DateTimeField()
    # None: the portal itself.
    actor = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    actor_name = models.CharField(max_length=100)  # as it was then; empty: the portal
    acted_for = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    verb = models.CharField(max_length=40)  # portal.workflow.verbs
    from_status = models.CharField(max_length=20, blank=True)
    to_status = models.CharField(max_length=20, blank=True)
    revision = models.PositiveSmallIntegerField()
    comment = models.TextField(blank=True)
    data = models.JSONField(default=dict, blank=True)  # full content at each submission, never a secret

    class Meta(ScopedModel.Meta):
        ordering = ("id",)
        indexes: ClassVar = [models.Index(fields=["application", "id"], name="event_application")]


class Attachment(ScopedModel):
    """A file of an application, kept in the database so that one backup holds everything (docs/adr/0007)."""

    application = models.ForeignKey(Application, models.CASCADE, related_name="attachments")
    organisation = models.ForeignKey(Organisation, models.PROTECT, related_name="+")
    name = models.CharField(max_length=200)
    content_type = models.CharField(max_length=100)
    size = models.PositiveIntegerField()
    sha256 = models.CharField(max_length=64)
    added_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    added_at = models.DateTimeField()

    class Meta(ScopedModel.Meta):
        ordering = ("id",)


class AttachmentContent(models.Model):
    """The bytes of an attachment, apart from it so that lists never load them."""

    attachment = models.OneToOneField(Attachment, models.CASCADE, related_name="content", primary_key=True)
    data = models.BinaryField()


class RemovedAttachment(ScopedModel):
    """A file that was part of a submitted application and was taken off later: an approver has seen it (SEC-03).

    Insert-only, and kept as long as the application.
    """

    application = models.ForeignKey(Application, models.PROTECT, related_name="removed_attachments")
    organisation = models.ForeignKey(Organisation, models.PROTECT, related_name="+")
    name = models.CharField(max_length=200)
    content_type = models.CharField(max_length=100)
    sha256 = models.CharField(max_length=64)
    data = models.BinaryField()
    added_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    added_at = models.DateTimeField()
    removed_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    removed_at = models.DateTimeField()

    class Meta(ScopedModel.Meta):
        ordering = ("id",)


class RouteStage(models.Model):
    """One stage of the approval route of a kind, as data (ACC-03).

    Rows with an organisation replace the kind's general route for that organisation. Kinds bring their general route as
    `default_route`; it is used while no row exists.
    """

    class DecidedIn(models.TextChoices):
        """Whose members decide."""

        OWN = "OWN", _("the applicant's organisation")
        OPERATIONS = "OPERATIONS", _("network operations")
        CENTRAL = "CENTRAL", _("central association")

    kind = models.CharField(_("kind"), max_length=60)
    organisation = models.ForeignKey(Organisation, models.PROTECT, null=True, blank=True, related_name="+")
    position = models.PositiveSmallIntegerField()
    label = models.CharField(_("name of the stage"), max_length=60)
    role = models.CharField(_("role"), max_length=20, choices=Role)
    decided_in = models.CharField(_("decided in"), max_length=20, choices=DecidedIn)
    business_days = models.PositiveSmallIntegerField(_("business days"), default=3)

    class Meta:
        ordering = ("kind", "organisation", "position")
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["kind", "organisation", "position"], nulls_distinct=False, name="route_stage_position"
            )
        ]


class SavedFilter(models.Model):
    """A person's own tab above the application list: a name and the filter part of the URL."""

    user = models.ForeignKey(User, models.CASCADE, related_name="saved_filters")
    name = models.CharField(_("name"), max_length=40)
    query = models.CharField(max_length=500)

    class Meta:
        ordering = ("id",)
        constraints: ClassVar = [models.UniqueConstraint(fields=["user", "name"], name="saved_filter_name")]


class IdempotencyKey(models.Model):
    """The answer to a POST that carried an `Idempotency-Key`, so that sending it again does nothing twice."""

    user = models.ForeignKey(User, models.CASCADE, related_name="+")
    key = models.CharField(max_length=100)
    request_digest = models.CharField(max_length=64)
    status = models.PositiveSmallIntegerField(null=True)
    body = models.JSONField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["user", "key"], name="idempotency_key_once")]


from portal.workflow.bulk.models import Upload, UploadState  # noqa: E402, F401 - one app, one place for its tables
from portal.workflow.reports.models import ResultReport  # noqa: E402, F401
