"""Where a notice in the portal's own list leads: rooms say it for the kinds of mail that are about no application."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from django.urls import NoReverseMatch, reverse

if TYPE_CHECKING:
    from portal.notices.models import Notice

Place = Callable[["Notice"], str]

_places: dict[str, Place] = {}


def provide(template: str, place: Place) -> None:
    """Name the address for one kind of mail; it is made from the notice alone, without a statement each."""
    _places[template] = place


def place_of(notice: Notice) -> str:
    """The address; "" when the notice leads nowhere. Permissions are judged where it leads."""
    if notice.application_number:
        return reverse("application_detail", args=[notice.application_number])
    place = _places.get(notice.template)
    if place is None:
        return ""
    try:
        return place(notice)
    except (KeyError, ValueError, NoReverseMatch):  # of an older version, with other values
        return ""
