"""Planned outages, whom they concern, who confirms normality, and their history (REQ-10)."""

from __future__ import annotations

from datetime import datetime
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


class System(models.TextChoices):
    """What can stop."""

    VIRTUAL = "VIRTUAL", _("virtual servers and their platform")
    DIRECTORY = "DIRECTORY", _("Active Directory and DNS")
    NETWORK = "NETWORK", _("firewalls and network")
    REMOTE = "REMOTE", _("remote access")
    DEVICES = "DEVICES", _("device control (SKYSEA)")
    SECURITY = "SECURITY", _("antivirus and quarantine")
    GUARD = "GUARD", _("protection against unauthorised connection")
    LOGS = "LOGS", _("log collection and analysis")
    MONITORING = "MONITORING", _("monitoring")
    PORTAL = "PORTAL", _("this portal")
    OTHER = "OTHER", _("other")


class Shown(models.TextChoices):
    """How an outage stands at a moment; worked out from its times, so that it is true whenever it is read."""

    PLANNED = "PLANNED", pgettext_lazy("outage", "planned")
    RUNNING = "RUNNING", pgettext_lazy("outage", "stopped now")
    OVERDUE = "ATTENTION", pgettext_lazy("outage", "start not confirmed")
    CONFIRMED = "CONFIRMED", pgettext_lazy("outage", "normality confirmed")
    CANCELLED = "CANCELLED", pgettext_lazy("outage", "cancelled")


class Outage(TimestampedModel):
    """A planned stop. Seen by the organisations that it concerns and by those who see everything (selectors)."""

    class State(models.TextChoices):
        """What people said; the rest is worked out from the times (`shown`)."""

        PLANNED = "PLANNED", pgettext_lazy("outage", "planned")
        CONFIRMED = "CONFIRMED", pgettext_lazy("outage", "normality confirmed")
        CANCELLED = "CANCELLED", pgettext_lazy("outage", "cancelled")

    number = models.CharField(_("number"), max_length=20, unique=True)
    title = models.CharField(pgettext_lazy("outage", "title"), max_length=100)
    systems = ArrayField(models.CharField(max_length=12, choices=System), verbose_name=_("systems"))
    detail = models.TextField(_("what stops and what that means"))
    stops_at = models.DateTimeField(_("stops"))
    starts_at = models.DateTimeField(_("starts again"))
    state = models.CharField(_("state"), max_length=10, choices=State, default=State.PLANNED)
    planned_by = models.ForeignKey(User, models.PROTECT, related_name="+", verbose_name=_("planned by"))
    ended_at = models.DateTimeField(null=True, blank=True)  # confirmed by all, or cancelled
    reason = models.CharField(max_length=500, blank=True)  # of the cancellation
    reminded_at = models.DateTimeField(null=True, blank=True)
    alerted_at = models.DateTimeField(null=True, blank=True)
    version = models.PositiveIntegerField(default=1)
    search_text = models.TextField(blank=True)

    class Meta:
        ordering = ("-id",)
        indexes: ClassVar = [
            models.Index(fields=["stops_at", "starts_at"], name="outage_times"),
            *search_indexes("outage"),
        ]
        constraints: ClassVar = [
            models.CheckConstraint(name="outage_times_in_order", condition=Q(starts_at__gt=F("stops_at"))),
            models.CheckConstraint(
                name="outage_ended",
                condition=Q(state="PLANNED", ended_at=None)
                | (~Q(state="PLANNED") & Q(ended_at__isnull=False)),
            ),
            models.CheckConstraint(
                name="outage_cancelled_why", condition=~Q(state="CANCELLED") | ~Q(reason="")
            ),
        ]

    def __str__(self) -> str:
        return f"{self.number} {self.title}"

    def shown(self, now: datetime) -> Shown:
        """How it stands at this moment."""
        if self.state != self.State.PLANNED:
            return Shown(self.state)
        if now < self.stops_at:
            return Shown.PLANNED
        return Shown.RUNNING if now < self.starts_at else Shown.OVERDUE

    @property
    def system_labels(self) -> str:
        """What stops, in words."""
        return "、".join(str(System(each).label) for each in self.systems)


class OutagePart(ScopedModel):
    """An organisation that an outage concerns."""

    outage = models.ForeignKey(Outage, models.CASCADE, related_name="parts")
    organisation = models.ForeignKey(Organisation, models.PROTECT, related_name="+")

    class Meta(ScopedModel.Meta):
        ordering = ("id",)
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["outage", "organisation"], name="outagepart_once")
        ]


class Confirmer(ScopedModel):
    """A person who is to confirm that everything works again, and what they said last."""

    class Result(models.TextChoices):
        """What they found."""

        NORMAL = "NORMAL", pgettext_lazy("outage", "normal")
        TROUBLE = "TROUBLE", pgettext_lazy("outage", "not normal")

    outage = models.ForeignKey(Outage, models.CASCADE, related_name="confirmers")
    organisation = models.ForeignKey(Organisation, models.PROTECT, related_name="+")
    person = models.ForeignKey(User, models.PROTECT, related_name="+")
    result = models.CharField(max_length=10, choices=Result, blank=True)
    note = models.CharField(max_length=500, blank=True)
    confirmed_at = models.DateTimeField(null=True, blank=True)

    class Meta(ScopedModel.Meta):
        ordering = ("id",)
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["outage", "person"], name="confirmer_once"),
            models.CheckConstraint(
                name="confirmer_said",
                condition=Q(result="", confirmed_at=None) | (~Q(result="") & Q(confirmed_at__isnull=False)),
            ),
        ]


class OutageEvent(models.Model):
    """What happened to an outage. Without an organisation everybody concerned reads it. Insert-only (SEC-02)."""

    class Verb(models.TextChoices):
        """What happened."""

        PLANNED = "PLANNED", pgettext_lazy("outage", "planned")
        CHANGED = "CHANGED", pgettext_lazy("outage", "changed")
        CANCELLED = "CANCELLED", pgettext_lazy("outage", "cancelled")
        NORMAL = "NORMAL", pgettext_lazy("outage", "normality confirmed")
        TROUBLE = "TROUBLE", pgettext_lazy("outage", "trouble reported")
        ENDED = "ENDED", pgettext_lazy("outage", "reported to all concerned")

    outage = models.ForeignKey(Outage, models.PROTECT, related_name="events")
    organisation = models.ForeignKey(Organisation, models.PROTECT, null=True, blank=True, related_name="+")
    at = models.DateTimeField()
    actor = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    actor_name = models.CharField(max_length=100, blank=True)
    verb = models.CharField(max_length=10, choices=Verb)
    text = models.TextField(blank=True)

    class Meta:
        ordering = ("id",)
