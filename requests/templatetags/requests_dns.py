"""Tags of the templates about DNS tickets."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django import template

from portal.fulfilment.models import Operation
from portal.gateways.dns import reverse_name
from portal.orgs.permissions import APPLY, READ_DNS
from portal.workflow.models import ApplicationLine
from requests.dns.payloads import Action
from requests.zones import selectors
from requests.zones.owners import KIND, TARGET

register = template.Library()


@register.simple_tag
def dns_action(code: str) -> str:
    """What shall happen to a record, in words."""
    return str(dict(Action.choices).get(code, code))


@register.simple_tag
def dns_answers(line: ApplicationLine) -> list[dict[str, Any]]:
    """What the servers answered after the change: the evidence of the result report (REQ-12)."""
    if not line.pk or not line.result.get(TARGET):
        return []
    operation = Operation.system.filter(line_id=line.pk, target=TARGET, step="").first()
    return list(operation.evidence.get("answers", [])) if operation else []


@register.inclusion_tag("requests/_dns_card.html", takes_context=True)
def dns_card(context: dict[str, Any], computer: Any, entries: Iterable[Any]) -> dict[str, Any]:
    """What DNS knows about a machine: its name in every zone that the person sees, its addresses in both directions.

    `entries` are its whitelist entries, of which the live ones count. Two statements, however many there are.
    """
    user = context["request"].user
    if not user.may(READ_DNS):
        return {"shown": False}
    host = computer.name.lower()
    zones = [zone.name for zone in selectors.zones(user).filter(valid_until=None)]
    forward = [zone for zone in zones if not zone.endswith(".arpa")]
    addresses = sorted({entry.ip for entry in entries if entry.ended_at is None})
    names = [f"{host}.{zone}" for zone in forward] + [reverse_name(address) for address in addresses]
    found = selectors.records_about(user, names, addresses, organisation_id=computer.organisation_id)
    may_apply = forward and computer.state == "IN_USE" and user.may(APPLY, computer.organisation_id)
    return {
        "shown": True,
        "records": list(found),
        "kind": KIND,
        "computer": computer,
        "apply_for": f"{host}.{min(forward, key=len)}" if may_apply else "",
        "address": addresses[0] if addresses else "",
    }
