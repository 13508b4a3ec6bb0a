"""Carrying out: a new segment waits for the choice of the central association, one that is given back for its last day."""

from __future__ import annotations

from datetime import datetime, time, timedelta

from django.utils.translation import gettext as _

from portal.common.time import JST, today
from portal.fulfilment.models import Operation
from portal.fulfilment.registry import WAITS_FOR, Done, NeedsPerson, NotNeeded, Outcome, Run, Waits
from portal.gateways import clock
from portal.orgs import networks
from portal.workflow.models import ApplicationLine
from requests.networks import services
from requests.networks.models import Allotment
from requests.networks.payloads import Action, NetworkLine

_LOOK_AGAIN = timedelta(hours=1)


class NetworkHandler:
    """The register of segments is the target: what it holds is read back."""

    def run(self, run: Run) -> Outcome:
        """See portal.fulfilment.registry.Handler."""
        line, now = run.operation.line, clock.now()
        payload = services.payload_of(line)
        if payload.action == Action.GIVE_BACK:
            return self._give_back(run, payload, now)
        allotment = Allotment.system.filter(line=line).first()
        if allotment is not None:
            return _proof(allotment, now)
        if not run.operation.progress.get("told"):
            run.still_mine()
            services.tell_central(line, now)
            run.checkpoint(told=True)
        return Waits(
            code=f"{WAITS_FOR}allotment",
            message=_("Approved. It waits for the central association to allot a segment."),
            until=now + _LOOK_AGAIN,
        )

    def verify(self, run: Run, recorded: dict[str, str]) -> Outcome:
        """By hand nothing else is done than on the screen: a segment is given by allotting it."""
        outcome = self.run(run)
        if isinstance(outcome, Waits):
            text = _("Only the central association allots segments, on the page of the segments.")
            return NeedsPerson(code="not_allotted", message=text)
        return outcome

    def work_sheet(self, operation: Operation) -> list[tuple[str, str]]:
        """What is wanted."""
        payload = services.payload_of(operation.line)
        return [
            (_("What to do"), str(Action(payload.action).label)),
            (_("Segment"), payload.network or f"/{payload.size}"),
            (_("System and purpose"), payload.purpose),
            (_("Day"), payload.on),
        ]

    def ping(self) -> None:
        """The register is in the portal's own database."""

    def _give_back(self, run: Run, payload: NetworkLine, now: datetime) -> Outcome:
        if today(now) <= payload.day:
            return Waits(
                code=f"{WAITS_FOR}last_day",
                message=_("Approved. The segment is free again after its last day."),
                until=datetime.combine(payload.day + timedelta(days=1), time(0, 1), tzinfo=JST),
            )
        run.still_mine()
        line = run.operation.line
        if not services.give_back(line=line, payload=payload, now=now) and _stands(
            line, payload.network, now
        ):
            text = _("The register holds the segment for something else. Look at it there.")
            return NeedsPerson(code="held_otherwise", message=text)
        if _stands(line, payload.network, now):
            return NeedsPerson(code="still_there", message=_("The segment is still in the register."))
        return Done(evidence={"network": payload.network, "last_day": payload.on, "free": True})


def _proof(allotment: Allotment, now: datetime) -> Outcome:
    """What the register holds now."""
    if allotment.valid_until is not None:
        return NotNeeded(code="given_back", message=_("The segment was given back meanwhile."))
    for each in networks.the_register().live(today(now)):
        if each.network == allotment.network and each.organisation_id == allotment.organisation_id:
            return Done(
                evidence={
                    "network": each.network,
                    "vlan": each.vlan,
                    "valid_from": each.valid_from.isoformat(),
                    "allotted_by": allotment.allotted_by.display_name,
                }
            )
    text = _("The register of segments does not hold what was allotted. Look at it there.")
    return NeedsPerson(code="not_registered", message=text)


def _stands(line: ApplicationLine, network: str, now: datetime) -> bool:
    return any(
        each.network == network and each.organisation_id == line.organisation_id and each.valid_until is None
        for each in networks.the_register().live(today(now))
    )
