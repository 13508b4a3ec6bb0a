"""Devices, the permits they have and had, and their history. Written by fulfilment and by the officer's records only."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from devices.computers.models import Computer
from devices.permits.source import TABLE_2_33, DeviceKind, Grant
from portal.common.models import TimestampedModel
from portal.common.search import search_indexes
from portal.orgs.models import Organisation, User
from portal.orgs.scoping import ScopedModel

_LINE = "workflow.ApplicationLine"


class Device(ScopedModel, TimestampedModel):
    """One piece of hardware of a federation. It stays for ever: permits come and go, its history is whole."""

    number = models.CharField(_("device number"), max_length=20, unique=True)  # on labels: DV-2026-000123
    organisation = models.ForeignKey(
        Organisation, models.PROTECT, related_name="devices", verbose_name=_("organisation")
    )
    kind = models.CharField(_("kind of device"), max_length=20, choices=DeviceKind)
    maker = models.CharField(_("maker"), max_length=60)
    model = models.CharField(_("model"), max_length=80)
    serial = models.CharField(_("serial number"), max_length=64, blank=True)
    no_serial_reason = models.CharField(_("why there is no serial number"), max_length=200, blank=True)
    key = models.CharField(max_length=180, blank=True)  # devices.permits.keys
    # The newest permit, so that the register is one row per device.
    permit = models.ForeignKey("DevicePermit", models.PROTECT, null=True, blank=True, related_name="+")
    # What SKYSEA said last (devices.exchange.usage): never used is last_used_at None with usage_as_of set.
    last_used_at = models.DateTimeField(_("last used"), null=True, blank=True)
    usage_as_of = models.DateTimeField(_("use known as of"), null=True, blank=True)
    search_text = models.TextField(blank=True)

    class Meta(ScopedModel.Meta):
        ordering = ("-id",)
        indexes: ClassVar = [
            models.Index(fields=["organisation", "-id"], name="device_org"),
            models.Index(fields=["kind", "-id"], name="device_kind"),
            *search_indexes("device"),
        ]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["organisation", "key"], condition=~Q(key=""), name="device_key_once"
            ),
            models.CheckConstraint(name="device_kind", condition=Q(kind__in=DeviceKind.values)),  # DEV-05
            models.CheckConstraint(
                name="device_serial_or_reason", condition=~Q(serial="") | ~Q(no_serial_reason="")
            ),
        ]

    def __str__(self) -> str:
        return f"{self.maker} {self.model} {self.serial}".strip()


class DevicePermit(ScopedModel, TimestampedModel):
    """What one device may do, on which machines, until when. Approved and registered are two states (DEV-02)."""

    class State(models.TextChoices):
        """Where a permit stands."""

        APPROVED = "APPROVED", _("approved, to be registered")
        REGISTERED = "REGISTERED", _("registered")
        ENDING = "ENDING", _("ended, to be removed")
        REMOVED = "REMOVED", pgettext_lazy("device permit", "removed")

    class EndReason(models.TextChoices):
        """Why it ended."""

        REMOVAL = "REMOVAL", _("removal applied for")
        EXPIRED = "EXPIRED", _("validity over")

    organisation = models.ForeignKey(Organisation, models.PROTECT, related_name="device_permits")
    device = models.ForeignKey(Device, models.PROTECT, related_name="permits")
    device_kind = models.CharField(max_length=20, choices=DeviceKind)  # of the device: for the constraint
    device_key = models.CharField(max_length=180, blank=True)
    grant = models.CharField(_("grant"), max_length=20, choices=Grant)
    computers = models.ManyToManyField(Computer, related_name="permits", verbose_name=_("machines"))
    end_user = models.CharField(_("user of the device"), max_length=60)
    end_user_mail = models.EmailField(_("mail address of the user"), blank=True)
    write_reason = models.CharField(_("reason for writing"), max_length=500, blank=True)
    reason_confirmed_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    reason_confirmed_at = models.DateTimeField(null=True, blank=True)
    valid_until = models.DateField(_("valid until"))
    state = models.CharField(_("state"), max_length=12, choices=State, default=State.APPROVED)
    applicant = models.ForeignKey(User, models.PROTECT, related_name="+")
    approved_by = models.ForeignKey(User, models.PROTECT, related_name="+", verbose_name=_("approved by"))
    approved_for = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    approved_at = models.DateTimeField(_("approved"))
    registered_by = models.ForeignKey(
        User, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("registered by")
    )
    registered_at = models.DateTimeField(_("registered in SKYSEA"), null=True, blank=True)
    end_reason = models.CharField(max_length=12, choices=EndReason, blank=True)
    ended_at = models.DateTimeField(_("ended"), null=True, blank=True)
    removed_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    removed_at = models.DateTimeField(_("removed from SKYSEA"), null=True, blank=True)
    reminded_days = models.PositiveSmallIntegerField(
        null=True, blank=True
    )  # the last reminder before the end
    line = models.OneToOneField(_LINE, models.PROTECT, related_name="+")
    last_line = models.ForeignKey(_LINE, models.PROTECT, related_name="+")

    class Meta(ScopedModel.Meta):
        ordering = ("-id",)
        indexes: ClassVar = [
            models.Index(fields=["organisation", "state", "-id"], name="permit_org_state"),
            models.Index(
                fields=["valid_until"],
                name="permit_ending",
                condition=Q(state__in=["APPROVED", "REGISTERED"]),
            ),
        ]
        constraints: ClassVar = [
            # One live permit per device over the country, and per entry of the register.
            models.UniqueConstraint(
                fields=["device_key"],
                condition=~Q(device_key="") & ~Q(state="REMOVED"),
                name="permit_device_once",
            ),
            models.UniqueConstraint(
                fields=["device"], condition=~Q(state="REMOVED"), name="permit_live_once"
            ),
            # DEV-04: no combination that table 2-33 does not have, whoever writes.
            models.CheckConstraint(
                name="permit_table_2_33",
                condition=Q(
                    *(Q(device_kind=str(kind), grant=str(row.grant)) for kind, row in TABLE_2_33.items()),
                    _connector=Q.OR,
                ),
            ),
            # DEV-01: three different people.
            models.CheckConstraint(
                name="permit_approver_not_applicant", condition=~Q(approved_by=F("applicant"))
            ),
            models.CheckConstraint(
                name="permit_registrar_third",
                condition=Q(registered_by=None)
                | (~Q(registered_by=F("applicant")) & ~Q(registered_by=F("approved_by"))),
            ),
            models.CheckConstraint(
                name="permit_registered_complete",
                condition=Q(state="APPROVED") | Q(state="REMOVED") | Q(registered_at__isnull=False),
            ),
            # DEV-03: nothing is registered for writing whose reason nobody confirmed.
            models.CheckConstraint(
                name="permit_write_confirmed",
                condition=Q(registered_at=None)
                | Q(grant="USE")
                | (~Q(write_reason="") & Q(reason_confirmed_by__isnull=False)),
            ),
        ]

    @property
    def is_live(self) -> bool:
        """Whether the device may be used, now or as soon as it is registered."""
        return self.state in (self.State.APPROVED, self.State.REGISTERED)

    @property
    def needs_confirmation(self) -> bool:
        """Whether an officer still has to confirm the reason for writing (DEV-03)."""
        return self.grant in ("READ_WRITE", "WRITE") and self.reason_confirmed_by_id is None


class DeviceEvent(ScopedModel):
    """The history of a device over all its permits. A database trigger refuses UPDATE and DELETE (SEC-02)."""

    class Verb(models.TextChoices):
        """What happened."""

        APPROVED = "APPROVED", _("approved")
        REGISTERED = "REGISTERED", _("registered in SKYSEA")
        RENEWED = "RENEWED", _("validity renewed")
        REMOVAL = "REMOVAL", _("removal applied for")
        EXPIRED = "EXPIRED", _("validity over")
        REMOVED = "REMOVED", _("removed from SKYSEA")
        NOT_NEEDED = "NOT_NEEDED", _("ended before it was registered")

    device = models.ForeignKey(Device, models.PROTECT, related_name="events")
    permit = models.ForeignKey(DevicePermit, models.PROTECT, related_name="events")
    organisation = models.ForeignKey(Organisation, models.PROTECT, related_name="+")
    at = models.DateTimeField()
    actor = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    actor_name = models.CharField(max_length=100, blank=True)  # as it was then; empty: the portal
    verb = models.CharField(max_length=20, choices=Verb)
    application_number = models.CharField(max_length=20, blank=True)
    changes = models.JSONField(default=list, blank=True)  # [{"label": msgid, "before": [], "after": []}]
    note = models.CharField(max_length=500, blank=True)

    class Meta(ScopedModel.Meta):
        ordering = ("id",)
        indexes: ClassVar = [models.Index(fields=["device", "id"], name="deviceevent_device")]
