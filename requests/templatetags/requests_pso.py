"""What was read back when settings were taken back, for the page of their ticket: its report was written before (REQ-12)."""

from __future__ import annotations

from typing import Any

from django import template
from django.utils.translation import gettext as _

from portal.fulfilment.models import OperationStatus
from portal.workflow.models import ApplicationLine
from requests.password_settings.payloads import TAKE_BACK

register = template.Library()


@register.simple_tag
def pso_results(line: ApplicationLine) -> list[dict[str, Any]]:
    """The evidence of the end by the calendar: heading, numbers, the first accounts."""
    done = line.operations.filter(status=OperationStatus.DONE, step=TAKE_BACK).order_by("pk")
    return [_result(each.evidence) for each in done if each.evidence.get("settings")]


def _result(evidence: dict[str, Any]) -> dict[str, Any]:
    labels = (
        ("affected", _("Accounts affected")),
        ("expired", _("Passwords expired at once")),
        ("read_back_count", _("Accounts read back from Active Directory")),
    )
    heading = _("Taken back: what was read back")
    pairs = [(_("Name of the settings"), evidence["settings"])]
    pairs += [(label, evidence[name]) for name, label in labels if name in evidence]
    if evidence.get("removed_by_hand"):
        pairs.append((_("Remark"), _("Somebody had removed them by hand already.")))
    return {"heading": heading, "pairs": pairs, "rows": evidence.get("read_back", [])}
