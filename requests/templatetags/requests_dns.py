"""Tags of the templates about DNS tickets."""

from __future__ import annotations

from typing import Any

from django import template

from portal.fulfilment.models import Operation
from portal.workflow.models import ApplicationLine
from requests.dns.payloads import Action
from requests.zones.owners import TARGET

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
