"""Mappings of files that other systems lay out: data that operations edit, insert-only, the newest in force.

What a mapping says, and what is wrong with one, belongs to the room whose files it describes.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from django.db import connection, models, transaction

from portal.orgs.models import User
from portal.trail import services as trail

Mapping = TypeVar("Mapping", bound=models.Model)


class MappingChanged(Exception):
    """Somebody saved another mapping since the page was opened."""


@dataclass(frozen=True, kw_only=True)
class Column:
    """One column of a file."""

    heading: str
    field: str
    format: str = ""


def newest(model: type[Mapping]) -> Mapping | None:
    """The mapping in force; None while nobody has changed the one that the portal brings."""
    found: Mapping | None = model._default_manager.select_related("made_by").first()
    return found


def seen_of(posted: str) -> int | None:
    """Which mapping the page showed, as it sends it back; None for the portal's own, and for what is no number."""
    return int(posted) if posted.isdecimal() and len(posted) < 19 else None


@transaction.atomic
def put_in_force(
    model: type[Mapping], name: str, definition: Any, *, seen: int | None, actor: User, now: datetime
) -> Mapping:
    """A new newest mapping. `seen` is the one that the person changed, `name` what the trail calls the files.

    The caller has looked at the person and at the definition. Raises MappingChanged.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"mapping {name}"])
    current = newest(model)
    if (current.pk if current else None) != seen:
        raise MappingChanged
    made = model._default_manager.create(definition=definition, made_by=actor, made_at=now)
    trail.record(
        action=f"{name}.mapping",
        now=now,
        actor=actor,
        object_type=f"{name}_mapping",
        object_id=made.pk,
        detail={"before": seen},
    )
    return made
