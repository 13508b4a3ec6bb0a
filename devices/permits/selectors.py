"""Reading the register of devices within a person's scope (ORG-02)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy

from devices.computers.models import Computer
from devices.permits.checks import renewable_from
from devices.permits.kinds import REMOVE, RENEW
from devices.permits.models import Device, DeviceEvent, DevicePermit
from devices.permits.source import DeviceKind
from devices.selectors import readable
from portal.common.search import matching
from portal.orgs.models import User
from portal.orgs.permissions import APPLY, READ_OPERATIONS, REGISTER_DEVICES

# What the filter of the validity offers.
ENDS: Mapping[str, Any] = {
    "soon": gettext_lazy("ends within 30 days"),
    "over": gettext_lazy("has ended"),
}
_State = DevicePermit.State
TO_DO = (_State.APPROVED, _State.ENDING)


def devices(
    user: User,
    q: str = "",
    *,
    state: str = "",
    organisation: str = "",
    kind: str = "",
    ends: str = "",
    computer: str = "",
) -> QuerySet[Device]:
    """The devices that this person may see, each with its newest permit; all words of `q` anywhere in its entry."""
    rows = readable(user, Device.objects.visible_to(user)).select_related("organisation", "permit")
    if state in _State.values:
        rows = rows.filter(permit__state=state)
    if organisation:
        rows = rows.filter(organisation__code=organisation)
    if kind in DeviceKind.values:
        rows = rows.filter(kind=kind)
    if computer:
        rows = rows.filter(permit__computers__name=computer.upper())
    today = timezone.localdate()
    live = Q(permit__state__in=(_State.APPROVED, _State.REGISTERED))
    if ends == "soon":
        limit = today + timedelta(days=30)
        rows = rows.filter(live, permit__valid_until__gte=today, permit__valid_until__lte=limit)
    elif ends == "over":
        rows = rows.exclude(live)
    return matching(rows, q)


def device(user: User, number: str) -> Device:
    """One device; raises Device.DoesNotExist also for another federation's (ORG-02)."""
    if "\x00" in number:
        raise Device.DoesNotExist
    found = devices(user).select_related(
        "permit__applicant",
        "permit__approved_by",
        "permit__registered_by",
        "permit__reason_confirmed_by",
        "permit__removed_by",
    )
    return found.get(number=number)


def history_of(user: User, device: Device) -> QuerySet[DeviceEvent]:
    """All that happened to a device over all its permits, newest first."""
    return DeviceEvent.objects.visible_to(user).filter(device=device).order_by("-id")


def permits_of(user: User, computer: Computer) -> QuerySet[DevicePermit]:
    """The permits that name a machine, the live ones first."""
    rows = DevicePermit.objects.visible_to(user).filter(computers=computer).select_related("device")
    return rows.order_by("removed_at", "-id")


def to_do(user: User) -> QuerySet[DevicePermit]:
    """What waits to be registered in SKYSEA or removed from it, where this person does or follows it."""
    rows = DevicePermit.objects.visible_to(user).filter(state__in=TO_DO)
    if not user.may(READ_OPERATIONS):
        rows = rows.filter(organisation__in=user.organisations_where(REGISTER_DEVICES))
    return rows.select_related("device", "organisation", "last_line__application")


def may_record(user: User, permit: DevicePermit | None) -> bool:
    """Whether the page offers this person to record the next step; the service decides again."""
    if permit is None or permit.state not in TO_DO:
        return False
    if not user.may(REGISTER_DEVICES, permit.organisation_id):
        return False
    taken = {permit.applicant_id, permit.approved_by_id, permit.approved_for_id}
    return permit.state == _State.ENDING or user.pk not in taken


def actions_of(user: User, device: Device) -> list[str]:
    """The kinds of application that the page of a device offers this person."""
    permit = device.permit
    if permit is None or not permit.is_live or not user.may(APPLY, device.organisation_id):
        return []
    renewable = timezone.localdate() >= renewable_from(permit)
    return [RENEW, REMOVE] if renewable else [REMOVE]
