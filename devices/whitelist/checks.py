"""What must be true before an entry is written or ended, and what the application will change (MAC-01, MAC-05, MAC-06)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from ipaddress import ip_address, ip_network

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from devices.computers.forms import unknown_computer
from devices.whitelist import lookups, oui
from devices.whitelist.addresses import is_local, is_virtual, shown_mac
from devices.whitelist.fitness import lacks_agent, uncovered_reason
from devices.whitelist.forms import unknown_entry
from devices.whitelist.models import WhitelistEntry
from devices.whitelist.payloads import Action, WhitelistLine
from devices.whitelist.placement import Misplaced, place
from portal.workflow import plans
from portal.workflow.kinds import LineContext
from portal.workflow.plans import Change, Check, Plan
from portal.workflow.subjects import Subject

Errors = Mapping[str, Sequence[str]]


def reservation_of(payload: WhitelistLine) -> str:
    """What two open applications must not both hold: one MAC address over the country."""
    return f"mac:{payload.mac}" if payload.mac else ""


def subjects_of(payload: WhitelistLine) -> tuple[Subject, ...]:
    """The PC that the entry is for."""
    return (Subject(space="computer", key=payload.computer, label=payload.computer),)


def check_line(context: LineContext, payload: WhitelistLine) -> Errors:
    """Everything that forbids this line, by field. Form, file, REST and plan all ask here, so they cannot disagree."""
    lookups.known(context).read_live({m for m in (payload.mac, payload.old_mac) if m}, [payload.ip])
    if payload.action == Action.REMOVE:
        found = {"mac": _ending_problem(context, payload, payload.mac)}
    else:
        old = _ending_problem(context, payload, payload.old_mac) if payload.action == Action.REPLACE else ""
        found = {
            "computer": machine_problem(context, payload.computer),
            "old_mac": old,
            "mac": _mac_problem(context, payload),
            "ip": _ip_problem(context, payload),
            "valid_until": _validity_problem(context, payload),
        }
    return {field: [text] for field, text in found.items() if text}


def machine_problem(context: LineContext, name: str) -> str:
    """Why this machine gets no entry; "" when it can have one."""
    computer = lookups.machine(context, name)
    return uncovered_reason(computer, context.today) if computer is not None else unknown_computer()


def _ending_problem(context: LineContext, payload: WhitelistLine, mac: str) -> str:
    known = lookups.known(context)
    if known.own_entry(mac) is None:
        return unknown_entry()
    # What a replacement keeps is told at its own field.
    if (mac != payload.mac or payload.action == Action.REMOVE) and known.is_open_mac(mac):
        return _open_application()
    if known.first_ending(payload) is not payload:
        return _("Another line of this application already ends this entry.")
    return ""


def _mac_problem(context: LineContext, payload: WhitelistLine) -> str:
    known = lookups.known(context)
    if is_local(payload.mac) and not known.accepted_reason(payload.mac):
        return _(
            "This is a locally administered address, made up by software (often at random). Turn that off and read the fixed address; if there is none, ask network operations to accept it with the reason."
        )
    entry = known.by_mac[payload.mac]
    if entry is not None and not known.ends_before(entry, payload):
        if entry.organisation_id == context.organisation.pk:
            text = _("This MAC address is on the whitelist already (%(computer)s). Choose replacement.")
            return text % {"computer": entry.computer.name}
        return _(
            "This MAC address is already on the whitelist of the common network. Read it from the machine again."
        )
    return _open_application() if known.is_open_mac(payload.mac) else ""


def _ip_problem(context: LineContext, payload: WhitelistLine) -> str:
    known = lookups.known(context)
    try:
        place(payload.ip, organisation_id=context.organisation.pk, segments=known.segments)
    except Misplaced as error:
        return error.reason
    entry = known.by_ip[payload.ip]
    if entry is not None and not known.ends_before(entry, payload):
        if entry.organisation_id == context.organisation.pk:
            text = _(
                "This IP address has an entry already (%(computer)s). Choose replacement, or another address."
            )
            return text % {"computer": entry.computer.name}
        return _("This IP address has an entry in the common network already. Choose another one.")
    first = known.first_with_ip(payload)
    if first is not payload:
        text = _("Another line of this application already has this IP address (%(mac)s).")
        return text % {"mac": shown_mac(first.mac)}
    return _open_application() if known.is_open_ip(payload.ip) else ""


def _validity_problem(context: LineContext, payload: WhitelistLine) -> str:
    if payload.last_day is not None and payload.last_day < context.today:
        return _("This date has passed. Choose today or a later date.")
    return ""


def _open_application() -> str:
    return _("Another application that is not finished yet already names this address.")


# --- Plans --------------------------------------------------------------------------------------------------------------
LABELS: Mapping[str, str] = {
    "computer": gettext_noop("Computer name"),
    "mac": gettext_noop("MAC address"),
    "ip": gettext_noop("IP address"),
    "valid_until": gettext_noop("Last day"),
}


def plan_line(context: LineContext, payload: WhitelistLine) -> Plan:
    """The entry that comes, the one that ends, and what the people who decide should see."""
    known = lookups.known(context)
    ending = known.own_entry(payload.ends) if payload.ends else None
    return Plan(
        changes=tuple(_changes(payload, ending)),
        checks=tuple(_checks(context, payload)),
    )


def _changes(payload: WhitelistLine, ending: WhitelistEntry | None) -> Iterator[Change]:
    before = _values(ending) if ending is not None else dict.fromkeys(LABELS, "")
    after = dict.fromkeys(LABELS, "")
    if payload.action != Action.REMOVE:
        after = {name: getattr(payload, name) for name in LABELS} | {"mac": shown_mac(payload.mac)}
    for name, label in LABELS.items():
        if before[name] or after[name]:
            action = (
                plans.CHANGE if before[name] and after[name] else plans.ADD if after[name] else plans.REMOVE
            )
            yield Change(
                action=action,
                label=label,
                before=(before[name],) if before[name] else (),
                after=(after[name],) if after[name] else (),
            )


def _values(entry: WhitelistEntry) -> dict[str, str]:
    day = entry.valid_until.isoformat() if entry.valid_until else ""
    return {"computer": entry.computer.name, "mac": entry.shown_mac, "ip": entry.ip, "valid_until": day}


def _checks(context: LineContext, payload: WhitelistLine) -> Iterator[Check]:
    problems = [text for texts in check_line(context, payload).values() for text in texts]
    for text in problems:
        yield Check(
            code="refused", level=plans.BLOCKED, text=gettext_noop("%(reason)s"), values={"reason": text}
        )
    if problems or payload.action == Action.REMOVE:
        return
    yield Check(
        code="addresses_free",
        level=plans.PASSED,
        text=gettext_noop("No live entry and no other open application in the country has these addresses."),
        values={},
    )
    yield _vendor_check(context, payload)
    if is_virtual(payload.mac):
        text = gettext_noop(
            "The address belongs to a virtual network card. The whitelist is of machines that stand somewhere."
        )
        yield Check(code="virtual", level=plans.WARNING, text=text, values={})
    yield from _machine_hints(context, payload)


def _vendor_check(context: LineContext, payload: WhitelistLine) -> Check:
    """Who made the network card: a hint, never a reason to refuse (MAC-06)."""
    if is_local(payload.mac):
        reason = lookups.known(context).accepted_reason(payload.mac)
        text = gettext_noop("Locally administered address, accepted by network operations: %(reason)s")
        return Check(code="local", level=plans.WARNING, text=text, values={"reason": reason})
    vendor = oui.vendor(payload.mac)
    if not vendor:
        text = gettext_noop("The maker of the network card is not known. Check the address once more.")
        return Check(code="vendor_unknown", level=plans.WARNING, text=text, values={})
    text = gettext_noop("Maker of the network card: %(vendor)s")
    return Check(code="vendor", level=plans.PASSED, text=text, values={"vendor": vendor})


def _machine_hints(context: LineContext, payload: WhitelistLine) -> Iterator[Check]:
    computer = lookups.machine(context, payload.computer)
    if computer is None:
        return
    if lacks_agent(computer):
        text = gettext_noop(
            "The machine has no quarantine agent: it is cut off although it is permitted (T 2-39 no. 3)."
        )
        yield Check(code="no_agent", level=plans.WARNING, text=text, values={})
    segment = computer.segment
    if segment is not None and ip_address(payload.ip) not in ip_network(segment.network):
        text = gettext_noop("The register of machines has the segment %(network)s for this machine.")
        yield Check(code="other_segment", level=plans.WARNING, text=text, values={"network": segment.network})
