"""Reading devices and permits for checks and forms, for all lines of an application together."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from django.db.models import Count
from django.utils.translation import ngettext

from devices.computers import lookups as computers
from devices.permits.keys import device_key, serial_key
from devices.permits.models import Device, DevicePermit
from devices.permits.payloads import NamedDevice, PermitDevice
from portal.workflow import linked
from portal.workflow.kinds import LineContext

KEYS, SERIALS, NUMBERS = "devices.keys", "devices.serials", "devices.numbers"
REMOVE = "devices.permit_remove"
LIVE = (DevicePermit.State.APPROVED, DevicePermit.State.REGISTERED, DevicePermit.State.ENDING)


def key_of(payload: PermitDevice) -> str:
    """The key of the device that a line is about; "" without a serial number."""
    return device_key(payload.device_kind, payload.model, payload.serial)


def reservation_of(payload: PermitDevice) -> str:
    """What two open applications must not both hold: one device over the country."""
    key = key_of(payload)
    return f"device:{key}" if key else ""


def prepare_permit(context: LineContext, payloads: Sequence[PermitDevice]) -> None:
    """Read machines, devices with these keys or serial numbers, and reservations of all lines together."""
    computers.read_together(context, {name for payload in payloads for name in payload.computers})
    computers.reserve_together(context, {r for payload in payloads if (r := reservation_of(payload))})
    read_keys(context, {key for payload in payloads if (key := key_of(payload))})


def read_keys(context: LineContext, keys: Collection[str]) -> None:
    """Live permits of devices with these keys, and other live devices with the same serial numbers."""
    live = DevicePermit.system.filter(state__in=LIVE)
    found = {permit.device_key: permit for permit in live.filter(device_key__in=keys)} if keys else {}
    known: dict[str, Any] = context.shared.setdefault(KEYS, {})
    known.update({key: found.get(key) for key in keys})
    serials = {serial_of(key) for key in keys}
    rows = Device.system.filter(permit__state__in=LIVE, organisation=context.organisation)
    rows = rows.exclude(serial="").only("serial", "key", "number") if serials else rows.none()
    others: dict[str, list[Device]] = context.shared.setdefault(SERIALS, {})
    for device in rows:
        if serial_key(device.serial) in serials:
            others.setdefault(serial_key(device.serial), []).append(device)


def serial_of(key: str) -> str:
    """The serial number within a key."""
    return key.rpartition(":")[2]


def permitted(context: LineContext, key: str) -> DevicePermit | None:
    """The live permit of a device with this key anywhere; whose it is must not be told (ORG-02)."""
    if not key:
        return None
    if key not in context.shared.get(KEYS, {}):
        read_keys(context, [key])
    permit: DevicePermit | None = context.shared[KEYS][key]
    return permit


def same_serial(context: LineContext, key: str) -> list[Device]:
    """Other devices of the organisation with the same serial number and another model."""
    if not key:
        return []
    permitted(context, key)
    return [d for d in context.shared.get(SERIALS, {}).get(serial_of(key), []) if d.key != key]


def read_numbers(context: LineContext, lines: Sequence[Mapping[str, Any]]) -> None:
    """Read the devices that raw lines name, once for all."""
    _read_numbers(context, {str(line.get("number") or "").strip().upper() for line in lines} - {""})


def prepare_named(context: LineContext, payloads: Sequence[NamedDevice]) -> None:
    """Read the devices of all lines together."""
    context.shared.pop(NUMBERS, None)
    _read_numbers(context, {payload.number for payload in payloads})


def _read_numbers(context: LineContext, numbers: Collection[str]) -> None:
    rows = Device.system.filter(number__in=numbers, organisation=context.organisation)
    found = {device.number: device for device in rows.select_related("permit")} if numbers else {}
    known: dict[str, Any] = context.shared.setdefault(NUMBERS, {})
    known.update({number: found.get(number) for number in numbers})


def own(context: LineContext, number: str) -> Device | None:
    """The organisation's device of that number; another one's is as unknown as none (ORG-02)."""
    if number not in context.shared.get(NUMBERS, {}):
        _read_numbers(context, [number])
    device: Device | None = context.shared[NUMBERS][number]
    return device


def in_the_way(computer_ids: Collection[int], context: LineContext | None = None) -> dict[int, str]:
    """Why machines must stay as they are: live permits name them. By the machine's primary key.

    What an application linked to that of `context` ends does not count (REQ-13).
    """
    rows = DevicePermit.system.filter(computers__in=computer_ids, state__in=LIVE)
    if context is not None:
        ending = [payload.number for payload in linked.payloads(context, REMOVE)]
        rows = rows.exclude(device__number__in=ending) if ending else rows
    counted = rows.values_list("computers").annotate(count=Count("pk")).order_by()
    return {
        pk: ngettext(
            "%(count)d device permit names this machine. Apply for its removal first.",
            "%(count)d device permits name this machine. Apply for their removal first.",
            count,
        )
        % {"count": count}
        for pk, count in counted
        if pk in computer_ids
    }
