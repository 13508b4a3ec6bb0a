"""Tags of the templates about machines and devices."""

from __future__ import annotations

from typing import Any

from django import template
from django.utils import timezone
from django.utils.translation import gettext as _

from devices.computers import checks
from devices.permits.source import DeviceKind, Grant
from devices.whitelist import oui
from devices.whitelist.addresses import shown_mac
from devices.whitelist.payloads import Action
from portal.orgs.models import Organisation
from portal.workflow.kinds import LineContext

register = template.Library()


@register.simple_tag
def computer_values(organisation: Organisation, payload: Any) -> list[tuple[str, tuple[str, ...]]]:
    """What a line says about a machine, in words; what is empty is left out."""
    context = LineContext(organisation=organisation, actor=None, application=None, today=timezone.localdate())
    values = checks.shown(context, checks.described(payload))
    return [(_(checks.LABELS[name]), value) for name, value in values.items() if name != "name" and value]


@register.simple_tag
def device_word(of: str, code: str) -> str:
    """A kind of device or a grant in words; the code itself in a draft that holds something else."""
    choices: Any = DeviceKind.choices if of == "kind" else Grant.choices
    return str(dict(choices).get(code, code))


@register.simple_tag
def whitelist_action(code: str) -> str:
    """What shall happen to an entry, in words."""
    return str(dict(Action.choices).get(code, code))


@register.filter
def mac(address: str) -> str:
    """A stored MAC address as people read it."""
    return shown_mac(address or "")


@register.simple_tag
def vendor(address: str) -> str:
    """Who made the network card; "" when that is not known."""
    return oui.vendor(address) if address else ""
