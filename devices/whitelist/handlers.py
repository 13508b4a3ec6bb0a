"""Carrying out applications for the whitelist: the portal's own table is written at once; the guard follows (MAC-07)."""

from __future__ import annotations

from datetime import datetime

from django.utils.translation import gettext as _

from devices.whitelist import register
from devices.whitelist.addresses import shown_mac
from devices.whitelist.models import WhitelistEntry
from devices.whitelist.payloads import Action, WhitelistLine
from devices.whitelist.placement import Misplaced, Segments, place
from portal.common.time import today
from portal.fulfilment.models import Operation
from portal.fulfilment.registry import Done, NeedsPerson, NotNeeded, Outcome, Run
from portal.gateways import clock
from portal.workflow import kinds
from portal.workflow.models import ApplicationLine


class WhitelistWriter:
    """Writes one line; doing it twice does no harm. Everything is looked at again, since days may have passed."""

    def run(self, run: Run) -> Outcome:
        """See portal.fulfilment.registry.Handler."""
        line, now = run.operation.line, clock.now()
        payload = _payload(line)
        run.still_mine()
        try:
            return _done(self._write(line, payload, now))
        except register.EntryMissing:
            return _entry_missing(payload)
        except Misplaced as error:
            return NeedsPerson(code="misplaced", message=error.reason)
        except register.AddressTaken as error:
            return NeedsPerson(code=f"{error.field}_taken", message=_taken(error.field))
        except register.SegmentMissing:
            text = _(
                "The segment of the address was ended meanwhile. Close this one, and have it applied for anew."
            )
            return NeedsPerson(code="segment_missing", message=text)
        except register.MachineMissing:
            text = _("The machine is not in use any more. Close this one; there is nothing to permit.")
            return NeedsPerson(code="machine_missing", message=text)
        except register.MachineUncovered as error:
            text = _("%(reason)s Close this one; the guard does not cover the machine any more.")
            return NeedsPerson(code="machine_uncovered", message=text % {"reason": error})
        except register.LocalNotAccepted:
            text = _(
                "The locally administered address is not accepted any more. Accept it again, or close this one."
            )
            return NeedsPerson(code="local_not_accepted", message=text)

    def verify(self, run: Run, recorded: dict[str, str]) -> Outcome:
        """There is nothing to do by hand: the whitelist is the portal's own."""
        return self.run(run)

    def work_sheet(self, operation: Operation) -> list[tuple[str, str]]:
        """Which entry is meant."""
        payload = _payload(operation.line)
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

    def _write(self, line: ApplicationLine, payload: WhitelistLine, now: datetime) -> WhitelistEntry:
        segment_id = None
        if payload.action != Action.REMOVE:
            _remove_first(line, payload, now)
            segments = Segments.read(today(now))
            segment_id = place(payload.ip, organisation_id=line.organisation_id, segments=segments).pk
        return register.write_line(line=line, payload=payload, segment_id=segment_id, now=now)


def _remove_first(line: ApplicationLine, payload: WhitelistLine, now: datetime) -> None:
    """Removals of the same application that free an address of this line go before it, whatever the queue's order (MAC-07)."""
    freed = register.live_with(mac=payload.mac, ip=payload.ip)
    beside = ApplicationLine.system.filter(
        application_id=line.application_id, is_open=True, payload__action=Action.REMOVE
    )
    for sibling in beside.filter(payload__mac__in=list(freed)).select_related("application") if freed else ():
        register.write_line(line=sibling, payload=_payload(sibling), segment_id=None, now=now)


def _payload(line: ApplicationLine) -> WhitelistLine:
    payload: WhitelistLine = kinds.get(line.application.kind).load(line.payload, line.payload_version)
    return payload


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
