"""What must be true before a segment is allotted or given back, and what the application will change (REQ-09)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from ipaddress import IPv4Address, IPv4Network

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from portal.workflow import plans
from portal.workflow.kinds import LineContext
from portal.workflow.plans import Change, Check, Plan
from requests.networks import pool
from requests.networks.models import Use
from requests.networks.payloads import Action, NetworkLine
from requests.zones.models import DnsRecord

Errors = Mapping[str, Sequence[str]]
_AHEAD = 366  # days


def check_line(context: LineContext, line: NetworkLine) -> Errors:
    """Everything that forbids this line, by field."""
    problems = {"on": _day_problem(context, line)}
    if line.action == Action.GIVE_BACK:
        problems["network"] = "" if _held(context, line) else _("Your organisation holds no such segment.")
    elif pool.prefecture_of(context.organisation) is None:
        problems["use"] = _("The figures name no segments for this organisation.")
    elif not _free(context, line):
        problems["size"] = _(
            "No segment of this use and size is free. Give one back, choose another size, or ask the central association."
        )
    return {field: [text] for field, text in problems.items() if text}


def plan_line(context: LineContext, line: NetworkLine) -> Plan:
    """What the register of segments will hold; which segment it is, the central association says after the approval."""
    problems = check_line(context, line)
    blocked = tuple(
        Check(code=field, level=plans.BLOCKED, text=gettext_noop("%(reason)s"), values={"reason": texts[0]})
        for field, texts in problems.items()
    )
    if line.action == Action.TAKE:
        wanted = f"{Use(line.use).label} /{line.size}"
        change = Change(
            action=plans.ADD,
            label=gettext_noop("Segment of a 独自処理システム"),
            after=(wanted, line.purpose, line.on),
        )
        free = Check(
            code="segment_free",
            level=plans.PASSED,
            text=gettext_noop("A segment of this use and size is free"),
            values={},
        )
        return Plan(changes=(change,), checks=blocked or (free,))
    change = Change(
        action=plans.REMOVE,
        label=gettext_noop("Segment of a 独自処理システム"),
        before=(line.network,),
        after=(line.on,),
    )
    return Plan(changes=(change,), checks=(*blocked, *_records_inside(context, line)))


def reservation_of(line: NetworkLine) -> str:
    """Two open applications never give back the same segment."""
    return f"network:{line.network}" if line.action == Action.GIVE_BACK else ""


def _day_problem(context: LineContext, line: NetworkLine) -> str:
    if line.day < context.today:
        return _("Choose today or a later day.")
    if (line.day - context.today).days > _AHEAD:
        return _("Choose a day within one year.")
    return ""


def _held(context: LineContext, line: NetworkLine) -> bool:
    held = pool.own_segments(context.organisation, context.today)
    return any(each.network == line.network for each in held)


def _free(context: LineContext, line: NetworkLine) -> bool:
    return bool(pool.candidates(context.organisation, line.use, line.size, context.today))


def _records_inside(context: LineContext, line: NetworkLine) -> tuple[Check, ...]:
    """DNS records that still point into the segment: told, not refused, for they may be taken away until that day."""
    try:
        network = IPv4Network(line.network)
    except ValueError:
        return ()
    stem = ".".join(str(network.network_address).split(".")[:3])
    rows = DnsRecord.system.filter(organisation=context.organisation, type="A", value__startswith=f"{stem}.")
    inside = sorted({row.name for row in rows if IPv4Address(row.value) in network})
    if not inside:
        text = gettext_noop("No DNS record points into the segment")
        return (Check(code="dns_records", level=plans.PASSED, text=text, values={}),)
    return (
        Check(
            code="dns_records",
            level=plans.WARNING,
            text=gettext_noop("DNS records still point into the segment: %(names)s"),
            values={"names": "、".join(inside[:10])},
        ),
    )
