"""Carrying out applications for the whitelist: the portal's own table is written at once; the guard follows (MAC-07)."""

from __future__ import annotations

from django.utils.translation import gettext as _

from devices.whitelist import register, together
from devices.whitelist.addresses import shown_mac
from devices.whitelist.models import WhitelistEntry
from devices.whitelist.payloads import Action, WhitelistLine
from devices.whitelist.placement import Misplaced
from devices.whitelist.together import payload_of
from portal.fulfilment.models import Operation
from portal.fulfilment.registry import Done, NeedsPerson, NotNeeded, Outcome, Run
from portal.gateways import clock
from portal.workflow.models import ApplicationLine


class WhitelistWriter:
    """Writes one line; doing it twice does no harm. Everything is looked at again, since days may have passed."""

    def run(self, run: Run) -> Outcome:
        """See portal.fulfilment.registry.Handler."""
        line, now = run.operation.line, clock.now()
        run.still_mine()
        try:
            return _done(together.write(line, now))
        except (register.NotWritten, Misplaced) as error:
            if error.line is not None and error.line.pk != line.pk:
                return _other_line(error.line)
            return _not_written(error, payload_of(line))

    def verify(self, run: Run, recorded: dict[str, str]) -> Outcome:
        """There is nothing to do by hand: the whitelist is the portal's own."""
        return self.run(run)

    def work_sheet(self, operation: Operation) -> list[tuple[str, str]]:
        """Which entry is meant."""
        payload = payload_of(operation.line)
        pairs = [
            (_("What to do"), str(Action(payload.action).label)),
            (_("Computer name"), payload.computer),
            (_("MAC address"), shown_mac(payload.mac)),
            (_("IP address"), payload.ip),
            (_("MAC address until now"), shown_mac(payload.old_mac)),
        ]
        return [(label, value) for label, value in pairs if value]

    def ping(self) -> None:
        """The whitelist is in the portal's own database."""


def _not_written(error: Exception, payload: WhitelistLine) -> Outcome:
    """What a person reads about a line that could not be written."""
    match error:
        case register.EntryMissing():
            return _entry_missing(payload)
        case Misplaced():
            return NeedsPerson(code="misplaced", message=error.reason)
        case register.AddressTaken():
            return NeedsPerson(code=f"{error.field}_taken", message=_taken(error.field))
        case register.SegmentMissing():
            text = _(
                "The segment of the address was ended meanwhile. Close this one, and have it applied for anew."
            )
            return NeedsPerson(code="segment_missing", message=text)
        case register.MachineMissing():
            text = _("The machine is not in use any more. Close this one; there is nothing to permit.")
            return NeedsPerson(code="machine_missing", message=text)
        case register.MachineUncovered():
            text = _("%(reason)s Close this one; the guard does not cover the machine any more.")
            return NeedsPerson(code="machine_uncovered", message=text % {"reason": error})
        case register.LocalNotAccepted():
            text = _(
                "The locally administered address is not accepted any more. Accept it again, or close this one."
            )
            return NeedsPerson(code="local_not_accepted", message=text)
    raise error


def _other_line(line: ApplicationLine) -> Outcome:
    text = _(
        "It needs an address that line %(position)d of this application gives up, and that one cannot be written. Settle that line first."
    )
    return NeedsPerson(code="other_line", message=text % {"position": line.position})


def _entry_missing(payload: WhitelistLine) -> Outcome:
    if payload.action == Action.REMOVE:
        return NotNeeded(code="ended", message=_("The entry had ended already."))
    text = _(
        "The entry to be replaced has ended meanwhile. Close this one, and have a new entry applied for."
    )
    return NeedsPerson(code="entry_missing", message=text)


def _taken(field: str) -> str:
    if field == "mac":
        return _("The MAC address got another entry meanwhile. Close this one, and have it applied for anew.")
    return _("The IP address got another entry meanwhile. Close this one, and have it applied for anew.")


def _done(entry: WhitelistEntry) -> Done:
    return Done(
        evidence={
            "entry": str(entry.uid),
            "mac": entry.mac,
            "ip": entry.ip,
            "state": entry.state,
            "permitted": entry.approved_at.isoformat(),
            "ended": entry.ended_at.isoformat() if entry.ended_at else "",
        }
    )
