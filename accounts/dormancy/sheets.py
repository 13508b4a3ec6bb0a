"""A list as a table that is filled in and handed in again: one drop-down and one reason for each account (ACC-14).

The table names each account by its login name and the version of its line, so that what somebody else answered meanwhile
is seen. Rows without an answer are still open and left alone.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.utils.translation import gettext as _
from openpyxl import Workbook
from openpyxl.styles import PatternFill
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.datavalidation import DataValidation

from accounts.dormancy.models import DormantLine, DormantReview
from portal.common.text import squeeze
from portal.common.time import plain_moment
from portal.common.workbook import begin_sheet, safe_value, text_cell
from portal.workflow.bulk.cells import address
from portal.workflow.bulk.columns import Column
from portal.workflow.bulk.tables import Table, read_table
from portal.workflow.content import text_problem
from portal.workflow.rounds.answers import REASON_LENGTH, Answer

LIMIT = 2_000  # rows of one table; a longer list is answered in parts
_TO_FILL = PatternFill("solid", fgColor="FFF7DB")
_ANSWER = DormantLine.Answer
_FILLED_IN = ("answer", "reason")


@dataclass
class Answers:
    """What a table says: decisions, or every problem with its cell."""

    decisions: list[Answer] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


def columns(*, may_delete: bool) -> list[Column]:
    """The columns of the table, in its order; only the answer and its reason are read as something new."""
    answers = [_ANSWER.KEEP, *([_ANSWER.DELETE] if may_delete else [])]
    choices = tuple((str(answer.value), str(answer.label)) for answer in answers)
    return [
        _column("login_name", _("Login name"), required=True),
        _column("display_name", _("Name")),
        _column("department", _("Department")),
        _column("last_logon", _("Last logon")),
        _column("previous", _("Last month's answer")),
        _column("answer", _("Answer"), required=True, choices=choices),
        _column("reason", _("Reason for keeping")),
        _column("version", _("Version (do not change)")),
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


def answer_book(lines: Iterable[DormantLine], *, may_delete: bool) -> Workbook:
    """The lines that need an answer or have one, with a list to choose from; what was answered is filled in."""
    found = columns(may_delete=may_delete)
    book = Workbook()
    del book[book.sheetnames[0]]
    sheet = book.create_sheet(_("answers"))
    begin_sheet(book, "", [column.label for column in found], sheet=sheet, freeze="B2")
    count = 1
    for line in lines:
        count += 1
        sheet.append([_cell(sheet, column, _VALUES[column.name](line)) for column in found])
    place = next(number for number, column in enumerate(found, start=1) if column.name == "answer")
    letter = get_column_letter(place)
    labels = ",".join(label for _value, label in found[place - 1].choices)
    rule = DataValidation(type="list", formula1=f'"{labels}"', allow_blank=True, showErrorMessage=True)
    rule.add(f"{letter}2:{letter}{max(count, 2)}")
    sheet.add_data_validation(rule)
    return book


def _cell(sheet: Any, column: Column, value: Any) -> Any:
    if column.name in _FILLED_IN:
        return text_cell(sheet, value, fill=_TO_FILL)
    return value if column.name == "version" else safe_value(sheet, value)


def _previous(line: DormantLine) -> str:
    earlier = line.previous
    return f"{earlier.get_answer_display()} {earlier.reason}".strip() if earlier and earlier.answer else ""


_VALUES: dict[str, Callable[[DormantLine], Any]] = {
    "login_name": lambda line: line.login_name,
    "display_name": lambda line: line.display_name,
    "department": lambda line: line.department,
    "last_logon": lambda line: plain_moment(line.last_logon) or _("never"),
    "previous": _previous,
    "answer": lambda line: line.get_answer_display() if line.answer else "",
    "reason": lambda line: line.reason,
    "version": lambda line: line.version,
}


def read_answers(review: DormantReview, *, name: str, data: bytes, may_delete: bool) -> Answers:
    """What a filled table answers: only what differs from the list. Every problem at once, each with its cell.

    Raises FileRefused for a file that is no such table.
    """
    found = columns(may_delete=may_delete)
    table = read_table(name, data, found, max_rows=LIMIT)
    lines = {line.login_name.lower(): line for line in review.lines.all()}
    times = Counter(_name_of(row) for row in table.rows)
    answers = Answers()
    for row in table.rows:
        line = lines.get(_name_of(row))
        problems = _problems(row, line, times, found)
        answers.problems += [f"{_where(table, row, column)}：{text}" for column, text in problems]
        if line is not None and not problems and _is_new(row, line):
            answers.decisions.append(_decision(row, line))
    return answers


def _name_of(row: dict[str, Any]) -> str:
    return str(row["v"].get("login_name", "")).strip().lower()


def _where(table: Table, row: dict[str, Any], column: str) -> str:
    """The address of a cell; of the first column when the file has no such column."""
    return address(table.letters.get(column, 1), row["n"])


def _problems(
    row: dict[str, Any], line: DormantLine | None, times: Counter[str], found: Sequence[Column]
) -> list[tuple[str, str]]:
    """What is wrong with one row, by column."""
    values = row["v"]
    problems = [(column, text) for column, texts in row["p"].items() for text in texts]
    if line is None:
        problems.append(("login_name", _("This account is not in this list.")))
    elif times[_name_of(row)] > 1:
        problems.append(("login_name", _("This account is in the file twice. Leave one row.")))
    answer, reason = values.get("answer", ""), str(values.get("reason", "")).strip()
    choices = dict(next(column.choices for column in found if column.name == "answer"))
    if answer and answer not in choices:
        text = _("Choose one of these: %(choices)s.") % {"choices": "、".join(choices.values())}
        problems.append(("answer", text))
    elif reason and not answer and (line is None or not line.left):
        problems.append(("answer", _("There is a reason without an answer. Choose the answer.")))
    if answer == _ANSWER.KEEP and not reason:
        problems.append(("reason", _("Write why the account is still needed.")))
    if text := text_problem(reason, REASON_LENGTH):
        problems.append(("reason", text))
    version = str(values.get("version", "")).strip()
    if version and not (version.isascii() and version.isdigit() and len(version) < 6):
        problems.append(("version", _("Leave this number as it was downloaded.")))
    return problems


def _is_new(row: dict[str, Any], line: DormantLine) -> bool:
    """Whether the row says something that the list does not say yet; nobody is asked any more about what left it."""
    decision = _decision(row, line)
    said = (line.answer, line.reason if line.answer == _ANSWER.KEEP else "")
    told = (decision.answer, decision.reason if decision.answer == _ANSWER.KEEP else "")
    return bool(decision.answer) and not line.left and said != told


def _decision(row: dict[str, Any], line: DormantLine) -> Answer:
    values = row["v"]
    version = str(values.get("version", "")).strip()
    return Answer(
        line_id=line.pk,
        version=int(version) if version else line.version,
        answer=values.get("answer", ""),
        reason=squeeze(str(values.get("reason", ""))),
    )
