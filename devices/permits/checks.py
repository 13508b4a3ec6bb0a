"""What must be true before a device is permitted, renewed or removed, and what the application will change."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta

from django.conf import settings
from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from devices.computers import lookups as computers
from devices.computers.fitness import unfit_reason
from devices.computers.models import Computer
from devices.permits import lookups, source
from devices.permits.forms import unknown_device
from devices.permits.models import DevicePermit
from devices.permits.payloads import PermitDevice, RemovePermit, RenewPermit
from devices.permits.source import DeviceKind, Grant
from portal.workflow import plans
from portal.workflow.kinds import LineContext
from portal.workflow.plans import Change, Check, Plan

Errors = Mapping[str, Sequence[str]]


def check_permit(context: LineContext, payload: PermitDevice) -> Errors:
    """The tables once more, the machines, and whether the device is permitted already."""
    errors: dict[str, list[str]] = {}
    # DEV-04, DEV-05: whatever way the payload came here, nothing outside the tables goes on.
    if payload.device_kind not in DeviceKind.values:
        row = source.forbidden_row(payload.device_kind)
        return {"device_kind": [source.refusal(row) if row else source.unknown_kind()]}
    if problem := source.grant_problem(payload.device_kind, payload.grant):
        return {"grant": [problem]}
    if problems := [f"{name}: {p}" for name in payload.computers if (p := machine_problem(context, name))]:
        errors["computers"] = problems
    key = lookups.key_of(payload)
    if lookups.permitted(context, key) is not None:
        errors["serial"] = [_("A device with this model and serial number has a permit already.")]
    elif key and computers.is_reserved(context, lookups.reservation_of(payload)):
        errors["serial"] = [_("Another application that is not finished yet already names this device.")]
    return errors


def machine_problem(context: LineContext, name: str) -> str:
    """Why a device cannot be attached to the machine of that name; "" when it can (DEV-11)."""
    computer = computers.own(context, name)
    if computer is None:
        return _("There is no such machine in use in your organisation.")
    return unfit_reason_of(computer, context.today)


def unfit_reason_of(computer: Computer, day: date) -> str:
    """Why device control does not cover this machine; "" when it does."""
    return unfit_reason(
        kind=computer.kind,
        system=computer.operating_system,
        business=computer.business_system,
        has_own_skysea=computer.has_own_skysea,
        day=day,
    )


def plan_permit(context: LineContext, payload: PermitDevice) -> Plan:
    """The permit that will be made, with the rows of the table and what the officer has to confirm."""
    with translation.override("ja"):  # plans of different readers must be the same
        words = {
            gettext_noop("Kind of device"): (str(DeviceKind(payload.device_kind).label),),
            gettext_noop("Grant"): (str(Grant(payload.grant).label),),
            gettext_noop("Maker"): (payload.maker,),
            gettext_noop("Model"): (payload.model,),
            gettext_noop("Serial number"): (payload.serial,),
            gettext_noop("Machines"): tuple(payload.computers),
            gettext_noop("User of the device"): (payload.end_user,),
            gettext_noop("Reason for writing"): (payload.write_reason,),
            gettext_noop("Valid until"): (payload.valid_until,),
        }
    changes = tuple(
        Change(action=plans.ADD, label=label, after=after) for label, after in words.items() if any(after)
    )
    return Plan(changes=changes, checks=tuple(_permit_checks(context, payload)))


def _permit_checks(context: LineContext, payload: PermitDevice) -> Iterator[Check]:
    row = source.TABLE_2_33[payload.device_kind]
    yield Check(
        code="table_2_33",
        level=plans.PASSED,
        text=gettext_noop("Table 2-33 no. %(number)s has this kind with this grant."),
        values={"number": str(row.number)},
    )
    unfit = [name for name in payload.computers if machine_problem(context, name)]
    yield Check(
        code="machines",
        level=plans.BLOCKED if unfit else plans.PASSED,
        text=gettext_noop("Devices cannot be attached to: %(names)s.")
        if unfit
        else gettext_noop("Device control covers every machine named."),
        values={"names": "、".join(unfit)} if unfit else {},
    )
    key = lookups.key_of(payload)
    if lookups.permitted(context, key) is not None:
        text = gettext_noop("A device with this model and serial number has a permit already.")
        yield Check(code="permitted", level=plans.BLOCKED, text=text, values={})
    if not key:
        text = gettext_noop("No serial number: %(reason)s. Look at the device before you approve.")
        yield Check(
            code="no_serial", level=plans.WARNING, text=text, values={"reason": payload.no_serial_reason}
        )
    if others := lookups.same_serial(context, key):
        text = gettext_noop("The same serial number is registered for another model: %(numbers)s.")
        numbers = "、".join(device.number for device in others)
        yield Check(code="same_serial", level=plans.WARNING, text=text, values={"numbers": numbers})
    if payload.grant in source.WRITES:  # DEV-03
        text = gettext_noop(
            "The security officer asks the user for the reason for writing and confirms it with the decision: %(reason)s"
        )
        yield Check(
            code="write_reason", level=plans.WARNING, text=text, values={"reason": payload.write_reason}
        )


# --- Renewal and removal ------------------------------------------------------------------------------------------------
def renewable_from(permit: DevicePermit) -> date:
    """From which day on a permit can be renewed."""
    return permit.valid_until - timedelta(days=int(settings.DEVICES["renewal_days"]))


def check_renew(context: LineContext, payload: RenewPermit) -> Errors:
    """The permit lives, its end is near, and it shall last longer."""
    device = lookups.own(context, payload.number)
    if device is None or device.permit is None:
        return {"number": [unknown_device()]}
    if problem := _renewal_problem(device.permit, context.today):
        return {"number": [problem]}
    if payload.last_day <= device.permit.valid_until:
        text = _("The permit lasts until %(day)s already. Choose a later day.")
        return {"valid_until": [text % {"day": f"{device.permit.valid_until:%Y/%m/%d}"}]}
    return {}


def _renewal_problem(permit: DevicePermit, today: date) -> str:
    if not permit.is_live or permit.valid_until < today:
        return _("The permit has ended. Apply for a new permit.")
    if today < renewable_from(permit):
        return _("The permit can be renewed from %(day)s on.") % {"day": f"{renewable_from(permit):%Y/%m/%d}"}
    return ""


def plan_renew(context: LineContext, payload: RenewPermit) -> Plan:
    """The last day before and after."""
    device = lookups.own(context, payload.number)
    if device is None or device.permit is None or _renewal_problem(device.permit, context.today):
        return Plan(checks=(_ended(),))
    change = Change(
        action=plans.CHANGE,
        label=gettext_noop("Valid until"),
        before=(device.permit.valid_until.isoformat(),),
        after=(payload.valid_until,),
    )
    text = gettext_noop("The permit lives. In SKYSEA nothing changes.")
    return Plan(changes=(change,), checks=(Check(code="lives", level=plans.PASSED, text=text, values={}),))


def check_remove(context: LineContext, payload: RemovePermit) -> Errors:
    """There is something to remove."""
    device = lookups.own(context, payload.number)
    if device is None or device.permit is None:
        return {"number": [unknown_device()]}
    if not device.permit.is_live:
        return {"number": [_("The permit of this device has ended already.")]}
    return {}


def plan_remove(context: LineContext, payload: RemovePermit) -> Plan:
    """The permit that ends."""
    device = lookups.own(context, payload.number)
    if device is None or device.permit is None or not device.permit.is_live:
        return Plan(checks=(_ended(),))
    change = Change(
        action=plans.REMOVE, label=gettext_noop("Device permit"), before=(device.number, str(device))
    )
    return Plan(changes=(change,))


def _ended() -> Check:
    text = gettext_noop("The permit does not live any more.")
    return Check(code="permit_ended", level=plans.BLOCKED, text=text, values={})
