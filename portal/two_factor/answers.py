"""Reading an acknowledgement file into results, or saying at which line what is wrong with it. Pure: no database, no disk."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.translation import gettext as _

from portal.common.text import without_control_characters
from portal.two_factor.layout import ENCODINGS, Answers

_LONGEST_REASON = 500


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What one line says about one row."""

    line: int
    reference: str
    done: bool
    reason: str = ""


@dataclass(frozen=True, kw_only=True)
class Problem:
    """A line that cannot be read; line 0 is the whole file."""

    line: int
    text: str


@dataclass(frozen=True, kw_only=True)
class Reading:
    """All that a file says."""

    answers: tuple[Answer, ...] = ()
    problems: tuple[Problem, ...] = ()

    @property
    def is_unreadable(self) -> bool:
        """Whether nothing of it can be used."""
        return any(problem.line == 0 for problem in self.problems)


def ends_in_a_line(data: bytes, answers: Answers) -> bool:
    """Whether the last line is complete: a file whose last line is not may still be being written."""
    try:
        return data.decode(answers.encoding).endswith(("\n", "\r"))
    except UnicodeDecodeError:
        return False


def read(data: bytes, answers: Answers) -> Reading:
    """The answers of a file, in its order, and what is wrong with it."""
    try:
        text = data.decode("utf-8-sig" if answers.encoding == "utf-8" else answers.encoding)
        lines = list(csv.reader(io.StringIO(text, newline=""), delimiter=answers.delimiter))
    except UnicodeDecodeError:
        encoding = ENCODINGS[answers.encoding]
        return _unreadable(_("The file is not written in %(encoding)s.") % {"encoding": encoding})
    except csv.Error:
        return _unreadable(_("The file is not a table in CSV form."))
    header = lines[0] if answers.has_header and lines else None
    try:
        columns = [_position(name, header) for name in (answers.key, answers.result)]
        reason = _position(answers.reason, header) if answers.reason else None
    except LookupError as error:
        return _unreadable(_("The column %(name)s is missing.") % {"name": error.args[0]})
    return _read_lines(lines, 1 if header is not None else 0, (columns[0], columns[1], reason), answers)


def _read_lines(
    lines: Sequence[Sequence[str]], first: int, columns: tuple[int, int, int | None], answers: Answers
) -> Reading:
    found, problems = [], []
    for number, cells in enumerate(lines[first:], start=first + 1):
        if not any(cell.strip() for cell in cells):
            continue
        answer = _read_line(number, cells, columns, answers)
        if isinstance(answer, Answer):
            found.append(answer)
        else:
            problems.append(answer)
    if not found and not problems:
        return _unreadable(_("The file has no row."))
    return Reading(answers=tuple(found), problems=tuple(problems))


def _read_line(
    number: int, cells: Sequence[str], columns: tuple[int, int, int | None], answers: Answers
) -> Answer | Problem:
    key, result, reason = columns
    if len(cells) <= max(key, result):
        return Problem(line=number, text=_("The line has too few columns."))
    said = cells[result].strip()
    if said not in answers.done and said not in answers.refused:
        text = _("The result %(said)s is not known. Enter it in the mapping if it is right.")
        return Problem(line=number, text=text % {"said": without_control_characters(said)[:40] or "（空）"})
    why = cells[reason] if reason is not None and len(cells) > reason else ""
    return Answer(
        line=number,
        reference=without_control_characters(cells[key]).strip().lower()[:50],
        done=said in answers.done,
        reason=without_control_characters(why).strip()[:_LONGEST_REASON],
    )


def _position(name: str, header: Sequence[str] | None) -> int:
    """Where a column is. Raises LookupError."""
    if header is None:
        if not name.isdecimal() or int(name) < 1:
            raise LookupError(name)
        return int(name) - 1
    headings = [heading.strip() for heading in header]
    if name not in headings:
        raise LookupError(name)
    return headings.index(name)


def _unreadable(text: str) -> Reading:
    return Reading(problems=(Problem(line=0, text=text),))
