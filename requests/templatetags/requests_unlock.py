"""What the templates of account unlocks need."""

from __future__ import annotations

from django import template
from django.utils.safestring import SafeString

from requests.unlock import tables

register = template.Library()


@register.simple_tag
def repeated_mark() -> SafeString:
    """Several unlocks in short time."""
    return tables.repeated_mark()
