"""The mapping in force, and its history: who changed it when (DEV-13, ADR 0022)."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime

from django.utils.translation import gettext as _

from devices.exchange.errors import NotAllowed
from devices.exchange.layout import FIELDS, LABELS, REQUIRED, WORDS, Layout
from devices.exchange.models import SkyseaMapping
from devices.fields import folded
from portal.common.csvfile import FORMULA_SIGNS
from portal.fulfilment import mappings
from portal.orgs.models import User
from portal.orgs.permissions import RUN_OPERATIONS


@dataclass
class InvalidMapping(Exception):
    """What is wrong with a mapping: a sentence per (file, field) or (group of words, code)."""

    columns: dict[tuple[str, str], str] = field(default_factory=dict)
    words: dict[tuple[str, str], str] = field(default_factory=dict)


def current_mapping() -> SkyseaMapping | None:
    """The newest mapping; None while nobody has changed the one that the portal brings."""
    return mappings.newest(SkyseaMapping)


def layout_of(mapping: SkyseaMapping | None) -> Layout:
    """The layout that a mapping describes."""
    return Layout.from_json(mapping.definition) if mapping else Layout()


def current_layout() -> Layout:
    """The layout in force."""
    return layout_of(current_mapping())


def check_layout(layout: Layout) -> None:
    """Raise InvalidMapping unless files can be written and read with this layout."""
    problems = InvalidMapping()
    _check_columns(layout, problems)
    _check_words(layout, problems)
    if problems.columns or problems.words:
        raise problems


def _check_columns(layout: Layout, problems: InvalidMapping) -> None:
    for of, names in FIELDS.items():
        headings = {column.field: column.heading for column in layout.columns[of]}
        counts = Counter(folded(heading) for heading in headings.values())
        for name in names:
            heading = headings.get(name, "")
            if not heading and name in REQUIRED[of]:
                text = _("This file says nothing without the column “%(label)s”. Enter its heading.")
                problems.columns[of, name] = text % {"label": LABELS[name]}
            elif heading and counts[folded(heading)] > 1:
                problems.columns[of, name] = _("Two columns have this heading. Choose another one.")
            elif heading.startswith(FORMULA_SIGNS):
                problems.columns[of, name] = _("A heading cannot begin like a formula.")


def _check_words(layout: Layout, problems: InvalidMapping) -> None:
    for of, (_label, codes) in WORDS.items():
        meanings = Counter(folded(word) for words in layout.words[of].values() for word in set(words))
        for code in codes:
            words = layout.words[of].get(code, ())
            if not words:
                problems.words[of, code] = _("Enter at least one word.")
            elif any(meanings[folded(word)] > 1 for word in words):
                problems.words[of, code] = _("One word cannot have two meanings.")


def save_mapping(*, actor: User, layout: Layout, seen: int | None, now: datetime) -> SkyseaMapping:
    """Put a mapping in force for the files from now on. `seen` is the mapping that the person changed.

    Raises NotAllowed, InvalidMapping, MappingChanged.
    """
    if not actor.may(RUN_OPERATIONS):
        raise NotAllowed(_("Only network operations change the mapping."))
    check_layout(layout)
    return mappings.put_in_force(SkyseaMapping, "skysea", layout.to_json(), seen=seen, actor=actor, now=now)
