"""What the people who decide on a DNS ticket should see besides the change itself. Nothing here forbids."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from django.utils.translation import gettext_noop, ngettext

from portal.gateways.dns import reverse_name, set_of
from portal.gateways.dns_rules import wildcard_parent
from portal.workflow import plans
from portal.workflow.plans import Check
from requests.dns.changing import wanted_set
from requests.dns.lookups import POINTING, Known
from requests.dns.payloads import ADDRESS_TYPES, Action, DnsLine

_SHOWN = 5


def of(known: Known, line: DnsLine) -> Iterator[Check]:
    """All of them, what is well first."""
    yield Check(
        code="records_as_said",
        level=plans.PASSED,
        text=gettext_noop("The records are as the application says, and no other open ticket names them."),
        values={},
    )
    yield _old_answers(known, line)
    yield from _address(known, line)
    yield from _companion(known, line)
    yield from _target(known, line)
    yield from _pointing(known, line)
    yield from _wildcard(known, line)


def _old_answers(known: Known, line: DnsLine) -> Check:
    """For how long others may go on with what they were told before."""
    held = set_of(known.at(line.name), line.type)
    zone = known.zone_of(line.name)
    seconds = held.ttl if held else (zone.negative_ttl if zone else None) or 0
    count = -(-seconds // 60)
    if not seconds:
        text = gettext_noop(
            "How long the old answer may live is not known yet: the zone was not read so far."
        )
        return Check(code="old_answers", level=plans.PASSED, text=text, values={})
    duration = ngettext("%(count)d minute", "%(count)d minutes", count) % {"count": count}
    text = gettext_noop(
        "Machines that asked before may keep the old answer for up to %(duration)s after the change."
    )
    return Check(code="old_answers", level=plans.PASSED, text=text, values={"duration": duration})


def _address(known: Known, line: DnsLine) -> Iterator[Check]:
    if line.type not in ADDRESS_TYPES or not line.comes:
        return
    holder = known.holder(line.comes)
    if holder is None:
        text = gettext_noop("The address lies outside every registered segment.")
        yield Check(code="outside", level=plans.WARNING, text=text, values={})
    elif not holder.is_own_system:
        text = gettext_noop(
            "%(network)s is no segment of a 独自処理システム. DNS records are mainly for its equipment (T 2-15 no. 5)."
        )
        yield Check(code="no_own_system", level=plans.WARNING, text=text, values={"network": holder.network})


def _companion(known: Known, line: DnsLine) -> Iterator[Check]:
    """A PTR record that nobody asked for is not made, and one that is left behind points at nothing."""
    if line.type not in ADDRESS_TYPES or line.with_ptr or wildcard_parent(line.name):
        return
    goes, comes = (reverse_name(address) if address else "" for address in (line.goes, line.comes))
    held = set_of(known.at(goes), "PTR") if goes and goes not in known.named else None
    if held and line.name in held.values:
        text = gettext_noop("The PTR record of %(address)s stays and goes on pointing at this name.")
        yield Check(code="ptr_stays", level=plans.WARNING, text=text, values={"address": line.goes})
    is_new = comes and line.comes != line.old_value and comes not in known.named
    if is_new and known.zone_of(comes) and set_of(known.at(comes), "PTR") is None:
        text = gettext_noop("No PTR record is made for %(address)s.")
        yield Check(code="no_ptr", level=plans.WARNING, text=text, values={"address": line.comes})


def _target(known: Known, line: DnsLine) -> Iterator[Check]:
    """A record that points at a name nobody has."""
    if not line.comes or line.type not in POINTING:
        return
    target = line.comes.split()[-1]
    if known.zone_of(target) is None:
        text = gettext_noop("%(name)s lies in no registered zone: whether it exists was not looked at.")
        yield Check(code="target_elsewhere", level=plans.WARNING, text=text, values={"name": target})
    elif not known.at(target) and not known.wildcard_for(target):
        text = gettext_noop("There is no record at %(name)s, at which this one points.")
        yield Check(code="target_missing", level=plans.WARNING, text=text, values={"name": target})


def _pointing(known: Known, line: DnsLine) -> Iterator[Check]:
    """What points at a name that goes, as the register knows it; records of others by their number only (ORG-02)."""
    held = set_of(known.at(line.name), line.type)
    others = [found for found in known.at(line.name) if found is not held]
    if line.action != Action.DELETE or others or wanted_set(line, held) is not None:
        return
    if wildcard_parent(line.name):
        return  # nothing points at a wildcard itself
    left_out = {reverse_name(address) for address in line.moving_addresses}
    rows = [row for row in known.pointing_at(line.name) if row.name not in left_out]
    own = [row for row in rows if row.organisation_id == known.own or not known.is_federation]
    if rows:
        words = _some([f"{row.name} {row.type}" for row in own], len(rows))
        text = gettext_noop("These records point at the name and will lead nowhere: %(records)s")
        yield Check(code="pointing", level=plans.WARNING, text=text, values={"records": words})
    else:
        text = gettext_noop("No record of the registered zones points at the name.")
        yield Check(code="pointing", level=plans.PASSED, text=text, values={})


def _wildcard(known: Known, line: DnsLine) -> Iterator[Check]:
    """For whom a wildcard speaks, and who speaks for a name before and after: no other record does it so silently."""
    if wildcard_parent(line.name):
        yield from _as_wildcard(known, line)
        return
    sets = known.wildcard_for(line.name)
    held = known.at(line.name)
    is_last = [each.type for each in held] == [line.type] and wanted_set(line, held[0]) is None
    if not sets or not (is_last or not held):
        return
    if not known.may_name(sets[0].name):
        yield _foreign_wildcard(is_last=is_last)
        return
    values = {"wildcard": sets[0].name, "types": ", ".join(each.type for each in sets)}
    text = gettext_noop(
        "Until now the wildcard %(wildcard)s (%(types)s) answers for this name. Once the name has a record of its own, no record of the wildcard counts for it."
    )
    if is_last:
        text = gettext_noop(
            "The name does not vanish: from then on the wildcard %(wildcard)s (%(types)s) answers for it."
        )
    yield Check(code="wildcard_above", level=plans.WARNING, text=text, values=values)


def _foreign_wildcard(*, is_last: bool) -> Check:
    """A federation is told that there is one, not which (ORG-02)."""
    text = gettext_noop(
        "Until now a wildcard that is not known as your organisation's answers for this name. Once the name has a record of its own, no record of the wildcard counts for it."
    )
    if is_last:
        text = gettext_noop(
            "The name does not vanish: from then on a wildcard that is not known as your organisation's answers for it."
        )
    return Check(code="wildcard_above", level=plans.WARNING, text=text, values={})


def _as_wildcard(known: Known, line: DnsLine) -> Iterator[Check]:
    parent, below = wildcard_parent(line.name), known.below(line.name)
    text = gettext_noop(
        "A wildcard: it answers for every name below %(parent)s at which nothing stands, also for one that somebody mistyped."
    )
    yield Check(code="wildcard", level=plans.WARNING, text=text, values={"parent": parent})
    if below:
        own = [name for name, holder in below if holder == known.own or not known.is_federation]
        text = gettext_noop(
            "These names below %(parent)s have records of their own and stay as they are: %(names)s"
        )
        values = {"parent": parent, "names": _some(own, len(below))}
        yield Check(code="wildcard_below", level=plans.PASSED, text=text, values=values)


def _some(own: Sequence[str], count: int) -> str:
    """The first of what the federation may read, and how many more there are (ORG-02)."""
    words = list(own[:_SHOWN])
    if rest := count - len(words):
        words.append(ngettext("%(count)d more", "%(count)d more", rest) % {"count": rest})
    return ", ".join(words)
