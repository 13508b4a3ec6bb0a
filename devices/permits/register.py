"""Writing devices and permits: entered at the approval, registered, renewed, ended and removed. Every step is history."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import translation

from devices.computers.models import Computer
from devices.permits import checks, lookups, telling
from devices.permits.errors import DeviceTaken, MachinesUnfit, PermitEnded, ValidityOver
from devices.permits.models import Device, DeviceEvent, DevicePermit
from devices.permits.payloads import PermitDevice, RemovePermit, RenewPermit
from portal.common.search import batched
from portal.common.text import search_key
from portal.common.time import today
from portal.fulfilment import services as fulfilment
from portal.fulfilment.models import Operation
from portal.orgs.models import User
from portal.orgs.permissions import Role
from portal.workflow.models import ApplicationLine, StageStatus
from portal.workflow.numbers import next_number

TARGET = "device_control"
EXPIRE = "expire"
State, Verb = DevicePermit.State, DeviceEvent.Verb


def enter_permit(*, line: ApplicationLine, payload: PermitDevice, now: datetime) -> DevicePermit:
    """Enter what was approved and tell it (DEV-02). Safe to repeat for the same line.

    What may have changed since the approval is looked at again. Raises DeviceTaken, MachinesUnfit, ValidityOver.
    """
    entered: DevicePermit | None = (
        DevicePermit.system.select_related("device", "applicant", "last_line__application")
        .filter(line=line)
        .first()
    )
    if entered is not None:
        return entered
    try:
        with transaction.atomic():
            permit = _make(line, payload, now)
            note(permit, Verb.APPROVED, now, actor=permit.approved_by, changes=_changes(line))
            telling.tell_user("device_approved", permit, now)
            telling.tell_officers("device_to_register", permit, now)
            return permit
    except IntegrityError as error:
        raise DeviceTaken(payload.label) from error


def _make(line: ApplicationLine, payload: PermitDevice, now: datetime) -> DevicePermit:
    if payload.last_day < today(now):
        raise ValidityOver
    computers = _machines(line, payload, now)
    application, device = line.application, _device(line, payload, now)
    stages = list(
        application.stages.filter(revision=application.revision, status=StageStatus.APPROVED).select_related(
            "decided_by", "acted_for"
        )
    )
    last = stages[-1]
    assert last.decided_by is not None  # a stage that approved has its decider
    officer = next((stage for stage in stages if stage.role == Role.SECURITY_OFFICER), None)
    confirmed = officer if payload.write_reason else None  # DEV-03: by the decision that showed it
    permit: DevicePermit = DevicePermit.system.create(
        organisation_id=line.organisation_id,
        device=device,
        device_kind=device.kind,
        device_key=device.key,
        grant=payload.grant,
        end_user=payload.end_user,
        end_user_mail=payload.end_user_mail,
        write_reason=payload.write_reason,
        reason_confirmed_by=confirmed.decided_by if confirmed else None,
        reason_confirmed_at=confirmed.decided_at if confirmed else None,
        valid_until=payload.last_day,
        applicant=application.applicant,
        approved_by=last.decided_by,
        approved_for=last.acted_for,
        approved_at=last.decided_at or now,
        line=line,
        last_line=line,
    )
    permit.computers.set(computers)
    device.permit = permit
    device.search_text = device_search_text(device, permit, [computer.name for computer in computers])
    device.save()
    return permit


def _machines(line: ApplicationLine, payload: PermitDevice, now: datetime) -> list[Computer]:
    """The machines that were approved, held: none of them is taken away while the permit is entered (DEV-11)."""
    rows = Computer.system.select_for_update(no_key=True, of=("self",))
    rows = rows.select_related("kind", "operating_system", "business_system").order_by("pk")
    found = list(
        rows.filter(
            organisation_id=line.organisation_id, name__in=payload.computers, state=Computer.State.IN_USE
        )
    )
    fit = {computer.name for computer in found if not checks.unfit_reason_of(computer, today(now))}
    if unfit := [name for name in payload.computers if name not in fit]:
        raise MachinesUnfit(unfit)
    return found


def _device(line: ApplicationLine, payload: PermitDevice, now: datetime) -> Device:
    """The device of that key that the federation had before, else a new one: its history goes on."""
    key = lookups.key_of(payload)
    device: Device | None = None
    if key:
        rows = Device.system.select_for_update(no_key=True)
        device = rows.filter(organisation_id=line.organisation_id, key=key).first()
    if device is None:
        device = Device(organisation_id=line.organisation_id, number=next_number("DV", now), key=key)
    device.kind, device.maker, device.model = payload.device_kind, payload.maker, payload.model
    device.serial, device.no_serial_reason = payload.serial, payload.no_serial_reason
    device.save()
    return device


def renew_permit(*, line: ApplicationLine, payload: RenewPermit, now: datetime) -> DevicePermit:
    """Make a permit last as long as approved. Safe to repeat. Raises PermitEnded."""
    with transaction.atomic():
        permit = locked_by_number(line.organisation_id, payload.number)
        if permit.last_line_id == line.pk:
            return permit
        if not permit.is_live or permit.valid_until < today(now):
            raise PermitEnded(payload.number)
        permit.valid_until, permit.last_line = payload.last_day, line
        permit.reminded_days = None
        permit.save(update_fields=["valid_until", "last_line", "reminded_days", "updated_at"])
        note(permit, Verb.RENEWED, now, changes=_changes(line))
        telling.tell_user("device_renewed", permit, now, until_on=payload.valid_until)
        return permit


def order_removal(*, line: ApplicationLine, payload: RemovePermit, now: datetime) -> DevicePermit:
    """End a permit on its user's word; the managers are told (DEV-06). Safe to repeat. Raises PermitEnded."""
    with transaction.atomic():
        # Asked again after the removal was recorded: by then the device may have a new permit, which is not meant.
        ended: DevicePermit | None = DevicePermit.system.filter(last_line=line).first()
        if ended is not None:
            return locked(ended.pk)
        permit = locked_by_number(line.organisation_id, payload.number)
        if not permit.is_live:
            raise PermitEnded(payload.number)
        permit.last_line = line
        end(permit, DevicePermit.EndReason.REMOVAL, Verb.REMOVAL, now)
        telling.tell_managers("device_removal", permit, now)
        return permit


