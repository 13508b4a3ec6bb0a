"""The mapping of the CSV file that is in force, and its history: who changed it when."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from devices.guard import waking
from devices.guard.layout import Layout, problem_of
from devices.guard.models import ExportMapping
from devices.guard.modes import NotAllowed
from portal.fulfilment import mappings
from portal.orgs.models import User
from portal.orgs.permissions import RUN_OPERATIONS


@dataclass
class InvalidMapping(Exception):
    """What is wrong: sentences per column (its index), and for the whole."""

    columns: dict[int, str] = field(default_factory=dict)
    whole: str = ""


def current_mapping() -> ExportMapping | None:
    """The newest; None while nobody has changed the one that the portal brings."""
    return mappings.newest(ExportMapping)


def layout_of(mapping: ExportMapping | None) -> Layout:
    """The layout that a mapping describes."""
    return Layout.from_json(mapping.definition) if mapping else Layout()


def check_layout(layout: Layout) -> None:
    """Raise InvalidMapping unless the file names both addresses and every column can be written."""
    problems, seen = InvalidMapping(), set[str]()
    for index, column in enumerate(layout.columns):
        text = problem_of(column) or _heading_problem(column.heading, layout.encoding)
        text = text or _format_problem(column.format, layout.encoding)
        if column.heading in seen:
            text = _("Two columns have this heading. Choose another one.")
        if text:
            problems.columns[index] = text
        seen.add(column.heading)
    if not {"mac", "ip"} <= {column.field for column in layout.columns}:
        problems.whole = _(
            "The file must hold the MAC address and the IP address: they are permitted together."
        )
    if problems.columns or problems.whole:
        raise problems


def _heading_problem(heading: str, encoding: str) -> str:
    if not heading:
        return _("Enter a heading for this column.")
    try:
        heading.encode(encoding)
    except UnicodeEncodeError:
        return _("The heading cannot be written in the encoding of the file.")
    return ""


def _format_problem(text: str, encoding: str) -> str:
    """A fixed text that cannot be written would stop every file, and with it the removals."""
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        return _("This text cannot be written in the encoding of the file.")
    return ""


@transaction.atomic
def save_mapping(*, actor: User, layout: Layout, seen: int | None, now: datetime) -> ExportMapping:
    """Put a mapping in force from the next file on. `seen` is the one that the person changed.

    Raises NotAllowed, InvalidMapping, MappingChanged.
    """
    if not actor.may(RUN_OPERATIONS):
        raise NotAllowed("only people of operations change the mapping")
    check_layout(layout)
    made = mappings.put_in_force(ExportMapping, "guard", layout.to_json(), seen=seen, actor=actor, now=now)
    waking.ring_for_all()
    return made
