"""Carrying out DNS tickets: the approved plan or nothing, then proof by asking every server (REQ-05, REQ-12)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.utils.translation import gettext as _

from portal.common.time import today
from portal.fulfilment.models import Operation
from portal.fulfilment.registry import WAITS_FOR, Done, NeedsPerson, NotKnown, Outcome, Run, TryLater, Waits
from portal.gateways import clock, dns_factory
from portal.gateways.dns import (
    AccessDenied,
    Answer,
    Change,
    ChangedMeanwhile,
    Dns,
    DnsUnavailable,
    InvalidRecord,
    NameConflict,
    NoEffect,
    OutcomeUnknown,
    RecordSet,
    Said,
    Standing,
    ZoneMissing,
    look,
    set_of,
    standing,
    zone_of,
)
from portal.gateways.dns_rules import wildcard_beside
from portal.workflow import kinds
from portal.workflow.models import ApplicationLine
from portal.workflow.plans import Plan
from requests.dns.changing import changes_of, inverse_line, shown
from requests.dns.payloads import Action, DnsLine
from requests.zones import selectors
from requests.zones.models import DnsZone

_LOOK_AGAIN = timedelta(minutes=1)
_WRITTEN_AT = "written_at"


class _Stopped(Exception):
    """Going on would be wrong; `outcome` says why."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(code)
        self.outcome = NeedsPerson(code=code, message=message)


@dataclass(frozen=True)
class Made:
    """A change that stands, and everything that the server holds at its name since."""

    change: Change
    sets: Sequence[RecordSet]

    @property
    def found(self) -> RecordSet | None:
        """What stands in the place of the changed set."""
        return set_of(self.sets, self.change.type)


class DnsWriter:
    """Carries out one line. Each record set is looked at before it is written, so doing it twice does no harm."""

    def run(self, run: Run) -> Outcome:
        """Look, replace while the set is as planned, read back, ask every server."""
        try:
            changes = _approved(run.operation.line, run.once("zones", _zones))
            dns = dns_factory.get_dns()
            made = [Made(change, _carry_out(run, dns, change)) for change in changes]
            return _proof(run, dns, made)
        except _Stopped as stopped:
            return stopped.outcome
        except OutcomeUnknown as error:
            text = _("No answer came from the DNS server. The portal looks what became of the change.")
            return NotKnown(code=error.code or "no_answer", message=text)
        except DnsUnavailable as error:
            text = _("The DNS server cannot be reached.")
            return TryLater(code=error.code or "unavailable", message=text, target_down=True)
        except (ZoneMissing, AccessDenied, InvalidRecord) as error:
            return _refused(error)

    def verify(self, run: Run, recorded: dict[str, str]) -> Outcome:
        """Only read and ask: also after somebody did it by hand."""
        try:
            line = run.operation.line
            zones = _zones()
            changes = _approved(line, zones) if line.plan and line.plan["changes"] else []
            dns = dns_factory.get_dns()
            if not changes:
                return _record_proof(dns, line, zones)
            made = [Made(change, dns.read(change.zone, change.name)) for change in changes]
            for each in made:
                if each.found != each.change.after:
                    text = _("%(name)s is not as it was approved: %(found)s")
                    raise _Stopped("not_as_approved", text % _told(each.change, each.found))
            return _proof(run, dns, made)
        except _Stopped as stopped:
            return stopped.outcome
        except DnsUnavailable as error:
            text = _("The DNS server cannot be reached.")
            return TryLater(code=error.code or "unavailable", message=text, target_down=True)
        except (ZoneMissing, AccessDenied) as error:
            return _refused(error)

    def work_sheet(self, operation: Operation) -> list[tuple[str, str]]:
        """Which records, from what to what."""
        plan = Plan.from_json(operation.line.plan) if operation.line.plan else Plan()
        pairs = [(_("What to do"), str(Action(_payload(operation.line).action).label))]
        for change in plan.changes:
            pairs.append((f"{change.attribute} {_('before')}", ", ".join(change.before) or "–"))
            pairs.append((f"{change.attribute} {_('after')}", ", ".join(change.after) or "–"))
        return pairs

    def ping(self) -> None:
        """The breaker's probe."""
        dns_factory.get_dns().ping()


