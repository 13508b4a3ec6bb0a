"""The months of the audit, their steps with deadlines as versioned data, and days on which nobody works (AUD-02…AUD-08)."""

from __future__ import annotations

import datetime as dt
from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from portal.common.models import TimestampedModel
from portal.orgs.models import Organisation, User
from portal.orgs.permissions import OrganisationKind
from portal.orgs.scoping import ScopedModel


class Step(models.IntegerChoices):
    """The seven steps of a month (table 2-53)."""

    CREATE = 1, _("report made")
    CENTRAL_CHECK = 2, _("checked by the central association")
    PROVIDE = 3, _("provided to the federation")
    FEDERATION_CHECK = 4, _("checked by the federation")
    PRESENT = 5, _("presented to prefecture and insurers")
    RETURN = 6, _("sent back, original kept")
    STORE_COPY = 7, _("copy kept")


class Roll(models.TextChoices):
    """Where a due day goes that is no working day (AUD-08)."""

    NEXT = "NEXT", pgettext_lazy("deadline", "next working day")
    PREVIOUS = "PREVIOUS", pgettext_lazy("deadline", "working day before")
    NONE = "NONE", pgettext_lazy("deadline", "stays")


class StepRule(models.Model):
    """When a step is due, who owes it, who is reminded and to whom it goes when late (AUD-08)."""

    step = models.PositiveSmallIntegerField(_("step"), choices=Step)
    owner = models.CharField(_("owner"), max_length=20, choices=OrganisationKind)
    due_day = models.PositiveSmallIntegerField(_("day"))  # 1-28
    month_offset = models.PositiveSmallIntegerField(_("month"))  # 0: the month of the cycle, 1: the next
    roll = models.CharField(_("rule for holidays"), max_length=10, choices=Roll)
    min_working_days = models.PositiveSmallIntegerField(_("least working days"), default=1)
    remind_before = ArrayField(models.PositiveSmallIntegerField(), default=list)  # working days before due
    escalate_owner = models.PositiveSmallIntegerField(default=1)  # working days after due
    escalate_supervisor = models.PositiveSmallIntegerField(default=3)
    escalate_central = models.PositiveSmallIntegerField(default=5)
    together = models.BooleanField(_("beside the step before"), default=False)  # starts with it, not after it
    optional = models.BooleanField(_("optional"), default=False)

    class Meta:
        abstract = True


class DeadlinePolicy(TimestampedModel):
    """One version of all deadlines. A cycle freezes the version that holds when it is born."""

    valid_from = models.DateField(_("first month"), unique=True)  # first day of the first cycle month
    opens_day = models.PositiveSmallIntegerField(_("day on which a month opens"), default=21)  # 1-28
    covers_from_day = models.PositiveSmallIntegerField(
        _("first day that a report covers"), default=21
    )  # of the month before (AUD-10)
    note = models.CharField(_("note"), max_length=300, blank=True)
    made_by_name = models.CharField(
        _("made by"), max_length=100, blank=True
    )  # who that is stands in the trail

    class Meta:
        ordering = ("valid_from",)
        constraints: ClassVar = [
            models.CheckConstraint(name="policy_first_of_month", condition=Q(valid_from__day=1)),
            models.CheckConstraint(name="policy_opens_day", condition=Q(opens_day__range=(1, 28))),
            models.CheckConstraint(  # what a report covers is over before it is made
                name="policy_covers_from_day",
                condition=Q(covers_from_day__gte=1, covers_from_day__lte=F("opens_day")),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.valid_from:%Y-%m}"


class PolicyStep(StepRule):
    """One step of a version of the deadlines."""

    policy = models.ForeignKey(DeadlinePolicy, models.CASCADE, related_name="steps")

    class Meta:
        ordering = ("step",)
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["policy", "step"], name="policystep_once"),
            models.CheckConstraint(name="policystep_day", condition=Q(due_day__range=(1, 28))),
        ]


class AuditCycle(TimestampedModel):
    """One month of the audit for all federations: opened once by the scheduler, its dates frozen at birth."""

    month = models.DateField(_("month"), unique=True)  # its first day
    covers_from = models.DateField(_("covers from"))  # both included (AUD-10: 21st to 20th)
    covers_until = models.DateField(_("covers until"))
    policy = models.ForeignKey(DeadlinePolicy, models.PROTECT, related_name="cycles")
    opened_at = models.DateTimeField(_("opened"))

    class Meta:
        ordering = ("-month",)
        constraints: ClassVar = [
            models.CheckConstraint(name="cycle_first_of_month", condition=Q(month__day=1)),
            models.CheckConstraint(
                name="cycle_covers_in_order", condition=Q(covers_until__gt=F("covers_from"))
            ),
        ]

    def __str__(self) -> str:
        return f"{self.month:%Y-%m}"

    @property
    def key(self) -> str:
        """How the month is written in addresses and file names: 2026-09."""
        return f"{self.month:%Y-%m}"


class CycleStep(StepRule):
    """A step of one month with its days; nothing that is decided later about deadlines changes it."""

    cycle = models.ForeignKey(AuditCycle, models.CASCADE, related_name="steps")
    starts_on = models.DateField(_("start"))
    due_on = models.DateField(_("due"))
    moved = models.CharField(
        max_length=300, blank=True
    )  # why the day is not the one of the rule, in Japanese

    class Meta:
        ordering = ("cycle", "step")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["cycle", "step"], name="cyclestep_once"),
            models.CheckConstraint(name="cyclestep_in_order", condition=Q(due_on__gte=F("starts_on"))),
        ]
        indexes: ClassVar = [models.Index(fields=["due_on"], name="cyclestep_due")]


class Closure(TimestampedModel):
    """A day on which nobody works beside weekends and national holidays, or a holiday that is worked."""

    day = models.DateField(_("day"), unique=True)
    name = models.CharField(_("name"), max_length=50)
    works = models.BooleanField(_("is a working day"), default=False)
    made_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")

    class Meta:
        ordering = ("day",)

    def __str__(self) -> str:
        return f"{self.day} {self.name}"


class StepMail(ScopedModel):
    """A mail about a step that went to one person (AUD-08). `organisation` is the party that owes it.

    Before the due day each reminder comes once. Lateness is told once of each report, in at most one mail a day for all of them;
    a new revision is another report and is told of anew.
    """

    class Level(models.TextChoices):
        """Which of the mails."""

        BEFORE = "BEFORE", pgettext_lazy("audit mail", "reminder before the due day")
        OWNER = "OWNER", pgettext_lazy("audit mail", "late: to those who owe it")
        SUPERVISOR = "SUPERVISOR", pgettext_lazy("audit mail", "late: to those above them")

    step = models.ForeignKey(CycleStep, models.PROTECT, related_name="mails")
    organisation = models.ForeignKey(Organisation, models.PROTECT, related_name="+")
    to_user = models.ForeignKey(User, models.PROTECT, related_name="+")
    level = models.CharField(max_length=12, choices=Level)
    days = models.PositiveSmallIntegerField(default=0)  # working days before the due day that it spoke for
    day = models.DateField()  # in Japan, of `sent_at`
    reports = ArrayField(models.BigIntegerField(), default=list)  # that it was about
    sent_at = models.DateTimeField()

    class Meta(ScopedModel.Meta):
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["step", "organisation", "to_user", "level", "days", "day"], name="stepmail_daily"
            )
        ]


def first_of_month(day: dt.date) -> dt.date:
    """The first day of the month of `day`: the key of a cycle."""
    return day.replace(day=1)
