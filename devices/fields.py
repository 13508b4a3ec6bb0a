"""What the forms of this app share beside portal.common.choices."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from django.utils.translation import gettext_lazy

from portal.common.choices import ReasonedChoiceField, WordsField, folded, listed
from portal.common.text import hyphenated
from portal.orgs.models import Organisation

__all__ = ["NOT_OFFERED", "ReasonedChoiceField", "WordsField", "folded", "identifier", "listed", "once"]

T = TypeVar("T")
identifier = hyphenated


def once(organisation: Organisation, name: str, make: Callable[[], T]) -> T:
    """What all lines of one page share, read once: kept on the organisation object that the page loaded."""
    kept = organisation.__dict__.setdefault("_device_lines", {})
    if name not in kept:
        kept[name] = make()
    return kept[name]  # type: ignore[no-any-return]


NOT_OFFERED = gettext_lazy("Choose one of the entries that are valid today.")
