"""From cells to the raw values of lines: the header is found, every row is read, every problem gets its address."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from portal.workflow.bulk import excel, textfiles
from portal.workflow.bulk.cells import Row, Sheet, address
from portal.workflow.bulk.columns import Column, by_heading, folded, typed
from portal.workflow.bulk.errors import FileRefused

_HEADER_WITHIN = 20
_LONGEST_HEADING = 40
_PASSWORD = re.compile(
    r"パスワード|ぱすわーど|暗証|合言葉|pass_?word|pass_?phrase|passwd|pwd|(?<![a-z])pw(?![a-z])|secret|初期pw",
    re.IGNORECASE,
)
# Columns that the portal writes itself and never reads, and the marks of rows that are no data.
_NUMBER, _ERRORS = (
    frozenset({"no", "no.", "番号", "行", "行番号"}),
    frozenset({"エラー", "error", "errors", "直すところ"}),
)
NOTE_MARKS = frozenset({"例", "説明", "example", "note"})


@dataclass(frozen=True, kw_only=True)
class Table:
    """What a file says: the rows, and where which column stands."""

    letters: dict[str, int]  # column number by field name
    rows: list[dict[str, Any]]  # {"n": row number, "v": values, "p": problems of cells by field}
    notes: list[str]
    sheet: str = ""


def read_table(name: str, data: bytes, columns: Sequence[Column], *, max_rows: int) -> Table:
    """The table of a file, by its content and not by its name. Raises FileRefused with every reason."""
    if not data.strip():
        raise FileRefused(_("This file is empty."))
    if excel.is_workbook(data):
        sheets = excel.read_workbook(data, max_rows=max_rows)
    elif data.startswith((b"%PDF", b"\x89PNG", b"\xff\xd8\xff", b"{\\rtf")):
        raise FileRefused(_("This is not a table. Choose an Excel workbook (.xlsx) or a CSV file."))
    else:
        sheets = [
            textfiles.read_text(data, tabs=name.lower().endswith(".tsv"), max_rows=max_rows + _HEADER_WITHIN)
        ]
    sheet, header = _find_header(sheets, columns)
    for other in sheets:
        last = header.number if other is sheet else 1
        _refuse_passwords([row for row in other.rows if row.number <= last], columns)
    return _read_rows(sheet, header, columns, max_rows)


def _refuse_passwords(rows: Sequence[Row], columns: Sequence[Column]) -> None:
    """No password enters the portal through a file, whichever sheet it is in (ACC-10): nothing of the file is kept."""
    known = by_heading(list(columns))
    for row in rows:
        for cell in row.cells:
            heading = unicodedata.normalize("NFKC", cell.text)
            if (
                len(heading) > _LONGEST_HEADING
                or folded(heading.strip("〔〕")) in known
                or not _PASSWORD.search(heading)
            ):
                continue
            raise FileRefused(
                _(
                    "%(cell)s “%(heading)s” looks like a column of passwords. Passwords are never handed in: "
                    "the portal draws them itself. Delete the column, then choose the file again."
                )
                % {"cell": address(cell.column, row.number), "heading": heading}
            )


def _find_header(sheets: Sequence[Sheet], columns: Sequence[Column]) -> tuple[Sheet, Row]:
    known = by_heading(list(columns))
    best: tuple[int, Sheet, Row] | None = None
    for sheet in sheets:
        for row in sheet.rows[:_HEADER_WITHIN]:
            hits = len({known[folded(cell.text)].name for cell in row.cells if folded(cell.text) in known})
            if hits and (best is None or hits > best[0]):
                best = hits, sheet, row
    if best is None:
        labels = "、".join(column.label for column in columns)
        raise FileRefused(
            _("No row of headings was found. The first row must name the columns: %(labels)s.")
            % {"labels": labels}
        )
    return best[1], best[2]


def _read_rows(sheet: Sheet, header: Row, columns: Sequence[Column], max_rows: int) -> Table:
    placed, marks = _place_columns(header, columns)
    rows = []
    _refuse_nameless(sheet, header, {*placed, *marks})
    for row in sheet.rows:
        if row.number <= header.number:
            continue
        if any(cell.column in marks and folded(cell.text) in NOTE_MARKS for cell in row.cells):
            continue
        found = _read_row(row, placed)
        if found is not None:
            rows.append(found)
    if not rows:
        raise FileRefused(_("There is no row below the headings."))
    if len(rows) > max_rows:
        text = _("This file has %(rows)d rows; at most %(most)d fit into one application. Split it.")
        raise FileRefused(text % {"rows": len(rows), "most": max_rows})
    read = {row["n"] for row in rows}
    hidden = [str(number) for number in sheet.hidden if number in read]
    notes = (
        [_("Hidden rows were read as well: %(rows)s.") % {"rows": "、".join(hidden[:20])}] if hidden else []
    )
    letters = {column.name: number for number, column in placed.items()}
    return Table(letters=letters, rows=rows, notes=notes, sheet=sheet.name)


def _place_columns(header: Row, columns: Sequence[Column]) -> tuple[dict[int, Column], set[int]]:
    """The columns by their number in the file, and the numbers of those that hold marks. Raises FileRefused."""
    known = by_heading(list(columns))
    placed: dict[int, Column] = {}
    marks: set[int] = set()
    reasons = []
    for cell in header.cells:
        heading, where = folded(cell.text), address(cell.column, header.number)
        column = known.get(heading)
        if cell.problem:
            reasons.append(f"{where}：{cell.problem}")
        elif column is not None and column in placed.values():
            reasons.append(
                _("%(cell)s: the column “%(label)s” is there twice.") % {"cell": where, "label": column.label}
            )
        elif column is not None:
            placed[cell.column] = column
        elif heading in _NUMBER or heading in _ERRORS:
            marks.add(cell.column)
        elif cell.text:
            text = _("%(cell)s: there is no column “%(heading)s”. Delete it, or correct its heading.")
            reasons.append(text % {"cell": where, "heading": cell.text[:_LONGEST_HEADING]})
    for column in columns:
        if column.required and column not in placed.values() and len(column.choices) != 1:
            reasons.append(_("The column “%(label)s” is missing.") % {"label": column.label})
    if reasons:
        raise FileRefused(*reasons)
    return placed, marks


def _refuse_nameless(sheet: Sheet, header: Row, named: set[int]) -> None:
    """What stands below no heading would be lost without a word."""
    strays = {
        cell.column: address(cell.column, row.number)
        for row in reversed(sheet.rows)
        if row.number > header.number
        for cell in row.cells
        if cell.column not in named and cell.text
    }
    reasons = [
        _("%(cell)s: there is no heading above this cell. Delete it, or name its column.") % {"cell": where}
        for _column, where in sorted(strays.items())
    ]
    if reasons:
        raise FileRefused(*reasons)


def _read_row(row: Row, placed: dict[int, Column]) -> dict[str, Any] | None:
    """The row, or None when it is blank."""
    values: dict[str, Any] = {}
    problems: dict[str, list[str]] = {}
    for cell in row.cells:
        column = placed.get(cell.column)
        if column is None:
            continue
        value, problem = typed(column, cell)
        if problem:
            problems[column.name] = [problem]
        if value not in ("", None, []):
            values[column.name] = value
    if not values and not problems:
        return None
    return {"n": row.number, "v": values, "p": problems}
