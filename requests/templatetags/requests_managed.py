"""Words of lines about machines under a service."""

from __future__ import annotations

from django import template

from requests.managed.models import Category, Item
from requests.managed.payloads import Action

register = template.Library()


@register.filter
def managed_action(code: str) -> str:
    """What shall happen."""
    return str(Action(code).label)


@register.filter
def managed_category(code: str) -> str:
    """The kind of machine; "" for none."""
    return str(Category(code).label) if code else ""


@register.filter
def managed_items(codes: list[str]) -> str:
    """What is monitored."""
    return "、".join(str(Item(code).label) for code in codes)
