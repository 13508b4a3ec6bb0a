"""From a line and what the servers hold to the changes of record sets, and between changes and plans (REQ-05)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from django.utils.translation import gettext_noop

from portal.gateways.dns import Change, Record, RecordSet, reverse_name, set_of
from portal.workflow import plans
from portal.workflow.plans import Plan
from requests.dns.payloads import Action, DnsLine

USUAL_TTL = 3600

RECORDS, COMPANION = gettext_noop("Records"), gettext_noop("PTR record that follows")
_TTL = " (TTL "


def wanted_set(line: DnsLine, found: RecordSet | None) -> RecordSet | None:
    """The record set after the line was carried out on `found`."""
    ttl = line.ttl or (found.ttl if found else USUAL_TTL)
    if line.action == Action.ADD:
        record = Record(line.name, line.type, ttl, line.value)
        return found.with_record(record) if found else RecordSet.of(record)
    if found is None:
        return None
    left = found.without(line.goes) if line.goes else found
    if line.action == Action.DELETE:
        return replace(left, ttl=ttl) if left else None
    record = Record(line.name, line.type, ttl, line.value)
    return left.with_record(record) if left else RecordSet.of(record)


def forward_change(zone: str, line: DnsLine, sets: Sequence[RecordSet]) -> Change | None:
    """What happens at the name itself; None when nothing would change."""
    before = set_of(sets, line.type)
    after = wanted_set(line, before)
    return None if before == after else Change.between(zone, before, after)


def companion_changes(
    line: DnsLine, zone_of: Callable[[str], str | None], at: Callable[[str], Sequence[RecordSet]]
) -> list[Change]:
    """The PTR records that follow: the one of the address that goes, and the one of the address that comes."""
    found: list[Change] = []
    for address in line.moving_addresses:
        name = reverse_name(address)
        zone = zone_of(name)
        if zone is None:
            continue
        before = set_of(at(name), "PTR")
        if address == line.goes:
            after = before.without(line.name) if before else None
        elif before is None:
            after = RecordSet.of(Record(name, "PTR", line.ttl or USUAL_TTL, line.name))
        else:
            after = before  # the address has a PTR; a check says whether it is this one
        if before != after:
            found.append(Change.between(zone, before, after))
    return found


# --- Plans ---------------------------------------------------------------------------------------------------------------
def step(change: Change, label: str) -> plans.Change:
    """A change as the plan shows it; `changes_of` reads it back exactly."""
    action = plans.CHANGE if change.before and change.after else plans.ADD if change.after else plans.REMOVE
    return plans.Change(
        action=action,
        label=label,
        attribute=f"{change.name} {change.type}",
        before=shown(change.before),
        after=shown(change.after),
    )


def changes_of(plan: Plan, zone_of: Callable[[str], str | None]) -> list[Change]:
    """The changes that an approved plan says. Raises LookupError when the zone of one is registered no more."""
    found = []
    for each in plan.changes:
        name, _, record_type = each.attribute.partition(" ")
        zone = zone_of(name)
        if zone is None:
            raise LookupError(name)
        before, after = (_read(name, record_type, side) for side in (each.before, each.after))
        found.append(Change.between(zone, before, after))
    return found


def shown(records: RecordSet | None) -> tuple[str, ...]:
    """A record set in words that can be read back."""
    return tuple(f"{value}{_TTL}{records.ttl})" for value in records.values) if records else ()


def _read(name: str, record_type: str, texts: Sequence[str]) -> RecordSet | None:
    pairs = [text.rpartition(_TTL) for text in texts]
    if not pairs:
        return None
    return RecordSet(name, record_type, int(pairs[0][2][:-1]), tuple(value for value, _, _ in pairs))


def inverse_line(change: Change) -> DnsLine:
    """The line that takes a change of one record back, prepared with it: values and TTL as they were (REQ-05)."""
    was, now = change.before, change.after
    come = sorted(set(was.values if was else ()) - set(now.values if now else ()))
    gone = sorted(set(now.values if now else ()) - set(was.values if was else ()))
    ttl = was.ttl if was and (now is None or was.ttl != now.ttl) else 0
    if come and gone:
        action, value, old_value = Action.CHANGE, come[0], gone[0]
    elif come:
        action, value, old_value = Action.ADD, come[0], ""
    elif gone:
        action, value, old_value = Action.DELETE, gone[0], ""
    else:  # the TTL alone
        kept = (was or now).values[0]  # type: ignore[union-attr]
        action, value, old_value = Action.CHANGE, kept, kept
    return DnsLine(
        action=action.value, type=change.type, name=change.name, value=value, old_value=old_value, ttl=ttl
    )
