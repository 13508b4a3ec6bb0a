"""The mapping and the list of the application in force, and their history: who changed them when."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.utils.translation import gettext as _

from audit.imports.allowed import Allowed, AllowList
from audit.imports.errors import NotAllowed
from audit.imports.layout import REQUIRED, Layout
from audit.imports.models import ApplicationAccess, LogMapping
from audit.imports.wording import LABELS, MEANINGS
from audit.reconciliation.models import LogKind
from audit.reconciliation.names import name_key
from portal.fulfilment import mappings
from portal.orgs.models import User
from portal.orgs.permissions import IMPORT_LOGS


@dataclass
class InvalidMapping(Exception):
    """What is wrong with a mapping: a sentence per field, and per (field, meaning)."""

    headings: dict[str, str] = field(default_factory=dict)
    words: dict[tuple[str, str], str] = field(default_factory=dict)


def current_mapping() -> LogMapping | None:
    """The newest; None while nobody has changed what the portal brings."""
    return mappings.newest(LogMapping)


def layout_of(mapping: LogMapping | None, log_kind: str) -> Layout:
    """The layout of a log that a version of the mapping describes."""
    if mapping is None or log_kind not in mapping.definition:
        return Layout.brought(log_kind)
    return Layout.from_json(log_kind, mapping.definition[log_kind])


def check_layout(layout: Layout) -> None:
    """Raises InvalidMapping unless a file can be read with it."""
    problems = InvalidMapping()
    counts = Counter(name_key(heading) for heading in layout.headings.values() if heading)
    for name in LABELS:
        heading = layout.headings.get(name, "")
        if not heading and name in REQUIRED[layout.log_kind]:
            text = _("No report can be made without “%(label)s”. Enter the heading of its column.")
            problems.headings[name] = text % {"label": LABELS[name]}
        elif heading and counts[name_key(heading)] > 1:
            problems.headings[name] = _("Two fields cannot come from one column.")
    for name, codes in MEANINGS.items():
        seen = Counter(name_key(word) for words in layout.words[name].values() for word in set(words))
        for code in codes:
            if any(seen[name_key(word)] > 1 for word in layout.words[name].get(code, ())):
                problems.words[name, code] = _("One word cannot have two meanings.")
    if problems.headings or problems.words:
        raise problems


def save_layout(*, layout: Layout, seen: int | None, actor: User, now: datetime) -> LogMapping:
    """Put a mapping of one log in force for the files from now on; the other log's stays. `seen`: what the person changed.

    Raises NotAllowed, InvalidMapping, MappingChanged.
    """
    _require(actor)
    check_layout(layout)
    current = current_mapping()
    definition = {
        **{str(kind): layout_of(current, kind).to_json() for kind in LogKind.values},
        layout.log_kind: layout.to_json(),
    }
    return mappings.put_in_force(LogMapping, "logs", definition, seen=seen, actor=actor, now=now)


def current_access() -> ApplicationAccess | None:
    """The newest list of what counts as the application; None: nothing does."""
    return mappings.newest(ApplicationAccess)


def allow_list(version: ApplicationAccess | None) -> AllowList:
    """A version as imports use it."""
    return AllowList(version.definition if version else ())


def check_access(entries: Sequence[Allowed]) -> dict[int, str]:
    """What is wrong with which entry: what would let everything pass is no list."""
    problems = {}
    for place, entry in enumerate(entries):
        if not (entry.account.strip("* ") and entry.program.strip("* ") and entry.client.strip("* ")):
            problems[place] = _("Enter account, program and client. “*” alone would let anybody pass.")
        elif any("*" in word.strip()[:-1] for word in (entry.account, entry.program, entry.client)):
            problems[place] = _("“*” can stand at the end only.")
    return problems


def save_access(
    *, entries: Sequence[Allowed], seen: int | None, actor: User, now: datetime
) -> ApplicationAccess:
    """Put a list in force for the files from now on; rows that were imported keep what was decided of them.

    Raises NotAllowed, MappingChanged, ValueError for entries that `check_access` refuses.
    """
    _require(actor)
    if check_access(entries):
        raise ValueError("check the entries first")
    definition: list[Mapping[str, str]] = [
        {"account": e.account, "program": e.program, "client": e.client, "note": e.note} for e in entries
    ]
    return mappings.put_in_force(
        ApplicationAccess, "logs_application", definition, seen=seen, actor=actor, now=now
    )


def _require(actor: User) -> None:
    if not actor.may(IMPORT_LOGS):
        raise NotAllowed(_("Only network operations import logs."))
