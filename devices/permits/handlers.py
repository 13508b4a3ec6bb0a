"""Carrying out what was approved about devices. SKYSEA is written by people, so its operations wait for their record.

An operation of `device_control` enters the permit (or its end) and waits; the security officer's record wakes it (DEV-01).
Operations may take it by hand as any other: what they record as done is the registration (docs/adr/0021).
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.utils.translation import gettext as _

from devices.permits import register, services
from devices.permits.errors import (
    DeviceTaken,
    MachinesUnfit,
    MoveNotAllowed,
    NotAllowed,
    PermitEnded,
    ReasonNotConfirmed,
    ValidityOver,
)
from devices.permits.models import DevicePermit
from devices.permits.register import State
from portal.fulfilment.models import Operation
from portal.fulfilment.registry import WAITS_FOR, Done, NeedsPerson, NotNeeded, Outcome, Run, Waits
from portal.gateways import clock
from portal.orgs.models import User
from portal.workflow import kinds
from portal.workflow.models import ApplicationLine

_LOOK_AGAIN = timedelta(hours=1)


def payload_of(line: ApplicationLine) -> Any:
    """What a line says."""
    return kinds.get(line.application.kind).load(line.payload, line.payload_version)


class PermitHandler:
    """Enters an approved permit, then waits for its registration in SKYSEA (DEV-02)."""

    def run(self, run: Run) -> Outcome:
        """See portal.fulfilment.registry.Handler."""
        line, now = run.operation.line, clock.now()
        run.still_mine()
        try:
            permit = register.enter_permit(line=line, payload=payload_of(line), now=now)
        except DeviceTaken:
            text = _(
                "This device got a permit by another application meanwhile. Close this one; its applicant is told."
            )
            return NeedsPerson(code="device_taken", message=text)
        except MachinesUnfit as error:
            text = _("Devices cannot be attached to: %(names)s.") % {"names": "、".join(error.names)}
            return NeedsPerson(code="machines_unfit", message=text)
        except ValidityOver:
            return NotNeeded(code="validity_over", message=_("The permit ended before it was registered."))
        if permit.state == State.APPROVED:
            return Waits(
                code=f"{WAITS_FOR}registration",
                message=_("Approved. It waits for the security officer to register it in SKYSEA."),
                until=now + _LOOK_AGAIN,
            )
        if permit.registered_at is None:
            return NotNeeded(code="ended_before", message=_("The permit ended before it was registered."))
        return _done(permit)

    def verify(self, run: Run, recorded: dict[str, str]) -> Outcome:
        """A person of operations registered it by hand."""
        return _by_hand(self.run(run), run, recorded, services.record_registered)

    def work_sheet(self, operation: Operation) -> list[tuple[str, str]]:
        """What to enter in SKYSEA."""
        payload = payload_of(operation.line)
        return [
            (_("Kind of device"), payload.device_kind),
            (_("Grant"), payload.grant),
            (_("Device"), payload.label),
            (_("Machines"), "、".join(payload.computers)),
            (_("Valid until"), payload.valid_until),
        ]

    def ping(self) -> None:
        """People are always there."""


class RemovalHandler:
    """Ends a permit at once, then waits for its removal from SKYSEA (DEV-06)."""

    def run(self, run: Run) -> Outcome:
        """See portal.fulfilment.registry.Handler."""
        line, now = run.operation.line, clock.now()
        run.still_mine()
        try:
            permit = register.order_removal(line=line, payload=payload_of(line), now=now)
        except PermitEnded:
            return NotNeeded(code="ended", message=_("The permit had ended already."))
        return _removed_or_waits(permit)

    def verify(self, run: Run, recorded: dict[str, str]) -> Outcome:
        """A person of operations removed it by hand."""
        return _by_hand(self.run(run), run, recorded, services.record_removed)

    def work_sheet(self, operation: Operation) -> list[tuple[str, str]]:
        """What to remove in SKYSEA."""
        payload = payload_of(operation.line)
        return [(_("Device number"), payload.number), (_("Device"), payload.label)]

    def ping(self) -> None:
        """People are always there."""


class ExpireHandler(PermitHandler):
    """Waits for the removal of a device whose validity is over."""

    def run(self, run: Run) -> Outcome:
        """See portal.fulfilment.registry.Handler."""
        return _removed_or_waits(DevicePermit.system.get(line=run.operation.line))

    def verify(self, run: Run, recorded: dict[str, str]) -> Outcome:
        """A person of operations removed it by hand."""
        return _by_hand(self.run(run), run, recorded, services.record_removed)


class RenewalWriter:
    """Makes a permit last longer: only the portal's own register changes."""

    def run(self, run: Run) -> Outcome:
        """See portal.fulfilment.registry.Handler."""
        line, now = run.operation.line, clock.now()
        run.still_mine()
        try:
            permit = register.renew_permit(line=line, payload=payload_of(line), now=now)
        except PermitEnded:
            text = _("The permit had ended before it could be renewed. A new one has to be applied for.")
            return NotNeeded(code="ended", message=text)
        return _done(permit)

    def verify(self, run: Run, recorded: dict[str, str]) -> Outcome:
        """There is nothing to do by hand: the register is the portal's own."""
        return self.run(run)

    def work_sheet(self, operation: Operation) -> list[tuple[str, str]]:
        """Which entry is meant."""
        payload = payload_of(operation.line)
        return [(_("Device number"), payload.number), (_("Valid until"), payload.valid_until)]

    def ping(self) -> None:
        """The register is in the portal's own database."""


def _removed_or_waits(permit: DevicePermit) -> Outcome:
    if permit.state == State.REMOVED:
        return _done(permit)
    return Waits(
        code=f"{WAITS_FOR}removal",
        message=_("The permit has ended. It waits for the security officer to remove it from SKYSEA."),
        until=clock.now() + _LOOK_AGAIN,
    )


def _by_hand(
    outcome: Outcome, run: Run, recorded: dict[str, str], record: Callable[..., DevicePermit]
) -> Outcome:
    """Record what a person of operations did, when it is still to be done."""
    if not isinstance(outcome, Waits):
        return outcome
    permit = _permit_of(run.operation)
    actor = User.objects.get(pk=int(recorded["actor"]))
    try:
        return _done(record(permit_id=permit.pk, actor=actor, note=recorded["note"], now=clock.now()))
    except NotAllowed as error:
        return NeedsPerson(code="not_allowed", message=error.reason)
    except ReasonNotConfirmed:
        text = _("The security officer of the organisation must confirm the reason for writing first.")
        return NeedsPerson(code="reason_not_confirmed", message=text)
    except MoveNotAllowed:
        return NeedsPerson(
            code="changed", message=_("Somebody else changed this permit meanwhile. Look again.")
        )


def _permit_of(operation: Operation) -> DevicePermit:
    line = operation.line
    rows = DevicePermit.system.filter(line=line) | DevicePermit.system.filter(last_line=line)
    permit: DevicePermit = rows.get()
    return permit


def _done(permit: DevicePermit) -> Done:
    by = permit.registered_at
    return Done(
        evidence={
            "permit": permit.pk,
            "state": permit.state,
            "valid_until": permit.valid_until.isoformat(),
            "registered_at": by.isoformat() if by else "",
        }
    )
