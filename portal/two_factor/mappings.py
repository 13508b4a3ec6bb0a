"""The mapping in force, and its history: who changed it when (ADR 0014)."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from django.utils.translation import gettext as _

from portal.fulfilment import mappings
from portal.fulfilment.errors import NotAllowed
from portal.orgs.models import User
from portal.orgs.permissions import RUN_OPERATIONS
from portal.two_factor.layout import REFERENCE, Layout, format_problem
from portal.two_factor.models import ExchangeMapping


@dataclass
class InvalidMapping(Exception):
    """What is wrong with a mapping: sentences per column (its index) and per other field (its name; "" for the whole)."""

    columns: dict[int, str] = field(default_factory=dict)
    fields: dict[str, str] = field(default_factory=dict)


def current_mapping() -> ExchangeMapping | None:
    """The newest mapping; None while nobody has changed the one that the portal brings."""
    return mappings.newest(ExchangeMapping)


def layout_of(mapping: ExchangeMapping | None) -> Layout:
    """The layout that a mapping describes."""
    return Layout.from_json(mapping.definition) if mapping else Layout()


def check_layout(layout: Layout) -> None:
    """Raise InvalidMapping unless files written with this layout can be answered."""
    problems = InvalidMapping()
    seen: set[str] = set()
    for index, column in enumerate(layout.columns):
        text = format_problem(column.field, column.format)
        if not column.heading:
            text = _("Enter a heading for this column.")
        elif column.heading in seen:
            text = _("Two columns have this heading. Choose another one.")
        if text:
            problems.columns[index] = text
        seen.add(column.heading)
    if REFERENCE not in {column.field for column in layout.columns}:
        text = _(
            "Choose the reference for one column. Without it no acknowledgement can be matched with its row."
        )
        problems.fields[""] = text
    _check_answers(layout, problems)
    if problems.columns or problems.fields:
        raise problems


def _check_answers(layout: Layout, problems: InvalidMapping) -> None:
    answers = layout.answers
    both = set(answers.done) & set(answers.refused)
    if both:
        text = _("These results cannot mean done and refused at once: %(values)s")
        problems.fields["refused"] = text % {"values": ", ".join(sorted(both))}
    if not answers.has_header:
        for name in ("key", "result", "reason"):
            value = getattr(answers, name)
            if value and not (value.isdecimal() and int(value) > 0):
                problems.fields[name] = _("Without headings, enter the number of the column, from 1.")
    if len(set(layout.actions.values())) < len(layout.actions):
        problems.fields["actions"] = _(
            "Two kinds of change have the same text. The other system could not tell them apart."
        )


def save_mapping(*, actor: User, layout: Layout, seen: int | None, now: datetime) -> ExchangeMapping:
    """Put a mapping in force for the batches from now on; those that exist keep theirs.

    `seen` is the mapping that the person changed. Raises NotAllowed, InvalidMapping, MappingChanged.
    """
    if not actor.may(RUN_OPERATIONS):
        raise NotAllowed("only people of operations change the mapping")
    check_layout(layout)
    return mappings.put_in_force(
        ExchangeMapping, "exchange", layout.to_json(), seen=seen, actor=actor, now=now
    )
