"""What must be true before a record is changed, and what a ticket will change (REQ-05)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from portal.gateways.dns import RecordType, conflicting_types, reverse_address, reverse_name, set_of
from portal.gateways.dns_rules import wildcard_parent
from portal.workflow import plans
from portal.workflow.kinds import LineContext
from portal.workflow.plans import Check, Plan
from portal.workflow.subjects import Subject
from requests.dns import hints, lookups
from requests.dns.changing import COMPANION, RECORDS, companion_changes, forward_change, step
from requests.dns.lookups import Known
from requests.dns.payloads import ADDRESS_TYPES, Action, DnsLine
from requests.zones.owners import key_of

Errors = Mapping[str, Sequence[str]]


def reservation_of(line: DnsLine) -> str:
    """What two open tickets must not both hold: one name."""
    return f"dns:{key_of(line.name)}"


def subjects_of(line: DnsLine) -> list[Subject]:
    """The name, and those of the PTR records that follow."""
    follows = line.with_ptr and line.type in ADDRESS_TYPES
    addresses = [address for address in (line.value, line.old_value) if address] if follows else []
    names = dict.fromkeys([line.name, *(reverse_name(address) for address in addresses)])
    return [Subject(space="dns", key=name, label=name, shared=True) for name in names]


def check_line(context: LineContext, line: DnsLine) -> Errors:
    """Everything that forbids this line, by field. Form, file, REST and plan all ask here, so they cannot disagree.

    While the servers cannot be asked, only what the register knows is told (ACC-12). A federation whose name is refused is told
    nothing else: everything further would speak of records that may be another one's (ORG-02).
    """
    known = lookups.known(context)
    name = _name_problem(known, line)
    if name and known.is_federation:
        return {"name": [name]}
    found = {
        "name": name,
        "value": _value_problem(known, line),
        "old_value": _old_value_problem(known, line),
        "with_ptr": _companion_problem(known, line),
    }
    return {field: [text] for field, text in found.items() if text}


def _name_problem(known: Known, line: DnsLine) -> str:
    zone = known.zone_of(line.name)
    if zone is None:
        return lookups.no_zone()
    if not zone.is_open:
        return _("The zone %(zone)s is closed for applications at present. Ask network operations.") % {
            "zone": zone.name
        }
    if known.is_protected(line.name):
        return _(
            "Active Directory keeps this name up itself, or operations protect it. It cannot be applied for."
        )
    known.at(line.name)
    if known.error is not None:
        return ""
    if zone.name in known.missing:
        return _("The DNS servers do not hold the zone %(zone)s at present. Ask network operations.") % {
            "zone": zone.name
        }
    if known.is_federation and (problem := _owner_problem(known, line)):
        return problem
    if line.type == RecordType.PTR and known.is_open_elsewhere(line.name):
        return _("Another ticket that is not finished yet changes this PTR record.")
    return ""


def _owner_problem(known: Known, line: DnsLine) -> str:
    """ORG-02: a name with somebody else's records is theirs; one of nobody in a common zone is for operations to judge."""
    owners, sets = known.owners(line.name), known.at(line.name)
    zone = known.zone_of(line.name)
    if line.type == RecordType.PTR:
        return _address_problem(known, reverse_address(line.name) or "")
    if owners - {known.own}:
        return _("Records of another organisation stand at this name. Choose another name.")
    if sets and not owners and zone is not None and zone.organisation_id != known.own:
        return _(
            "It is not known whose records stand at this name. Have network operations apply for the change."
        )
    return "" if owners else _above_problem(known, line)


def _above_problem(known: Known, line: DnsLine) -> str:
    """ORG-02: what lies below a name is of those whose name it is; a wildcard speaks for everything below its parent."""
    if any(known.owners(name) - {known.own} for name in known.above(line.name)):
        return _("The name lies below a name of another organisation. Choose another name.")
    zone = known.zone_of(line.name)
    if zone is not None and zone.name == wildcard_parent(line.name) and zone.organisation_id != known.own:
        return _(
            "A wildcard directly below a common zone answers for every organisation. Have network operations apply for it."
        )
    return ""


def _value_problem(known: Known, line: DnsLine) -> str:
    held = set_of(known.at(line.name), line.type)
    if known.zone_of(line.name) is None:
        return ""
    is_judged = line.type in ADDRESS_TYPES and known.is_federation and line.comes
    if is_judged and (problem := _address_problem(known, line.comes)):
        return problem
    if known.error is not None:
        return ""
    if line.action == Action.DELETE:
        return "" if held and line.value in held.values else _missing(known, line)
    if line.action == Action.CHANGE and line.value == line.old_value:
        if held and line.ttl in (0, held.ttl):
            return _("This is what is there already. Enter another value or another TTL.")
    elif held and line.value in held.values:
        return _("This record is there already.")
    return _conflict(known, line)


