"""Tags of the templates about computer objects."""

from __future__ import annotations

from typing import Any

from django import template

from requests.computers import selectors

register = template.Library()


@register.inclusion_tag("requests/_computer_object_card.html", takes_context=True)
def computer_object_card(context: dict[str, Any], computer: Any) -> dict[str, Any]:
    """The computer object of a machine as AD held it at the last reading, and what was applied for about it."""
    user = context["request"].user
    row = selectors.object_of(user, computer.organisation_id, computer.name)
    offered = selectors.offers(user, computer.organisation, row) if computer.kind.has_system else []
    applications = selectors.applications_of(user, computer.organisation_id, computer.name)
    return {
        "row": row,
        "computer": computer,
        "applications": list(applications[:3]),
        # A machine that was taken away gets no new object.
        "offers": offered if (row is not None and row.is_there) or computer.state == "IN_USE" else [],
    }
