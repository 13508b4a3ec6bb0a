"""The whitelist: which MAC address may be on the network with which IP address, since when and until when (MAC-06, MAC-07).

Entries are written by devices.whitelist.register only, and never removed: the addresses of an entry do not change
(a database trigger), another address is another entry. So the table itself answers who had an address on which day.
"""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from devices.computers.models import Computer, Segment
from devices.whitelist.addresses import shown_mac
from portal.common.models import TimestampedModel
from portal.common.search import search_indexes
from portal.orgs.models import Organisation, User
from portal.orgs.scoping import ScopedModel

_LINE = "workflow.ApplicationLine"


class WhitelistEntry(ScopedModel, TimestampedModel):
    """One MAC address with one IP address. One live entry per MAC and per IP in the whole country (MAC-06)."""

    class State(models.TextChoices):
        """Whether the guard shall let it pass."""

        APPROVED = "APPROVED", pgettext_lazy("whitelist", "permitted")
        ENDED = "ENDED", pgettext_lazy("whitelist", "ended")

    class EndReason(models.TextChoices):
        """Why it ended."""

        REMOVED = "REMOVED", pgettext_lazy("whitelist", "removal applied for")
        REPLACED = "REPLACED", pgettext_lazy("whitelist", "replaced by another entry")
        EXPIRED = "EXPIRED", pgettext_lazy("whitelist", "validity over")

    uid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    organisation = models.ForeignKey(
        Organisation, models.PROTECT, related_name="whitelist_entries", verbose_name=_("organisation")
    )
    computer = models.ForeignKey(
        Computer, models.PROTECT, related_name="whitelist_entries", verbose_name=_("machine")
    )
    mac = models.CharField(_("MAC address"), max_length=17)  # 00:11:22:aa:bb:cc
    ip = models.GenericIPAddressField(_("IP address"), protocol="IPv4")
    segment = models.ForeignKey(Segment, models.PROTECT, related_name="+", verbose_name=_("segment"))
    local_reason = models.CharField(_("why a local address was accepted"), max_length=200, blank=True)
    valid_until = models.DateField(_("valid until"), null=True, blank=True)  # through 23:59:59 in Japan
    reminded_days = models.PositiveSmallIntegerField(
        null=True, blank=True
    )  # the last reminder before the end
    state = models.CharField(_("state"), max_length=10, choices=State, default=State.APPROVED)
    approved_at = models.DateTimeField(_("permitted"))  # when it was written, after operations accepted it
    approved_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    # MAC-07: when an export held it for the first time, and when the guard was seen to obey.
    exported_at = models.DateTimeField(_("exported"), null=True, blank=True)
    verified_at = models.DateTimeField(_("verified at the guard"), null=True, blank=True)
    ended_at = models.DateTimeField(_("ended"), null=True, blank=True)
    end_reason = models.CharField(_("why it ended"), max_length=10, choices=EndReason, blank=True)
    removal_exported_at = models.DateTimeField(_("removal exported"), null=True, blank=True)
    removal_verified_at = models.DateTimeField(_("removal verified at the guard"), null=True, blank=True)
    replaced_by = models.OneToOneField("self", models.PROTECT, null=True, blank=True, related_name="replaces")
    search_text = models.TextField(blank=True)
    line = models.OneToOneField(_LINE, models.PROTECT, related_name="+")
    last_line = models.ForeignKey(_LINE, models.PROTECT, related_name="+")

    class Meta(ScopedModel.Meta):
        ordering = ("-id",)
        indexes: ClassVar = [
            models.Index(fields=["organisation", "-id"], name="whitelist_org"),
            models.Index(fields=["mac", "-id"], name="whitelist_mac"),
            models.Index(fields=["ip", "-id"], name="whitelist_ip"),
            models.Index(fields=["computer", "-id"], name="whitelist_computer"),
            models.Index(fields=["valid_until"], name="whitelist_ending", condition=Q(state="APPROVED")),
            *search_indexes("whitelistentry"),
        ]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["mac"], condition=Q(state="APPROVED"), name="whitelist_mac_once"),
            models.UniqueConstraint(fields=["ip"], condition=Q(state="APPROVED"), name="whitelist_ip_once"),
            # MAC-06: one form only, no multicast or broadcast, not all-zero, whoever writes.
            models.CheckConstraint(
                name="whitelist_mac_form",
                condition=Q(mac__regex=r"^[0-9a-f][02468ace](:[0-9a-f]{2}){5}$")
                & ~Q(mac="00:00:00:00:00:00"),
            ),
            # MAC-06: a local address needs the reason for which operations accepted it.
            models.CheckConstraint(
                name="whitelist_local_reason", condition=~Q(mac__regex=r"^.[26ae]") | ~Q(local_reason="")
            ),
            models.CheckConstraint(
                name="whitelist_end",
                condition=Q(state="APPROVED", ended_at=None, end_reason="")
                | (Q(state="ENDED", ended_at__isnull=False) & ~Q(end_reason="")),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.shown_mac} {self.ip}"

    @property
    def shown_mac(self) -> str:
        """The address as people read it."""
        return shown_mac(self.mac)

    @property
    def is_live(self) -> bool:
        """Whether the guard shall let it pass."""
        return self.state == self.State.APPROVED