def _old_value_problem(known: Known, line: DnsLine) -> str:
    if line.action != Action.CHANGE or known.zone_of(line.name) is None:
        return ""
    held = set_of(known.at(line.name), line.type)
    if known.error is not None or (held and line.old_value in held.values):
        return ""
    return _missing(known, line)


def _missing(known: Known, line: DnsLine) -> str:
    held = set_of(known.at(line.name), line.type)
    if held is None:
        return _("There is no %(type)s record at this name.") % {"type": line.type}
    text = _("There is no such record. At this name there is: %(values)s")
    return text % {"values": ", ".join(held.values[:5])}


def _conflict(known: Known, line: DnsLine) -> str:
    """A CNAME stands beside nothing; servers answer NOERROR to such a change and ignore it (docs/adr/0026)."""
    zone = known.zone_of(line.name)
    change = forward_change(zone.name, line, known.at(line.name)) if zone else None
    if change is None:
        return ""
    beside = conflicting_types(change, known.at(line.name))
    if beside and line.type == RecordType.CNAME:
        text = _("A CNAME cannot stand beside other records. At this name there are: %(types)s")
        return text % {"types": ", ".join(beside)}
    if beside:
        return _(
            "This name is a CNAME. No other record can stand beside it; change or delete the CNAME first."
        )
    if line.type == RecordType.CNAME and change.after and len(change.after.values) > 1:
        return _("A name has one CNAME only. Choose change instead.")
    return ""


def _address_problem(known: Known, address: str) -> str:
    """Inside a segment of the own federation; says nothing about whose another one is (ORG-02)."""
    holder = known.holder(address)
    if holder is None:
        return _(
            "The address lies outside every registered segment. Check it, or ask network operations to register the segment."
        )
    if holder.organisation_id != known.own:
        return _("The address does not lie in a segment of your organisation.")
    return ""


def _is_refused(known: Known, line: DnsLine, address: str) -> bool:
    """Whether a federation may not learn about this address: the one that comes is refused, or it is another one's (ORG-02)."""
    if not known.is_federation or not _address_problem(known, address):
        return False
    return address == line.comes or known.holder(address) is not None


def _companion_problem(known: Known, line: DnsLine) -> str:
    if line.with_ptr and wildcard_parent(line.name):
        return _("A wildcard has no PTR record. Remove the tick.")
    for address in line.moving_addresses:
        if _is_refused(known, line, address):
            continue
        name = reverse_name(address)
        zone = known.zone_of(name)
        if zone is None or not zone.is_open:
            return _(
                "No zone for the reverse lookup of %(address)s is open. Remove the tick, or ask network operations to register it."
            ) % {"address": address}
        if known.is_open_elsewhere(name):
            return _("Another ticket that is not finished yet changes the PTR record of %(address)s.") % {
                "address": address
            }
        held = set_of(known.at(name), "PTR")
        if address == line.comes and held and line.name not in held.values:
            text = _(
                "The PTR record of %(address)s points at %(names)s. Remove the tick, or change that record first."
            )
            return text % {"address": address, "names": ", ".join(held.values)}
        if zone.name in known.missing:
            return _("The DNS servers do not hold the zone %(zone)s at present. Ask network operations.") % {
                "zone": zone.name
            }
    return ""


# --- Plans --------------------------------------------------------------------------------------------------------------
def plan_line(context: LineContext, line: DnsLine) -> Plan:
    """The record set before and after, the PTR that follows, and what the people who decide should see."""
    known = lookups.known(context)
    problems = [text for texts in check_line(context, line).values() for text in texts]
    if known.error is not None:
        return Plan(unavailable=known.error.code or "unavailable")
    if problems:
        return Plan(checks=tuple(map(_refused, problems)))
    changes = list(_changes(known, line))
    return Plan(changes=tuple(changes), checks=tuple(hints.of(known, line)))


def _changes(known: Known, line: DnsLine) -> Iterator[plans.Change]:
    def zone_name(name: str) -> str | None:
        zone = known.zone_of(name)
        return zone.name if zone else None

    own = zone_name(line.name)
    change = forward_change(own, line, known.at(line.name)) if own else None
    if change is not None:
        yield step(change, RECORDS)
    for companion in companion_changes(line, zone_name, known.at):
        yield step(companion, COMPANION)


def _refused(text: str) -> Check:
    return Check(
        code="refused", level=plans.BLOCKED, text=gettext_noop("%(reason)s"), values={"reason": text}
    )
