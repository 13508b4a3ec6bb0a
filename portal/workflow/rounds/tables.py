"""A list as a table that is filled in and handed in again: one drop-down and one reason for each line.

The table names each line by its key and its version, so that what somebody else answered meanwhile is seen. Rows without
an answer are still open and left alone. Every problem is said at once, each with its cell.
"""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.utils.translation import gettext as _

from portal.common import xlsx
from portal.common.text import squeeze
from portal.common.workbook import begin_sheet, safe_value, text_cell
from portal.workflow.bulk.cells import address
from portal.workflow.bulk.columns import Column
from portal.workflow.bulk.errors import FileRefused
from portal.workflow.bulk.tables import Table, read_table
from portal.workflow.content import text_problem
from portal.workflow.rounds.answers import REASON_LENGTH, Answer, Line

LIMIT = 2_000  # rows of one table; a longer list is answered in parts
PROBLEMS_SHOWN = 100  # on the page; the count of the others is said
KEY, ANSWER, REASON, VERSION = "key", "answer", "reason", "version"
_TO_FILL = "FFF7DB"


@dataclass(frozen=True, kw_only=True)
class AnswerTable(Generic[Line]):
    """How the lines of one room become a table, and what may be answered there. All texts are translated.

    A line has `pk` and `version`.
    """

    key: tuple[str, Callable[[Line], str]]
    """The heading and the value that names a line within its list."""
    shown: Sequence[tuple[str, Callable[[Line], Any]]]
    """Headings and values that help to answer; they are not read back."""
    answer_label: str
    reason_label: str
    choices: Sequence[tuple[str, str]]
    """What this person may answer: value and text."""
    said: Callable[[Line], tuple[str, str]]
    """Answer and reason of a line as they stand now; "" where nobody answered."""
    is_over: Callable[[Line], bool]
    """Whether nobody is asked about the line any more."""
    reason_problem: Callable[[Line, str, str], str]
    """What is wrong with this reason for this answer, or ""."""
    not_listed: str
    twice: str


@dataclass
class Answers:
    """What a table says: decisions, or every problem with its cell."""

    decisions: list[Answer] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


def answer_book(table: AnswerTable[Line], lines: Iterable[Line]) -> xlsx.Workbook:
    """The lines, with a list to choose the answer from; what was answered is filled in."""
    columns = _columns(table)
    book = xlsx.Workbook()
    del book[book.sheetnames[0]]
    sheet = book.create_sheet(_("answers"))
    begin_sheet(book, "", [column.label for column in columns], sheet=sheet, freeze="B2")
    count = 1
    for line in lines:
        count += 1
        values = [table.key[1](line), *(value(line) for _label, value in table.shown)]
        answer, reason = table.said(line)
        filled = [dict(table.choices).get(answer, ""), reason if answer in dict(table.choices) else ""]
        sheet.append(
            [
                *(safe_value(sheet, value) for value in values),
                *(text_cell(sheet, value, fill=_TO_FILL) for value in filled),
                line.version,  # type: ignore[attr-defined]
            ]
        )
    letter = xlsx.get_column_letter(len(table.shown) + 2)
    labels = ",".join(label for _value, label in table.choices)
    rule = xlsx.DataValidation(type="list", formula1=f'"{labels}"', allow_blank=True, showErrorMessage=True)
    rule.add(f"{letter}2:{letter}{max(count, 2)}")
    sheet.add_data_validation(rule)
    return book


def uploaded(file: UploadedFile | None) -> tuple[str, bytes]:
    """Name and content of a file that was handed in. Raises FileRefused for none and for one that is too large."""
    if file is None:
        raise FileRefused(_("Choose a file first."))
    data = file.read(settings.BULK_MAX_BYTES + 1)
    if len(data) > settings.BULK_MAX_BYTES:
        most = settings.BULK_MAX_BYTES // (1024 * 1024)
        raise FileRefused(_("This file is larger than %(most)d MB.") % {"most": most})
    return file.name or "", data


