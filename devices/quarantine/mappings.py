"""The mapping in force, and its history: who changed it when."""

from __future__ import annotations

from datetime import datetime

from django.utils.translation import gettext as _

from devices.fields import folded
from devices.quarantine.layout import REQUIRED, Layout
from devices.quarantine.models import QuarantineMapping
from portal.fulfilment import mappings
from portal.orgs.models import User
from portal.orgs.permissions import RUN_OPERATIONS


class NotAllowed(Exception):
    """Only people of operations do this."""


class InvalidMapping(Exception):
    """Files could not be read with it; `problems` are sentences by field."""

    def __init__(self, problems: dict[str, str]) -> None:
        super().__init__(problems)
        self.problems = problems


def current_mapping() -> QuarantineMapping | None:
    """The newest; None while nobody has changed the one that the portal brings."""
    return mappings.newest(QuarantineMapping)


def layout_of(mapping: QuarantineMapping | None) -> Layout:
    """The layout that a mapping describes."""
    return Layout.from_json(mapping.definition) if mapping else Layout()


def check_layout(layout: Layout) -> None:
    """Raise InvalidMapping unless rows name a machine, a result and a moment, and no heading or word says two things."""
    problems: dict[str, str] = {}
    if not layout.headings.get("name") and not layout.headings.get("mac"):
        problems["name"] = _("Enter the heading of the computer name or of the MAC address.")
    for name in REQUIRED:
        if not layout.headings.get(name):
            problems[name] = _("Enter the heading of this column.")
    seen: set[str] = set()
    for name, heading in layout.headings.items():
        if heading and folded(heading) in seen:
            problems[name] = _("Two columns have this heading. Choose another one.")
        seen.add(folded(heading))
    for name, yes, no in (("unfit", layout.fit, layout.unfit), ("bad", layout.good, layout.bad)):
        if {folded(word) for word in yes} & {folded(word) for word in no}:
            problems[name] = _("A word cannot mean both.")
    if problems:
        raise InvalidMapping(problems)


def save_mapping(*, actor: User, layout: Layout, seen: int | None, now: datetime) -> QuarantineMapping:
    """Put a mapping in force from the next file on. Raises NotAllowed, InvalidMapping, MappingChanged."""
    if not actor.may(RUN_OPERATIONS):
        raise NotAllowed("only people of operations change the mapping")
    check_layout(layout)
    return mappings.put_in_force(
        QuarantineMapping, "quarantine", layout.to_json(), seen=seen, actor=actor, now=now
    )
