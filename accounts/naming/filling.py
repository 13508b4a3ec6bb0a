"""Login names for the rows of a file that name none: proposed by the rule of the organisation, no two alike (ACC-06, ACC-13)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.utils import timezone

from accounts.naming.pattern import Namesake
from accounts.naming.proposals import propose_login_names
from portal.common.text import ascii_identifier, katakana
from portal.workflow.kinds import LineContext

FIELD = "login_name"


def propose_missing(context: LineContext, lines: Sequence[Mapping[str, Any]]) -> list[dict[str, str]]:
    """For each line the name that it lacks, or nothing. Asks AD once for all, so no lock may be held.

    Nothing is held: the rows may be corrected for days. A name that was given away meanwhile is proposed anew at the next check.
    """
    found: list[dict[str, str]] = [{} for _line in lines]
    lacking = [place for place, line in enumerate(lines) if not _text(line, FIELD)]
    if not lacking:
        return found
    names = propose_login_names(
        context.organisation,
        [_person(lines[place]) for place in lacking],
        keep=[ascii_identifier(_text(line, FIELD)) for line in lines if _text(line, FIELD)],
        now=timezone.now(),
    )
    for place, name in zip(lacking, names, strict=True):
        if name:
            found[place] = {FIELD: name}
    return found


def _person(line: Mapping[str, Any]) -> Namesake:
    return Namesake(
        family_kana=katakana(_text(line, "family_kana")),
        given_kana=katakana(_text(line, "given_kana")),
        staff_number=ascii_identifier(_text(line, "staff_number")),
    )


def _text(line: Mapping[str, Any], name: str) -> str:
    value = line.get(name)
    return value.strip() if isinstance(value, str) else ""
