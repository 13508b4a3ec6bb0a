"""What an entry of the register can be, as data with dates: kinds of machines, operating systems, business systems (DEV-11)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any, ClassVar

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _


class DatedQuerySet(models.QuerySet[Any]):
    """Entries with valid_from and valid_until, both days included."""

    def valid_on(self, day: date) -> DatedQuerySet:
        """Entries that may be chosen on `day`; what chose one earlier keeps it."""
        return self.filter(valid_from__lte=day).filter(Q(valid_until=None) | Q(valid_until__gte=day))


class DatedEntry(models.Model):
    """One choice that comes and goes by the calendar. Its code never changes and is never used again."""

    code = models.CharField(_("code"), max_length=30, unique=True)
    name = models.CharField(_("name"), max_length=80)
    valid_from = models.DateField(_("valid from"))
    valid_until = models.DateField(_("valid until"), null=True, blank=True)
    position = models.PositiveSmallIntegerField(default=0)

    objects: ClassVar[Any] = models.Manager.from_queryset(DatedQuerySet)()

    class Meta:
        abstract = True
        ordering = ("position", "code")
        constraints: ClassVar = [
            models.CheckConstraint(
                name="%(class)s_period", condition=Q(valid_until=None) | Q(valid_until__gte=F("valid_from"))
            )
        ]

    def __str__(self) -> str:
        return self.name

    def is_valid_on(self, day: date) -> bool:
        """Whether it may be chosen on that day."""
        return self.valid_from <= day and (self.valid_until is None or day <= self.valid_until)


class ComputerKind(DatedEntry):
    """What a machine is. Devices are attached only where `takes_devices` (DEV-11), and `is_guarded` ones are on the whitelist."""

    takes_devices = models.BooleanField(default=True)
    has_system = models.BooleanField(default=True)  # a printer has no operating system that is supported
    # Client PCs and printers stand behind the unauthorised-connection guard (T 2-39), servers do not.
    is_guarded = models.BooleanField(default=True)


class OperatingSystem(DatedEntry):
    """What a machine runs. Device control knows only the supported ones (CNS ③(e))."""

    takes_devices = models.BooleanField(default=True)


class BusinessSystem(DatedEntry):
    """The 業務システム that a machine serves; `is_own` marks the 独自処理システム (ORG-06)."""

    is_own = models.BooleanField(default=False)


def chosen(rows: Iterable[DatedEntry], code: str) -> Any:
    """The entry of that code among `rows`; None when there is none."""
    return next((row for row in rows if row.code == code), None)
