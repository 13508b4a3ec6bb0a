"""What waits for a security officer in the device rooms, for the home page, and where notices about devices lead."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime

from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from devices.alerts.models import DeviceAlert
from devices.exchange.models import SkyseaFinding
from devices.permits import kinds as permits
from devices.permits import selectors
from devices.permits.models import Device
from portal.common.pagination import limited_count
from portal.orgs.models import User
from portal.orgs.permissions import ANSWER_ALERTS, READ_DEVICES, REGISTER_DEVICES
from portal.workflow import related, waiting
from portal.workflow.models import Application
from portal.workflow.related import Related
from portal.workflow.waiting import Waiting

_SHOWN = 20


def register_all() -> None:
    """Called once when the portal starts."""
    waiting.register(_registrations)
    waiting.register(_alerts)
    waiting.register(_findings)
    for kind in (permits.PERMIT, permits.RENEW, permits.REMOVE):
        related.register(kind, _devices_of)


def _registrations(user: User, now: datetime) -> Iterator[Waiting]:
    """Devices to be registered in SKYSEA or removed from it (DEV-01)."""
    if user.organisations_where(REGISTER_DEVICES):
        count = limited_count(selectors.to_do(user).order_by())
        address = reverse("registration_list")
        yield Waiting(label=_("Registration in SKYSEA"), icon="device", count=count, url=address)


def _alerts(user: User, now: datetime) -> Iterator[Waiting]:
    """Alerts that the federation has to answer (DEV-08)."""
    if organisations := user.organisations_where(ANSWER_ALERTS):
        rows = DeviceAlert.objects.visible_to(user).filter(organisation__in=organisations, state="OPEN")
        count, address = limited_count(rows.order_by()), reverse("alert_open")
        yield Waiting(label=_("Device alerts to answer"), icon="warning", count=count, url=address)


def _findings(user: User, now: datetime) -> Iterator[Waiting]:
    """Differences from SKYSEA that the officer has to answer (DEV-13)."""
    if organisations := user.organisations_where(REGISTER_DEVICES):
        rows = SkyseaFinding.objects.visible_to(user).filter(organisation__in=organisations, state="OPEN")
        count, address = limited_count(rows.order_by()), f"{reverse('skysea_findings')}?state=OPEN"
        yield Waiting(label=_("Differences from SKYSEA"), icon="eye", count=count, url=address)


def _devices_of(user: User, application: Application) -> Iterable[Related]:
    """The devices that an application is about, for those who read devices."""
    if not user.may(READ_DEVICES):
        return []
    rows = Device.objects.visible_to(user).filter(events__application_number=application.number)
    return [
        Related(
            label=_("Device"),
            text=f"{device.number} {device}",
            url=reverse("device_detail", args=[device.number]),
        )
        for device in rows.distinct().order_by("id")[:_SHOWN]
    ]
