"""Planned and done work: 作業報告台帳 of the central association and 台帳(連) of each federation (AUD-02, AUD-03, AUD-05)."""

from __future__ import annotations

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from portal.common.models import TimestampedModel
from portal.common.search import search_indexes
from portal.orgs.models import Organisation, User
from portal.orgs.scoping import ScopedModel


class Ledger(models.TextChoices):
    """Whose ledger an entry stands in."""

    CENTRAL = "CENTRAL", _("作業報告台帳")
    FEDERATION = "FEDERATION", _("台帳(連)")


class Worker(models.TextChoices):
    """Who does the work."""

    CENTRAL = "CENTRAL", _("central association")
    FEDERATION = "FEDERATION", _("federation")
    CONTRACTOR = "CONTRACTOR", _("contractor")
    OPERATIONS = "OPERATIONS", _("network operations")


class WorkEntry(ScopedModel, TimestampedModel):
    """One work on systems of `organisation` (the federation). Every change is kept in WorkChange."""

    ledger = models.CharField(_("ledger"), max_length=10, choices=Ledger)
    organisation = models.ForeignKey(
        Organisation, models.PROTECT, related_name="+", verbose_name=_("organisation")
    )
    work_number = models.CharField(_("work number"), max_length=40)  # 管理番号
    application_number = models.CharField(_("number of the work application"), max_length=40, blank=True)
    work_type = models.CharField(_("type of work"), max_length=40)  # key of the tolerances
    worker = models.CharField(_("done by"), max_length=12, choices=Worker)
    planned_from = models.DateTimeField(_("planned from"))
    planned_until = models.DateTimeField(_("planned until"))
    actual_from = models.DateTimeField(_("done from"), null=True, blank=True)
    actual_until = models.DateTimeField(_("done until"), null=True, blank=True)
    persons = ArrayField(models.CharField(max_length=100), verbose_name=_("persons"), default=list)
    accounts = ArrayField(models.CharField(max_length=100), verbose_name=_("accounts"), default=list)
    hosts = ArrayField(models.CharField(max_length=100), verbose_name=_("machines"), default=list)
    objects_touched = ArrayField(
        models.CharField(max_length=200), verbose_name=_("tables and files"), default=list, blank=True
    )
    medium_serial = models.CharField(_("medium"), max_length=100, blank=True)
    text = models.TextField(_("work"))
    expected_rows = models.PositiveBigIntegerField(_("expected rows"), null=True, blank=True)
    expected_files = models.PositiveIntegerField(_("expected files"), null=True, blank=True)
    approved_by_name = models.CharField(_("approved by"), max_length=100, blank=True)
    cancelled = models.BooleanField(_("cancelled"), default=False)
    cancel_reason = models.CharField(_("reason of the cancellation"), max_length=300, blank=True)
    version = models.PositiveIntegerField(default=1)
    search_text = models.TextField(blank=True)

    class Meta(ScopedModel.Meta):
        ordering = ("-planned_from", "-id")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["ledger", "organisation", "work_number"], name="workentry_once"),
            models.CheckConstraint(
                name="workentry_planned_in_order", condition=Q(planned_until__gt=F("planned_from"))
            ),
            models.CheckConstraint(
                name="workentry_actual_in_order",
                condition=Q(actual_from=None, actual_until=None) | Q(actual_until__gte=F("actual_from")),
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["organisation", "ledger", "planned_from"], name="workentry_planned"),
            *search_indexes("workentry"),
        ]

    def __str__(self) -> str:
        return self.work_number


class WorkChange(models.Model):
    """What an entry held after each change, who changed it and why. Insert-only (SEC-02)."""

    class Verb(models.TextChoices):
        """What was done with the entry."""

        ENTERED = "ENTERED", pgettext_lazy("ledger", "entered")
        IMPORTED = "IMPORTED", pgettext_lazy("ledger", "imported")
        CHANGED = "CHANGED", pgettext_lazy("ledger", "changed")
        CANCELLED = "CANCELLED", pgettext_lazy("ledger", "cancelled")

    entry = models.ForeignKey(WorkEntry, models.PROTECT, related_name="changes")
    at = models.DateTimeField()
    actor = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    actor_name = models.CharField(max_length=100, blank=True)
    verb = models.CharField(max_length=10, choices=Verb)
    values = models.JSONField()  # the whole entry after the change
    reason = models.CharField(max_length=300, blank=True)

    class Meta:
        ordering = ("id",)


class WorkType(models.Model):
    """One version of a type of work: what the reconciliation tolerates. Insert-only; the newest that began counts.

    `code` is what entries name. A type that is not offered any more stays known for the entries that have it.
    """

    code = models.CharField(_("code"), max_length=40)
    name = models.CharField(_("name"), max_length=60)
    tolerance_minutes = models.PositiveSmallIntegerField(_("tolerance in minutes"))  # before and after
    volume_factor = models.DecimalField(
        _("volume factor"), max_digits=5, decimal_places=2
    )  # of expected_rows
    offered = models.BooleanField(_("offered"), default=True)
    valid_from = models.DateField(_("valid from"))  # works planned on this day or later
    note = models.CharField(_("reason of the change"), max_length=300, blank=True)
    made_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    made_at = models.DateTimeField(_("entered"))

    class Meta:
        ordering = ("code", "-valid_from", "-id")
        constraints: ClassVar = [
            models.CheckConstraint(
                name="worktype_sane", condition=Q(tolerance_minutes__lte=1440, volume_factor__gte=1)
            ),
            models.CheckConstraint(name="worktype_named", condition=~Q(code="") & ~Q(name="")),
        ]

    def __str__(self) -> str:
        return self.name


class WorkImport(ScopedModel):
    """The rows of a file of works while they are corrected and taken over. The file itself is not kept.

    `rows` is a list as in portal.workflow.bulk.models.Upload, with "t" for the number of the work that a row became.
    `organisation` is the one of the ledger's keeper: the rows of 中央会's ledger are about several federations.
    """

    class State(models.TextChoices):
        """Whether somebody still works on it."""

        OPEN = "OPEN", pgettext_lazy("ledger file", "open")
        TAKEN = "TAKEN", pgettext_lazy("ledger file", "taken over")
        DISCARDED = "DISCARDED", pgettext_lazy("ledger file", "discarded")

    ledger = models.CharField(_("ledger"), max_length=10, choices=Ledger)
    organisation = models.ForeignKey(Organisation, models.PROTECT, related_name="+")
    name = models.CharField(_("file"), max_length=200)
    sha256 = models.CharField(max_length=64)
    uploaded_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    uploaded_at = models.DateTimeField(_("read"))
    again_reason = models.CharField(max_length=200, blank=True)
    state = models.CharField(max_length=10, choices=State, default=State.OPEN)
    version = models.PositiveIntegerField(default=1)
    letters = models.JSONField(default=dict)
    notes = models.JSONField(default=list)
    rows = models.JSONField(default=list)
    row_count = models.PositiveIntegerField(default=0)
    error_count = models.PositiveIntegerField(default=0)
    warning_count = models.PositiveIntegerField(default=0)
    corrected_count = models.PositiveIntegerField(default=0)
    taken_count = models.PositiveIntegerField(default=0)

    class Meta(ScopedModel.Meta):
        ordering = ("-id",)
        indexes: ClassVar = [
            models.Index(fields=["organisation", "ledger", "sha256"], name="workimport_file")
        ]

    def __str__(self) -> str:
        return self.name
