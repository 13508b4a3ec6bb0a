"""Runs of the reconciliation, what differed, the reasons people gave, and incidents (AUD-01…AUD-05)."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from audit.cycles.models import AuditCycle
from audit.ledgers.models import WorkEntry
from audit.reconciliation import kinds
from portal.common.models import TimestampedModel
from portal.common.search import search_indexes
from portal.orgs.models import Organisation, User
from portal.orgs.scoping import ScopedModel


class LogKind(models.TextChoices):
    """The two logs and so the two reports of a month (AUD-01)."""

    DATABASE = kinds.DATABASE, _("DB access")
    TAKEOUT = kinds.TAKEOUT, _("file take-out")


class Code(models.TextChoices):
    """What the reconciliation found. OK, TOL and AMBIGUOUS fit a work; everything else is a mismatch (不一致)."""

    OK = "OK", pgettext_lazy("reconciliation", "fits a work")
    TOL = "TOL", pgettext_lazy("reconciliation", "fits within the tolerance")
    AMBIGUOUS = "AMBIGUOUS", pgettext_lazy("reconciliation", "fits several works")
    U_TIME = "U_TIME", pgettext_lazy("reconciliation", "outside the time of the work")
    U_ACCOUNT = "U_ACCOUNT", pgettext_lazy("reconciliation", "other account")
    U_HOST = "U_HOST", pgettext_lazy("reconciliation", "other machine")
    U_NOPLAN = "U_NOPLAN", pgettext_lazy("reconciliation", "no work planned")
    X_SCOPE = "X_SCOPE", pgettext_lazy("reconciliation", "beyond the scope of the work")
    X_MEDIUM = "X_MEDIUM", pgettext_lazy("reconciliation", "medium not permitted")
    X_VOLUME = "X_VOLUME", pgettext_lazy("reconciliation", "more than declared")
    L_NOLOG = "L_NOLOG", pgettext_lazy("reconciliation", "work without a log")
    L_CANCELLED = "L_CANCELLED", pgettext_lazy("reconciliation", "cancelled work that was done")


FITTING = frozenset({Code.OK, Code.TOL, Code.AMBIGUOUS})


class ReasonCode(models.TextChoices):
    """Why something differs (不一致理由)."""

    EMERGENCY = "EMERGENCY", _("emergency work")
    OVERRUN = "OVERRUN", _("work took longer")
    OTHER_OPERATOR = "OTHER_OPERATOR", _("another person did it")
    FORM_ERROR = "FORM_ERROR", _("mistake in the work application")
    LOG_ERROR = "LOG_ERROR", _("mistake in the log")
    MISUSE = "MISUSE", _("misuse suspected")
    OTHER = "OTHER", pgettext_lazy("mismatch", "other")


class Side(models.TextChoices):
    """Whose reason it is: step 2 or step 4."""

    CENTRAL = "CENTRAL", _("central association")
    FEDERATION = "FEDERATION", _("federation")


class Reconciliation(ScopedModel):
    """One run over one month and federation. The newest done run counts; the same input gives the same result."""

    class State(models.TextChoices):
        """How far it is."""

        RUNNING = "RUNNING", pgettext_lazy("reconciliation", "running")
        DONE = "DONE", pgettext_lazy("reconciliation", "done")
        FAILED = "FAILED", pgettext_lazy("reconciliation", "failed")

    cycle = models.ForeignKey(AuditCycle, models.PROTECT, related_name="reconciliations")
    organisation = models.ForeignKey(Organisation, models.PROTECT, related_name="+")
    started_at = models.DateTimeField(_("started"))
    finished_at = models.DateTimeField(_("finished"), null=True, blank=True)
    checked_at = models.DateTimeField(
        null=True, blank=True
    )  # found to be still right: nothing came, or the same
    started_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    state = models.CharField(max_length=10, choices=State, default=State.RUNNING)
    input_digest = models.CharField(max_length=64, blank=True)  # SHA-256 over rows, works and rules
    engine_version = models.PositiveSmallIntegerField(default=1)
    counts = models.JSONField(default=dict, blank=True)  # rows by log kind and code: {"DATABASE": {"OK": 1}}
    coverage = models.JSONField(
        default=list, blank=True
    )  # per machine and log kind: days with and without rows
    problem = models.CharField(max_length=300, blank=True)

    class Meta(ScopedModel.Meta):
        ordering = ("-id",)
        indexes: ClassVar = [
            models.Index(fields=["cycle", "organisation", "-id"], name="reconciliation_newest")
        ]


class Mismatch(ScopedModel):
    """Rows of one run that differ in the same way, folded into a session that a person can read; or a work without log.

    `fingerprint` is the same for the same session in a later run, so that a reason given once stays (unless the rows changed).
    """

    # Both are the first of indexes below.
    reconciliation = models.ForeignKey(
        Reconciliation, models.PROTECT, related_name="mismatches", db_index=False
    )
    organisation = models.ForeignKey(Organisation, models.PROTECT, related_name="+", db_index=False)
    fingerprint = models.CharField(max_length=64)
    log_kind = models.CharField(_("log"), max_length=10, choices=LogKind)
    code = models.CharField(_("finding"), max_length=12, choices=Code)
    host = models.CharField(_("machine"), max_length=100, blank=True)
    account = models.CharField(_("account"), max_length=100, blank=True)
    client = models.CharField(_("client"), max_length=100, blank=True)
    object_name = models.CharField(_("object"), max_length=300, blank=True)
    actions = models.CharField(_("actions"), max_length=200, blank=True)
    first_at = models.DateTimeField(_("from"))
    last_at = models.DateTimeField(_("until"))
    row_count = models.PositiveIntegerField(_("rows"))  # log rows folded into this; 0 for a work without log
    volume = models.PositiveBigIntegerField(_("volume"), default=0)  # rows read or bytes taken out
    medium_serial = models.CharField(_("medium"), max_length=100, blank=True)
    medium_permitted = models.BooleanField(null=True, blank=True)  # on that day, by the register of devices
    work = models.ForeignKey(WorkEntry, models.PROTECT, null=True, blank=True, related_name="+")
    work_number = models.CharField(_("work number"), max_length=40, blank=True)  # as it was (AUD-02)
    involves_number = models.BooleanField(_("individual numbers"), default=True)
    search_text = models.TextField(blank=True)

    class Meta(ScopedModel.Meta):
        ordering = ("first_at", "id")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["reconciliation", "fingerprint"], name="mismatch_once")
        ]
        # None for the search: it goes through the sessions of one run, and an index over those of all years would cost each run
        # more than everything else about them.
        indexes: ClassVar = [
            models.Index(fields=["reconciliation", "log_kind", "code"], name="mismatch_code"),
            models.Index(fields=["organisation", "fingerprint"], name="mismatch_fingerprint"),
        ]


class MismatchReason(ScopedModel):
    """Why a session differs, as one party says it. The newest of a party counts. Insert-only (SEC-02)."""

    mismatch = models.ForeignKey(
        Mismatch, models.PROTECT, related_name="reasons", db_index=False
    )  # see indexes
    organisation = models.ForeignKey(Organisation, models.PROTECT, related_name="+")  # of the mismatch
    side = models.CharField(max_length=10, choices=Side)
    code = models.CharField(_("reason"), max_length=16, choices=ReasonCode)
    text = models.CharField(_("explanation"), max_length=500)
    given_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    given_by_name = models.CharField(max_length=100)
    given_at = models.DateTimeField()

    class Meta(ScopedModel.Meta):
        ordering = ("id",)
        constraints: ClassVar = [models.CheckConstraint(name="mismatchreason_text", condition=~Q(text=""))]
        indexes: ClassVar = [  # what was said of a session
            models.Index(fields=["mismatch", "-id"], include=["code"], name="mismatchreason_newest")
        ]


class Incident(ScopedModel, TimestampedModel):
    """Opened by "misuse suspected" (notes of the audit); closed with a result by somebody else than who opened it."""

    class State(models.TextChoices):
        """Whether somebody still looks into it."""

        OPEN = "OPEN", pgettext_lazy("incident", "open")
        CLOSED = "CLOSED", pgettext_lazy("incident", "closed")

    number = models.CharField(_("number"), max_length=20, unique=True)
    organisation = models.ForeignKey(Organisation, models.PROTECT, related_name="+")
    cycle = models.ForeignKey(AuditCycle, models.PROTECT, related_name="incidents")
    fingerprint = models.CharField(max_length=64)
    text = models.TextField(_("suspicion"))
    state = models.CharField(_("state"), max_length=10, choices=State, default=State.OPEN)
    opened_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    opened_at = models.DateTimeField(_("opened"))
    closed_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    closed_at = models.DateTimeField(_("closed"), null=True, blank=True)
    result = models.TextField(_("result"), blank=True)
    search_text = models.TextField(blank=True)

    class Meta(ScopedModel.Meta):
        ordering = ("-id",)
        indexes: ClassVar = [*search_indexes("incident")]
        constraints: ClassVar = [
            models.CheckConstraint(name="incident_two_people", condition=~Q(closed_by=models.F("opened_by"))),
            models.UniqueConstraint(
                fields=["organisation", "fingerprint"], condition=Q(state="OPEN"), name="incident_once_open"
            ),
            models.CheckConstraint(
                name="incident_closed",
                condition=Q(state="OPEN", closed_at=None) | (Q(state="CLOSED") & ~Q(result="")),
            ),
        ]

    def __str__(self) -> str:
        return self.number


class IncidentSession(ScopedModel):
    """A session that an incident is about. An incident shows these to both parties, also before the report is provided."""

    incident = models.ForeignKey(Incident, models.PROTECT, related_name="sessions")
    organisation = models.ForeignKey(Organisation, models.PROTECT, related_name="+")
    mismatch = models.ForeignKey(Mismatch, models.PROTECT, related_name="+")
    fingerprint = models.CharField(max_length=64)

    class Meta(ScopedModel.Meta):
        ordering = ("id",)
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["incident", "fingerprint"], name="incidentsession_once")
        ]
        indexes: ClassVar = [
            models.Index(fields=["organisation", "fingerprint"], name="incidentsession_print")
        ]