def _payload(line: ApplicationLine) -> DnsLine:
    payload: DnsLine = kinds.get(line.application.kind).load(line.payload, line.payload_version)
    return payload


def _zones() -> Mapping[str, DnsZone]:
    """The registered zones of today."""
    return {zone.name: zone for zone in selectors.live_zones(today(clock.now()))}


def _approved(line: ApplicationLine, zones: Mapping[str, DnsZone]) -> list[Change]:
    """The changes of the plan that was approved, in zones that are open. Raises _Stopped."""
    plan = Plan.from_json(line.plan) if line.plan else Plan()
    if not plan.changes:
        text = _(
            "The servers could not be asked when this was approved, so nobody saw what it changes. Close it and have it applied for anew, or do it by hand."
        )
        raise _Stopped("no_plan", text)

    def open_zone(name: str) -> str | None:
        found = zone_of(name, zones)
        return found if found and zones[found].is_open else None

    try:
        return changes_of(plan, open_zone)
    except LookupError as error:
        text = _("No open zone holds %(name)s any more. Open the zone and try again, or close this one.")
        raise _Stopped("zone_closed", text % {"name": error}) from error


def _carry_out(run: Run, dns: Dns, change: Change) -> Sequence[RecordSet]:
    """One record set, in one step, only while it is as planned (REQ-05); what stands at its name then."""
    run.still_mine()
    try:
        sets = dns.replace(change)
    except ChangedMeanwhile as error:
        if standing(change, error.found) is Standing.AFTER:  # done before, by us or by somebody else
            _note_written(run, change)
            return dns.read(change.zone, change.name)
        text = _(
            "%(name)s was changed after the approval and was left alone. It now holds: %(found)s. Close this one and have it applied for anew."
        )
        raise _Stopped("changed_meanwhile", _with_written(run, text % _told(change, error.found))) from error
    except NameConflict as error:
        text = _("%(name)s was left alone: a CNAME cannot stand beside other records (%(types)s).")
        words = _told(change, None) | {"types": ", ".join(error.beside)}
        raise _Stopped("cname", _with_written(run, text % words)) from error
    except NoEffect as error:
        text = _(
            "The server confirmed the change, but %(name)s now holds: %(found)s. Look at the server, then decide."
        )
        raise _Stopped("no_effect", _with_written(run, text % _told(change, error.found))) from error
    _note_written(run, change)
    run.note(**{_WRITTEN_AT: clock.now().isoformat()})
    return sets


def _note_written(run: Run, change: Change) -> None:
    """Told with the outcome. It needs no statement of its own: the next attempt finds what stands as approved."""
    names = dict.fromkeys([*run.operation.progress.get("written", []), f"{change.name} {change.type}"])
    run.note(written=list(names))


def _with_written(run: Run, text: str) -> str:
    """A true state also where the first of two changes was made."""
    written = run.operation.progress.get("written", [])
    more = _("Already written: %(names)s.") % {"names": ", ".join(written)} if written else ""
    return f"{text} {more}".strip()


def _told(change: Change, found: RecordSet | None) -> dict[str, str]:
    return {"name": f"{change.name} {change.type}", "found": ", ".join(shown(found)) or _("no records")}


def _found(dns: Dns, change: Change) -> RecordSet | None:
    return set_of(dns.read(change.zone, change.name), change.type)


# --- Proof ----------------------------------------------------------------------------------------------------------------
def _proof(run: Run, dns: Dns, made: Sequence[Made]) -> Outcome:
    """Done when every server answers as approved; a copy that is behind is waited for, and said so."""
    changes = [each.change for each in made]
    answers = [
        (change, answer) for change in changes for answer in dns.query(change.zone, change.name, change.type)
    ]
    if not answers:
        text = _("It is written, but no servers to ask are set (DNS_SERVERS), so it cannot be proven.")
        return NeedsPerson(code="no_servers", message=text)
    missing = [(change, answer) for change, answer in answers if not answer.shows(change.after)]
    missing = [each for each in missing if not _by_wildcard(dns, *each)]
    if not missing:
        return Done(evidence=_evidence(made, answers))
    for change in changes:
        if look(dns, change) is not Standing.AFTER:
            text = _(
                "%(name)s was written and has been changed since by somebody else. It now holds: %(found)s."
            )
            return NeedsPerson(code="changed_since", message=text % _told(change, _found(dns, change)))
    servers = ", ".join(dict.fromkeys(f"{answer.server} ({_said(answer)})" for _change, answer in missing))
    now = clock.now()
    if now - _written_at(run, now) > timedelta(seconds=settings.DNS["proof_seconds"]):
        text = _(
            "It is written, but these servers still do not answer so: %(servers)s. Look at them, then try again."
        )
        return NeedsPerson(code="copy_behind", message=text % {"servers": servers})
    text = _("It is written. It is not proven yet, because these servers do not answer so: %(servers)s.")
    return Waits(code=f"{WAITS_FOR}dns_servers", message=text % {"servers": servers}, until=now + _LOOK_AGAIN)


