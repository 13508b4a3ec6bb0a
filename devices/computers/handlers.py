"""Carrying out applications about machines: the portal's own register is the target, so it is written at once."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from devices.computers.models import Computer
from devices.computers.register import ComputerMissing, ComputerNameTaken, ComputerNeeded
from portal.fulfilment.models import Operation
from portal.fulfilment.registry import Done, NeedsPerson, Outcome, Run
from portal.gateways import clock
from portal.workflow import kinds
from portal.workflow.models import ApplicationLine

Write = Callable[..., Computer]


class RegisterWriter:
    """Writes one line into the register of machines with `write`; doing it twice does no harm."""

    def __init__(self, write: Write) -> None:
        self._write = write

    def run(self, run: Run) -> Outcome:
        """See portal.fulfilment.registry.Handler."""
        line, payload, now = run.operation.line, _payload(run.operation.line), clock.now()
        run.still_mine()
        try:
            return _done(self._write(line=line, payload=payload, now=now), now)
        except ComputerNameTaken:
            text = _(
                "Another machine has this computer name meanwhile. Close this one, and have it applied for anew."
            )
            return NeedsPerson(code="name_taken", message=text)
        except ComputerMissing:
            text = _("The machine is not in use any more. Close this one; there is nothing to change.")
            return NeedsPerson(code="computer_missing", message=text)
        except ComputerNeeded as error:
            text = _("The machine is still needed: %(reason)s Then retry this one, or close it.")
            return NeedsPerson(code="computer_needed", message=text % {"reason": error})

    def verify(self, run: Run, recorded: dict[str, str]) -> Outcome:
        """There is nothing to do by hand: the register is the portal's own."""
        return self.run(run)

    def work_sheet(self, operation: Operation) -> list[tuple[str, str]]:
        """Which entry is meant."""
        return [(_("Computer name"), str(_payload(operation.line).name))]

    def ping(self) -> None:
        """The register is in the portal's own database."""


def _payload(line: ApplicationLine) -> Any:
    return kinds.get(line.application.kind).load(line.payload, line.payload_version)


def _done(computer: Computer, now: datetime) -> Done:
    return Done(evidence={"computer": str(computer.uid), "name": computer.name, "written": now.isoformat()})