def read_answers(table: AnswerTable[Line], lines: Iterable[Line], *, name: str, data: bytes) -> Answers:
    """What a filled table answers: only what differs from the list. Raises FileRefused for a file that is no such table."""
    columns = _columns(table)
    found = read_table(name, data, columns, max_rows=LIMIT)
    by_key = {_folded(table.key[1](line)): line for line in lines}
    times = Counter(_key_of(row) for row in found.rows)
    answers = Answers()
    for row in found.rows:
        line = by_key.get(_key_of(row))
        problems = [(column, text) for column, texts in row["p"].items() for text in texts]
        problems += _problems(table, row, line, is_twice=times[_key_of(row)] > 1)
        answers.problems += [f"{_where(found, row, column)}：{text}" for column, text in problems]
        if line is not None and not problems and _is_new(table, row, line):
            answers.decisions.append(_decision(row, line))
    return answers


def _columns(table: AnswerTable[Any]) -> list[Column]:
    """The columns in their order; only the answer and its reason are read as something new."""
    shown = [_column(f"shown{number}", label) for number, (label, _value) in enumerate(table.shown)]
    return [
        _column(KEY, table.key[0], required=True),
        *shown,
        _column(ANSWER, table.answer_label, required=True, choices=tuple(table.choices)),
        _column(REASON, table.reason_label),
        _column(VERSION, _("Version (do not change)")),
    ]


def _column(
    name: str, label: str, *, required: bool = False, choices: tuple[tuple[str, str], ...] = ()
) -> Column:
    return Column(
        name=name,
        label=label,
        required=required,
        help_text="",
        is_date=False,
        is_list=False,
        is_yes_no=False,
        choices=choices,
    )


def _folded(key: str) -> str:
    return unicodedata.normalize("NFKC", key).strip().lower()


def _key_of(row: dict[str, Any]) -> str:
    return _folded(str(row["v"].get(KEY, "")))


def _where(found: Table, row: dict[str, Any], column: str) -> str:
    """The address of a cell; of the first column when the file has no such column."""
    return address(found.letters.get(column, 1), row["n"])


def _problems(
    table: AnswerTable[Line], row: dict[str, Any], line: Line | None, *, is_twice: bool
) -> list[tuple[str, str]]:
    """What is wrong with one row besides its cells, by column."""
    problems = []
    if line is None:
        problems.append((KEY, table.not_listed))
    elif is_twice:
        problems.append((KEY, table.twice))
    answer, reason = row["v"].get(ANSWER, ""), str(row["v"].get(REASON, "")).strip()
    choices = dict(table.choices)
    if answer and answer not in choices:
        text = _("Choose one of these: %(choices)s.") % {"choices": "、".join(choices.values())}
        problems.append((ANSWER, text))
    elif reason and not answer and (line is None or not table.is_over(line)):
        problems.append((ANSWER, _("There is a reason without an answer. Choose the answer.")))
    text = text_problem(reason, REASON_LENGTH)
    if not text and line is not None and answer in choices:
        text = table.reason_problem(line, answer, reason)
    if text:
        problems.append((REASON, text))
    version = str(row["v"].get(VERSION, "")).strip()
    if version and not (version.isascii() and version.isdigit() and len(version) < 6):
        problems.append((VERSION, _("Leave this number as it was downloaded.")))
    return problems


def _is_new(table: AnswerTable[Line], row: dict[str, Any], line: Line) -> bool:
    """Whether the row says something that the list does not say yet; nobody is asked any more about what is over."""
    decision = _decision(row, line)
    told = (decision.answer, decision.reason)
    return bool(decision.answer) and not table.is_over(line) and table.said(line) != told


def _decision(row: dict[str, Any], line: Any) -> Answer:
    version = str(row["v"].get(VERSION, "")).strip()
    return Answer(
        line_id=line.pk,
        version=int(version) if version else line.version,
        answer=row["v"].get(ANSWER, ""),
        reason=squeeze(str(row["v"].get(REASON, ""))),
    )
