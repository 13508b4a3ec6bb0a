"""The newest quarantine result of each machine, its history, and the imports that brought it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any, ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from devices.computers.models import Computer
from portal.common.models import TimestampedModel
from portal.common.time import today
from portal.orgs.models import Organisation, User
from portal.orgs.scoping import ScopedModel


class Inspection(models.TextChoices):
    """What is checked (T 2-43), in the order of the table."""

    SYSTEM = "SYSTEM", _("Windows version")
    AGENT = "AGENT", _("quarantine agent")
    PATCHES = "PATCHES", _("Windows security patches")
    PATTERNS = "PATTERNS", _("virus patterns")
    SKYSEA = "SKYSEA", _("SKYSEA agent")
    SPLUNK = "SPLUNK", _("Splunk agent")


class Result(models.TextChoices):
    """What the quarantine server said (T 2-42 no. 2)."""

    FIT = "FIT", _("fit")
    UNFIT = "UNFIT", _("unfit, isolated")


class QuarantineMapping(models.Model):
    """How files of the quarantine server are read (devices.quarantine.layout). Insert-only: the newest counts."""

    definition = models.JSONField()
    made_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    made_at = models.DateTimeField()

    class Meta:
        ordering = ("-id",)


class QuarantineImport(models.Model):
    """One file that operations brought, with what did not fit. The same file counts once with each mapping."""

    file_name = models.CharField(max_length=200)
    sha256 = models.CharField(max_length=64)
    mapping = models.ForeignKey(QuarantineMapping, models.PROTECT, null=True, blank=True, related_name="+")
    row_count = models.PositiveIntegerField()
    taken_count = models.PositiveIntegerField()  # rows that brought something newer
    problems = models.JSONField(default=list)  # [{"row": 3, "text": "…"}]
    imported_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    imported_at = models.DateTimeField()

    class Meta:
        ordering = ("-id",)
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["sha256", "mapping"], name="quarantineimport_once", nulls_distinct=False
            )
        ]

    def __str__(self) -> str:
        return self.file_name

    @property
    def problem_count(self) -> int:
        """How many rows did not fit."""
        return len(self.problems)


class QuarantineStatus(ScopedModel, TimestampedModel):
    """The newest result of one machine."""

    computer = models.OneToOneField(Computer, models.PROTECT, related_name="quarantine")
    organisation = models.ForeignKey(Organisation, models.PROTECT, related_name="+")
    result = models.CharField(_("result"), max_length=10, choices=Result)
    has_agent = models.BooleanField(_("quarantine agent"), null=True)
    checked_at = models.DateTimeField(_("last check"))
    failed = models.JSONField(_("not fit because of"), default=list, blank=True)  # values of Inspection
    # When what is missing was delivered: the grace counts from there (T 2-43 no. 3 and 4).
    patches_since = models.DateField(null=True, blank=True)
    patterns_since = models.DateField(null=True, blank=True)
    last_import = models.ForeignKey(QuarantineImport, models.PROTECT, related_name="+")

    class Meta(ScopedModel.Meta):
        ordering = ("-id",)
        indexes: ClassVar = [models.Index(fields=["organisation", "result"], name="quarantine_org_result")]
        constraints: ClassVar = [
            models.CheckConstraint(
                name="quarantine_unfit_reason", condition=~Q(result="UNFIT") | ~Q(failed=[])
            )
        ]

    @property
    def failed_labels(self) -> list[str]:
        """Why it is not fit, in words."""
        labels: Mapping[str, Any] = dict(Inspection.choices)
        return [str(labels.get(test, test)) for test in self.failed]

    def graces(self, now: datetime) -> list[Grace]:
        """How long what is missing is still tolerated; nothing where nothing is missing."""
        days = settings.DEVICES["quarantine_days"]
        found = []
        for test, since in (
            (Inspection.PATCHES, self.patches_since),
            (Inspection.PATTERNS, self.patterns_since),
        ):
            if since is not None:
                last = since + timedelta(days=days[test.value])
                found.append(Grace(test=test, last_day=last, days_left=(last - today(now)).days))
        return found


class Grace:
    """Until when a missing patch or pattern is tolerated."""

    def __init__(self, *, test: Inspection, last_day: date, days_left: int) -> None:
        self.test, self.last_day, self.days_left = test, last_day, days_left

    @property
    def is_over(self) -> bool:
        """Whether it is tolerated no more."""
        return self.days_left < 0


class QuarantineEvent(ScopedModel):
    """A result that differed from the one before. A database trigger refuses UPDATE and DELETE (SEC-02)."""

    computer = models.ForeignKey(Computer, models.PROTECT, related_name="quarantine_events")
    organisation = models.ForeignKey(Organisation, models.PROTECT, related_name="+")
    at = models.DateTimeField()  # when it was checked
    result = models.CharField(max_length=10, choices=Result)
    failed = models.JSONField(default=list, blank=True)
    from_import = models.ForeignKey(QuarantineImport, models.PROTECT, related_name="+")

    class Meta(ScopedModel.Meta):
        ordering = ("id",)
        indexes: ClassVar = [models.Index(fields=["computer", "id"], name="quarantineevent_computer")]
