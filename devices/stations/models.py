"""Which machines are 管理機(SC), from when until when. There is no password here and never will be (DEV-10)."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from devices.computers.models import Computer
from portal.orgs.models import Organisation, User
from portal.orgs.scoping import ScopedModel


class ConsoleStation(ScopedModel):
    """One designation. It is ended, never deleted: who had which console when stays readable."""

    organisation = models.ForeignKey(
        Organisation, models.PROTECT, related_name="stations", verbose_name=_("organisation")
    )
    computer = models.ForeignKey(
        Computer, models.PROTECT, related_name="stations", verbose_name=_("computer name")
    )
    valid_from = models.DateField(_("valid from"))
    valid_until = models.DateField(_("last day"), null=True, blank=True)
    note = models.CharField(_("note"), max_length=200, blank=True)
    designated_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    designated_at = models.DateTimeField()
    ended_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    ended_at = models.DateTimeField(null=True, blank=True)
    end_reason = models.CharField(_("reason"), max_length=200, blank=True)

    class Meta(ScopedModel.Meta):
        ordering = ("-id",)
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["computer"], condition=Q(valid_until=None), name="station_computer_once"
            ),
            models.CheckConstraint(
                name="station_period", condition=Q(valid_until=None) | Q(valid_until__gte=F("valid_from"))
            ),
            models.CheckConstraint(
                name="station_end_complete",
                condition=Q(valid_until=None) | (Q(ended_by__isnull=False) & ~Q(end_reason="")),
            ),
        ]