def end(permit: DevicePermit, reason: str, verb: str, now: datetime) -> None:
    """End a live permit whose row the caller holds: what was never registered is gone at once."""
    registered = permit.state == State.REGISTERED
    permit.state = State.ENDING if registered else State.REMOVED
    permit.end_reason, permit.ended_at = reason, now
    permit.save()
    note(permit, verb, now)
    if registered:
        telling.tell_officers("device_to_remove", permit, now)
    else:
        note(permit, Verb.NOT_NEEDED, now)
        wake(permit, now)


def wake(permit: DevicePermit, now: datetime) -> None:
    """What the operations of a permit waited for has come."""
    lines = {permit.line_id, permit.last_line_id}
    waiting = Operation.system.filter(line_id__in=lines, target=TARGET)
    fulfilment.wake(list(waiting.values_list("pk", flat=True)), now)


def locked(permit_id: int) -> DevicePermit:
    """A permit under its row lock. Raises DevicePermit.DoesNotExist."""
    rows = DevicePermit.system.select_for_update(no_key=True, of=("self",))
    found: DevicePermit = rows.select_related("device", "applicant", "last_line__application").get(
        pk=permit_id
    )
    return found


def locked_by_number(organisation_id: int, number: str) -> DevicePermit:
    """The newest permit of a device under its lock. Raises PermitEnded."""
    device = Device.system.filter(organisation_id=organisation_id, number=number).first()
    if device is None or device.permit_id is None:
        raise PermitEnded(number)
    return locked(device.permit_id)


def note(
    permit: DevicePermit,
    verb: str,
    now: datetime,
    *,
    actor: User | None = None,
    changes: list[dict[str, Any]] | None = None,
    text: str = "",
) -> None:
    """One step of the history; without an actor the portal took it."""
    DeviceEvent.system.create(
        device_id=permit.device_id,
        permit=permit,
        organisation_id=permit.organisation_id,
        at=now,
        actor=actor,
        actor_name=actor.display_name if actor else "",
        verb=verb,
        application_number=permit.last_line.application.number,
        changes=changes or [],
        note=text[:500],
    )


def _changes(line: ApplicationLine) -> list[dict[str, Any]]:
    plan: dict[str, Any] = line.plan or {}
    return [
        {"label": change["label"], "before": list(change["before"]), "after": list(change["after"])}
        for change in plan.get("changes", ())
    ]


def device_search_text(device: Device, permit: DevicePermit | None, computers: list[str]) -> str:
    """The folded text that searches look into."""
    with translation.override("ja"):
        kind = str(device.get_kind_display())
    words = (device.number, kind, device.maker, device.model, device.serial)
    return search_key(*words, permit.end_user if permit else "", *computers)


def rebuild_search_texts() -> int:
    """Fold the search text of every device anew; the number of devices."""
    count = 0
    rows = Device.system.select_related("permit").prefetch_related("permit__computers").order_by("pk")
    for batch in batched(rows.iterator(chunk_size=1000), 1000):
        for device in batch:
            names = [c.name for c in device.permit.computers.all()] if device.permit else []
            device.search_text = device_search_text(device, device.permit, names)
        count += Device.system.bulk_update(batch, ["search_text"])
    return count