def _by_wildcard(dns: Dns, change: Change, answer: Answer) -> bool:
    """Whether the name is gone and a wildcard answers in its place, as the plan said."""
    if change.after is not None or answer.found is None:
        return False
    told = dns.query(change.zone, wildcard_beside(change.name), change.type)
    found = next((each.found for each in told if each.server == answer.server), None)
    return found is not None and (found.ttl, found.values) == (answer.found.ttl, answer.found.values)


def _written_at(run: Run, now: datetime) -> datetime:
    """Since when the servers could know; an operation that found everything done begins to wait now."""
    kept = run.operation.progress.get(_WRITTEN_AT)
    if kept is None:
        run.checkpoint(**{_WRITTEN_AT: now.isoformat()})
        return now
    return datetime.fromisoformat(kept)


def _said(answer: Answer) -> str:
    words = {
        Said.SILENT: _("no answer"),
        Said.REFUSED: _("answers with an error"),
        Said.NO_DATA: _("no records"),
        Said.NO_NAME: _("no records"),
        Said.ANSWER: _("other records"),
    }
    return _("old copy") if answer.behind else words[answer.said]


def _evidence(made: Sequence[Made], answers: Sequence[tuple[Change, Answer]]) -> dict[str, Any]:
    """What was read back from whom, what stands at the names, and the lines that take it back."""
    return {
        "answers": [
            {
                "server": answer.server,
                "name": change.name,
                "type": change.type,
                "found": list(shown(answer.found)),
                "serial": answer.serial,
            }
            for change, answer in answers
        ],
        "stands": [
            {
                "zone": each.change.zone,
                "name": each.change.name,
                "sets": [asdict(found) for found in each.sets],
            }
            for each in made
        ],
        "inverse": [asdict(inverse_line(each.change)) for each in made],
    }


def _record_proof(dns: Dns, line: ApplicationLine, zones: Mapping[str, DnsZone]) -> Outcome:
    """By hand, without an approved plan: only the record itself can be looked for."""
    payload = _payload(line)
    zone = zone_of(payload.name, zones)
    if zone is None:
        raise _Stopped("zone_closed", _("No zone that holds the name is registered any more."))
    answers = dns.query(zone, payload.name, payload.type)
    for answer in answers:
        values = answer.found.values if answer.found else ()
        comes = not payload.comes or payload.comes in values
        if not answer.spoke or not comes or payload.goes in values:
            text = _("%(server)s does not answer as it was approved (%(said)s).")
            raise _Stopped("not_as_approved", text % {"server": answer.server, "said": _said(answer)})
    found = [
        {
            "server": a.server,
            "name": payload.name,
            "type": payload.type,
            "found": list(shown(a.found)),
            "serial": a.serial,
        }
        for a in answers
    ]
    return Done(evidence={"answers": found})


def _refused(error: ZoneMissing | AccessDenied | InvalidRecord) -> Outcome:
    if isinstance(error, ZoneMissing):
        text = _("The DNS servers do not hold the zone. Nothing was changed at this name.")
        return NeedsPerson(code="zone_missing", message=text)
    if isinstance(error, AccessDenied):
        text = _(
            "The DNS server does not let the portal change this name. Give the portal the right, or do it by hand."
        )
        return NeedsPerson(code="access_denied", message=text)
    return NeedsPerson(code=error.code, message=_("The record cannot be written as it was approved."))