class WhitelistEvent(ScopedModel):
    """The dated history of entries and addresses. A database trigger refuses UPDATE and DELETE (SEC-02)."""

    class Verb(models.TextChoices):
        """What happened."""

        PERMITTED = "PERMITTED", pgettext_lazy("whitelist", "permitted")
        EXPORTED = "EXPORTED", pgettext_lazy("whitelist", "handed to the guard")
        VERIFIED = "VERIFIED", pgettext_lazy("whitelist", "seen to be obeyed by the guard")
        REMOVED = "REMOVED", pgettext_lazy("whitelist", "removed")
        REPLACED = "REPLACED", pgettext_lazy("whitelist", "replaced")
        EXPIRED = "EXPIRED", pgettext_lazy("whitelist", "validity over")
        REMOVAL_VERIFIED = "REMOVAL_VERIFIED", pgettext_lazy("whitelist", "seen to be cut off by the guard")

    entry = models.ForeignKey(WhitelistEntry, models.PROTECT, related_name="events")
    organisation = models.ForeignKey(Organisation, models.PROTECT, related_name="+")
    at = models.DateTimeField()
    verb = models.CharField(max_length=20, choices=Verb)
    mac = models.CharField(max_length=17)
    ip = models.GenericIPAddressField(protocol="IPv4")
    computer_name = models.CharField(max_length=15)  # as it was then
    actor = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    actor_name = models.CharField(max_length=100, blank=True)  # as it was then; empty: the portal
    application_number = models.CharField(max_length=20, blank=True)
    note = models.CharField(max_length=200, blank=True)

    class Meta(ScopedModel.Meta):
        ordering = ("id",)
        indexes: ClassVar = [
            models.Index(fields=["entry", "id"], name="whitelistevent_entry"),
            models.Index(fields=["mac", "-id"], name="whitelistevent_mac"),
            models.Index(fields=["ip", "-id"], name="whitelistevent_ip"),
        ]


class LocalAddress(ScopedModel, TimestampedModel):
    """A locally administered address that operations accept, with the reason (MAC-06). Ended, never removed."""

    organisation = models.ForeignKey(
        Organisation, models.PROTECT, related_name="local_addresses", verbose_name=_("organisation")
    )
    mac = models.CharField(_("MAC address"), max_length=17)
    reason = models.CharField(_("reason"), max_length=200)
    accepted_by = models.ForeignKey(User, models.PROTECT, related_name="+", verbose_name=_("accepted by"))
    accepted_at = models.DateTimeField(_("accepted"))
    ended_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    ended_at = models.DateTimeField(_("ended"), null=True, blank=True)

    class Meta(ScopedModel.Meta):
        ordering = ("-id",)
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["organisation", "mac"], condition=Q(ended_at=None), name="local_address_once"
            ),
            models.CheckConstraint(
                name="local_address_form",
                condition=Q(mac__regex=r"^[0-9a-f][26ae](:[0-9a-f]{2}){5}$") & ~Q(reason=""),
            ),
        ]
