"""Tags of the templates about machines and devices."""

from __future__ import annotations

from typing import Any

from django import template
from django.utils import timezone
from django.utils.translation import gettext as _

from devices.computers import checks
from portal.orgs.models import Organisation
from portal.workflow.kinds import LineContext

register = template.Library()


@register.simple_tag
def computer_values(organisation: Organisation, payload: Any) -> list[tuple[str, tuple[str, ...]]]:
    """What a line says about a machine, in words; what is empty is left out."""
    context = LineContext(organisation=organisation, actor=None, application=None, today=timezone.localdate())
    values = checks.shown(context, checks.described(payload))
    return [(_(checks.LABELS[name]), value) for name, value in values.items() if name != "name" and value]
