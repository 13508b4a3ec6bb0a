"""Tags of the templates about machines and devices."""

from __future__ import annotations

from typing import Any

from django import template
from django.utils import timezone
from django.utils.translation import gettext as _

from devices.computers import checks
from devices.permits.source import DeviceKind, Grant
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
