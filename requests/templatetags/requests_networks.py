"""Words of an application for a segment."""

from __future__ import annotations

from django import template

from requests.networks.models import Use
from requests.networks.payloads import Action

register = template.Library()


@register.simple_tag
def network_action(value: str) -> str:
    """What shall happen, in words."""
    return str(Action(value).label)


@register.simple_tag
def network_use(value: str) -> str:
    """For whom, in words."""
    return str(Use(value).label)
