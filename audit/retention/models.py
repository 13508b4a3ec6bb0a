"""How long records are kept, what is held back from disposal, and what two people disposed of (AUD-09, SEC-03)."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from portal.common.models import TimestampedModel
from portal.orgs.models import User


class RecordKind(models.TextChoices):
    """What is disposed of together."""

    NUMBER_LOGS = "NUMBER_LOGS", _("log rows about individual numbers, with the files that brought them")
    OTHER_LOGS = "OTHER_LOGS", _("log rows about personal information")
    REPORTS = "REPORTS", _("files of audit reports")
    SESSIONS = "SESSIONS", _("mismatches with their reasons and incidents")
    LEDGERS = "LEDGERS", _("works of the two ledgers with their changes")


# Table 2-51, and for everything else the same as for the logs that it tells of. A rule may keep longer, never shorter.
LEAST_YEARS = {
    RecordKind.NUMBER_LOGS: 7,
    RecordKind.OTHER_LOGS: 3,
    RecordKind.REPORTS: 7,
    RecordKind.SESSIONS: 7,
    RecordKind.LEDGERS: 7,
}


class RetentionRule(TimestampedModel):
    """For how many years after the end of its month one kind of record is kept."""

    kind = models.CharField(_("kind of record"), max_length=12, choices=RecordKind, unique=True)
    years = models.PositiveSmallIntegerField(_("years"))
    changed_by_name = models.CharField(max_length=100, blank=True)

    class Meta:
        ordering = ("id",)
        constraints: ClassVar = [
            models.CheckConstraint(
                name="retention_least",
                condition=Q(kind="OTHER_LOGS", years__gte=3) | Q(years__gte=7),
            )
        ]


class Hold(models.Model):
    """Nothing of this kind and month is disposed of until somebody releases it: an inquiry, a court, an incident."""

    kind = models.CharField(_("kind of record"), max_length=12, choices=RecordKind)
    month = models.DateField(_("month"), null=True, blank=True)  # first day; empty: every month
    reason = models.CharField(_("reason"), max_length=300)
    placed_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    placed_at = models.DateTimeField(_("placed"))
    released_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    released_at = models.DateTimeField(_("released"), null=True, blank=True)

    class Meta:
        ordering = ("-id",)
        constraints: ClassVar = [
            models.CheckConstraint(name="hold_month", condition=Q(month=None) | Q(month__day=1)),
            models.CheckConstraint(name="hold_reason", condition=~Q(reason="")),
            models.CheckConstraint(
                name="hold_released",
                condition=Q(released_at=None, released_by=None)
                | Q(released_at__isnull=False, released_by__isnull=False),
            ),
        ]


# What Disposal.counts counts.
_COUNTED = {
    "rows": pgettext_lazy("disposal", "log rows"),
    "chunks": pgettext_lazy("disposal", "pieces of log files"),
    "held": pgettext_lazy("disposal", "waiting lines of logs"),
    "files": pgettext_lazy("disposal", "files"),
    "reports": pgettext_lazy("disposal", "reports"),
    "sessions": pgettext_lazy("disposal", "mismatches"),
    "reasons": pgettext_lazy("disposal", "reasons of mismatches"),
    "incidents": pgettext_lazy("disposal", "incidents"),
    "incident_sessions": pgettext_lazy("disposal", "mismatches of incidents"),
    "works": pgettext_lazy("disposal", "works"),
    "changes": pgettext_lazy("disposal", "changes of works"),
}


class Disposal(models.Model):
    """One month of one kind: proposed by one person, carried out by the word of another, and what went.

    A month can go again: rows that come for it afterwards are kept no longer than the others.
    `gone` names for each source of the evidence the records that went, with what keeps the rest provable (audit.retention.decisions):
    {"audit.work_change": [3, 4], "audit.log_batch": {"7": "9f…"}, "audit.report_file": {"5": ["2016-09_13_….pdf", "ab…", "0c…"]}}.
    """

    class State(models.TextChoices):
        """How far it is."""

        PROPOSED = "PROPOSED", pgettext_lazy("disposal", "proposed")
        DONE = "DONE", pgettext_lazy("disposal", "disposed of")
        REFUSED = "REFUSED", pgettext_lazy("disposal", "refused")

    kind = models.CharField(_("kind of record"), max_length=12, choices=RecordKind)
    month = models.DateField(_("month"))  # first day
    state = models.CharField(max_length=10, choices=State, default=State.PROPOSED)
    reason = models.CharField(_("reason"), max_length=300)
    proposed_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    proposed_at = models.DateTimeField(_("proposed"))
    decided_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    decided_at = models.DateTimeField(_("decided"), null=True, blank=True)
    answer = models.CharField(_("answer"), max_length=300, blank=True)  # why it was refused
    counts = models.JSONField(default=dict, blank=True)  # what went, by names of _COUNTED
    digest = models.CharField(max_length=64, blank=True)  # SHA-256 over the hashes of what went
    gone = models.JSONField(default=dict, blank=True)

    class Meta:
        ordering = ("-id",)
        constraints: ClassVar = [
            models.CheckConstraint(name="disposal_month", condition=Q(month__day=1)),
            models.CheckConstraint(
                name="disposal_two_people", condition=Q(decided_by=None) | ~Q(decided_by=F("proposed_by"))
            ),
            models.CheckConstraint(
                name="disposal_decided",
                condition=Q(state="PROPOSED", decided_by=None) | (~Q(state="PROPOSED") & ~Q(decided_by=None)),
            ),
            models.UniqueConstraint(
                fields=["kind", "month"], condition=Q(state="PROPOSED"), name="disposal_one_proposal"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.month:%Y-%m}"

    @property
    def told(self) -> list[tuple[str, str]]:
        """What went, in words with how many."""
        return [(str(_COUNTED.get(name, name)), f"{count:,}") for name, count in self.counts.items()]
