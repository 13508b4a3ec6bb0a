"""The register of machines and their history. Written by fulfilment only."""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Upper
from django.utils.translation import gettext_lazy as _

from devices.reference import BusinessSystem, ComputerKind, OperatingSystem
from portal.common.models import TimestampedModel
from portal.common.search import search_indexes
from portal.orgs.models import Organisation, User
from portal.orgs.scoping import ScopedModel


class Agent(models.TextChoices):
    """The agents that a machine can carry (CNS T 2-30, T 2-43)."""

    DEVICE_CONTROL = "DEVICE_CONTROL", _("SKYSEA agent")
    QUARANTINE = "QUARANTINE", _("quarantine agent")
    ANTIVIRUS = "ANTIVIRUS", _("antivirus agent")
    LOGS = "LOGS", _("log collection agent")
    MONITORING = "MONITORING", _("monitoring agent")


class Segment(ScopedModel, TimestampedModel):
    """A network segment of a federation, registered by operations (the source names none for clients and printers)."""

    class Purpose(models.TextChoices):
        """What stands in the segment."""

        CLIENT = "CLIENT", _("clients")
        PRINTER = "PRINTER", _("printers")
        SERVER = "SERVER", _("servers")
        OWN_SYSTEM = "OWN_SYSTEM", _("federation's own system")

    organisation = models.ForeignKey(
        Organisation, models.PROTECT, related_name="segments", verbose_name=_("organisation")
    )
    network = models.CharField(_("network"), max_length=43)  # canonical: 10.13.20.0/24, fd00:13:82::/64
    purpose = models.CharField(_("purpose"), max_length=20, choices=Purpose)
    vlan = models.PositiveSmallIntegerField(_("VLAN"), null=True, blank=True)
    note = models.CharField(_("note"), max_length=100, blank=True)
    valid_from = models.DateField(_("valid from"))
    valid_until = models.DateField(_("valid until"), null=True, blank=True)
    registered_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")

    class Meta(ScopedModel.Meta):
        ordering = ("-id",)
        constraints: ClassVar = [
            models.CheckConstraint(
                name="segment_period", condition=Q(valid_until=None) | Q(valid_until__gte=F("valid_from"))
            ),
            models.UniqueConstraint(
                fields=["network"], condition=Q(valid_until=None), name="segment_network_once"
            ),
        ]

    def __str__(self) -> str:
        return self.network

    @property
    def is_ipv6(self) -> bool:
        """Whether it is one of IPv6: machines, the whitelist and the guard know IPv4 only."""
        return ":" in self.network


class Computer(ScopedModel, TimestampedModel):
    """A PC, server or printer. Its computer name is unique over the country while it is in use: there is one domain."""

    class State(models.TextChoices):
        """Whether the machine is there."""

        IN_USE = "IN_USE", _("in use")
        RETIRED = "RETIRED", _("taken away")

    uid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    organisation = models.ForeignKey(
        Organisation, models.PROTECT, related_name="computers", verbose_name=_("organisation")
    )
    name = models.CharField(_("computer name"), max_length=15)  # upper case, as Windows shows it
    kind = models.ForeignKey(ComputerKind, models.PROTECT, related_name="+", verbose_name=_("kind"))
    operating_system = models.ForeignKey(
        OperatingSystem, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("OS")
    )
    business_system = models.ForeignKey(
        BusinessSystem, models.PROTECT, related_name="+", verbose_name=_("business system")
    )
    has_own_skysea = models.BooleanField(_("has a SKYSEA of its own"), default=False)
    segment = models.ForeignKey(
        Segment, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("segment")
    )
    agents = models.JSONField(_("agents"), default=list, blank=True)  # values of Agent
    department = models.CharField(_("department"), max_length=64, blank=True)
    place = models.CharField(_("place"), max_length=100, blank=True)
    state = models.CharField(_("state"), max_length=10, choices=State, default=State.IN_USE)
    retired_at = models.DateTimeField(_("taken away on"), null=True, blank=True)
    # Which machine stands in its place since it was taken away (REQ-13).
    replaced_by = models.ForeignKey(
        "self",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="replaces",
        verbose_name=_("replaced by"),
    )
    search_text = models.TextField(blank=True)
    last_line = models.ForeignKey("workflow.ApplicationLine", models.PROTECT, related_name="+")

    class Meta(ScopedModel.Meta):
        ordering = ("-id",)
        indexes: ClassVar = [
            models.Index(fields=["organisation", "-id"], name="computer_org"),
            models.Index(fields=["kind", "-id"], name="computer_kind"),
            *search_indexes("computer"),
        ]
        constraints: ClassVar = [
            models.UniqueConstraint(Upper("name"), condition=Q(state="IN_USE"), name="computer_name_once"),
            models.CheckConstraint(name="computer_name_upper", condition=Q(name=Upper(F("name")))),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def agent_labels(self) -> list[str]:
        """The agents in words."""
        return [str(Agent(agent).label) for agent in self.agents]


class ComputerEvent(ScopedModel):
    """The history of a machine. A database trigger refuses UPDATE and DELETE (SEC-02)."""

    class Verb(models.TextChoices):
        """What happened."""

        REGISTERED = "REGISTERED", _("entered into the register")
        CHANGED = "CHANGED", _("changed")
        RETIRED = "RETIRED", _("taken away")

    computer = models.ForeignKey(Computer, models.PROTECT, related_name="events")
    organisation = models.ForeignKey(Organisation, models.PROTECT, related_name="+")
    at = models.DateTimeField()
    verb = models.CharField(max_length=20, choices=Verb)
    application_number = models.CharField(max_length=20, blank=True)
    changes = models.JSONField(default=list, blank=True)  # [{"label": msgid, "before": [], "after": []}]

    class Meta(ScopedModel.Meta):
        ordering = ("id",)
        indexes: ClassVar = [models.Index(fields=["computer", "id"], name="computerevent_computer")]
