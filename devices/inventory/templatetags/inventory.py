"""The cards that the pages of a device and of a machine show about the inventories."""

from __future__ import annotations

from typing import Any

from django import template

from devices.computers.models import Computer
from devices.inventory import selectors
from devices.permits.models import Device

register = template.Library()
_SHOWN = 12


@register.inclusion_tag("inventory/_card.html", takes_context=True)
def inventory_card(context: dict[str, Any], subject: Device | Computer) -> dict[str, Any]:
    """What the inventories found out about a device, or about the devices of a machine."""
    user = context["request"].user
    if isinstance(subject, Device):
        lines = selectors.lines_of_device(user, subject)
    else:
        lines = selectors.lines_of_computer(user, subject)
    return {"lines": list(lines[:_SHOWN]), "is_device": isinstance(subject, Device)}
