"""What is managed by the antivirus service and what is monitored, with its history. Written by finished applications only."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from portal.common.models import TimestampedModel
from portal.common.search import search_indexes
from portal.orgs.models import Organisation, User
from portal.orgs.scoping import ScopedModel

_LINE = "workflow.ApplicationLine"


class Service(models.TextChoices):
    """The service under which a machine stands."""

    ANTIVIRUS = "ANTIVIRUS", _("antivirus")
    MONITORING = "MONITORING", _("monitoring")


class Category(models.TextChoices):
    """What stands under a service (T 2-18, T 2-47 to T 2-49)."""

    CLIENT = "CLIENT", _("client PC")
    SERVER = "SERVER", _("server")
    NETWORK = "NETWORK", _("network device")
    OWN_SYSTEM = "OWN_SYSTEM", _("machine of the federation's own system")
    TRANSMISSION = "TRANSMISSION", _("transmission client of prefectures and insurers")


class Item(models.TextChoices):
    """What is monitored of a machine (T 2-19, T 2-20)."""

    ALIVE = "ALIVE", _("alive or not")
    RESOURCE = "RESOURCE", _("resources")
    LOG = "LOG", _("logs")
    PROCESS = "PROCESS", _("processes")
    HARDWARE = "HARDWARE", _("hardware platform")
    TRAP = "TRAP", _("SNMP traps")


class ManagedMachine(ScopedModel, TimestampedModel):
    """One machine under one service. It stays for ever: its history is whole."""

    class State(models.TextChoices):
        """Whether it stands under the service now."""

        MANAGED = "MANAGED", pgettext_lazy("managed machine", "managed")
        REMOVED = "REMOVED", pgettext_lazy("managed machine", "removed")

    service = models.CharField(_("service"), max_length=12, choices=Service)
    organisation = models.ForeignKey(
        Organisation, models.PROTECT, related_name="+", verbose_name=_("organisation")
    )
    name = models.CharField(_("name of the machine"), max_length=63)
    key = models.CharField(max_length=80)  # requests.managed.payloads.key_of: the name without width and case
    category = models.CharField(_("kind of machine"), max_length=14, choices=Category)
    operating_system = models.CharField(_("operating system"), max_length=80, blank=True)  # antivirus
    address = models.GenericIPAddressField(_("IP address"), null=True, blank=True)  # monitoring
    items = models.JSONField(_("monitored"), default=list, blank=True)  # values of Item
    settings = models.TextField(_("settings"), blank=True)  # thresholds, processes, messages
    place = models.CharField(_("place"), max_length=100, blank=True)
    state = models.CharField(_("state"), max_length=8, choices=State, default=State.MANAGED)
    since = models.DateTimeField(pgettext_lazy("managed machine", "managed since"))
    removed_at = models.DateTimeField(pgettext_lazy("managed machine", "removed"), null=True, blank=True)
    search_text = models.TextField(blank=True)
    last_line = models.ForeignKey(_LINE, models.PROTECT, related_name="+")

    class Meta(ScopedModel.Meta):
        ordering = ("-id",)
        indexes: ClassVar = [
            models.Index(fields=["service", "organisation", "-id"], name="managed_org"),
            *search_indexes("managed"),
        ]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["service", "organisation", "key"], name="managed_once"),
            # T 2-21 (e): monitoring covers neither 独自処理システム nor transmission clients; T 2-49 (e): antivirus no network device.
            models.CheckConstraint(
                name="managed_category",
                condition=Q(service="MONITORING", category__in=["SERVER", "NETWORK"])
                | Q(service="ANTIVIRUS", category__in=["CLIENT", "SERVER", "OWN_SYSTEM", "TRANSMISSION"]),
            ),
            models.CheckConstraint(
                name="managed_removed",
                condition=Q(state="MANAGED", removed_at=None) | Q(state="REMOVED", removed_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def item_labels(self) -> list[str]:
        """What is monitored, in words."""
        return [str(Item(item).label) for item in self.items]


class ManagedMachineEvent(ScopedModel):
    """What happened to a machine under a service, with the proof. A database trigger refuses UPDATE and DELETE (SEC-02)."""

    class Verb(models.TextChoices):
        """What happened."""

        ADDED = "ADDED", pgettext_lazy("managed machine", "added")
        CHANGED = "CHANGED", pgettext_lazy("managed machine", "changed")
        REMOVED = "REMOVED", pgettext_lazy("managed machine", "taken out")

    machine = models.ForeignKey(ManagedMachine, models.PROTECT, related_name="events")
    organisation = models.ForeignKey(Organisation, models.PROTECT, related_name="+")
    line = models.OneToOneField(
        _LINE, models.PROTECT, related_name="+"
    )  # one line, one event: safe to repeat
    at = models.DateTimeField()
    recorded_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    done_at = models.DateTimeField(null=True, blank=True)
    done_by = models.CharField(max_length=200, blank=True)  # as it was recorded
    verb = models.CharField(max_length=8, choices=Verb)
    application_number = models.CharField(max_length=20, blank=True)
    changes = models.JSONField(default=list, blank=True)  # [{"label": msgid, "before": [], "after": []}]
    note = models.TextField(blank=True)
    seen = models.TextField(blank=True)

    class Meta(ScopedModel.Meta):
        ordering = ("id",)
        indexes: ClassVar = [models.Index(fields=["machine", "id"], name="managedevent_machine")]

    @property
    def actor_name(self) -> str:
        """Who did it, for the history."""
        return self.done_by
