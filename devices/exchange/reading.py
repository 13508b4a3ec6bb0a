"""A file of SKYSEA as lines, through the mapping. Columns that the mapping does not name are the vendor's and stay unread."""

from __future__ import annotations

import datetime as dt
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.utils.translation import gettext as _

from devices.exchange.layout import LABELS, REQUIRED, Layout
from devices.fields import folded
from portal.common.text import squeeze
from portal.common.time import JST
from portal.workflow.bulk import excel, textfiles
from portal.workflow.bulk.cells import Cell, Row, Sheet, address
from portal.workflow.bulk.errors import FileRefused

LARGEST = 20 * 1024 * 1024
MOST_ROWS = 50_000
_LONGEST = 200
_HEADER_WITHIN = 20
_FORMATS = (
    "%Y/%m/%d %H:%M:%S",
    "%Y/%m/%d %H:%M",
    "%Y/%m/%d",
    "%Y-%m-%d %H:%M:%S",
    "%Y-%m-%d %H:%M",
    "%Y-%m-%dT%H:%M:%S",
    "%Y-%m-%d",
    "%Y%m%d%H%M%S",
    "%Y%m%d",
)
EARLIEST = 1990  # what lies before is a program's zero or a slip, and no moment that a database can give back
_NEVER = frozenset(folded(word) for word in ("", "-", "なし", "未使用", "利用なし", "never"))


@dataclass
class Line:
    """One row of the file: texts by field, moments as moments."""

    number: int
    values: dict[str, str] = field(default_factory=dict)
    moments: dict[str, dt.datetime] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)

    def get(self, name: str) -> str:
        """The text of a field; "" where there is none."""
        return self.values.get(name, "")


@dataclass(frozen=True)
class Lines:
    """What a file says, and which of the fields it has a column for."""

    fields: frozenset[str]
    lines: list[Line]


def read(of: str, name: str, data: bytes, layout: Layout, *, moments: Sequence[str]) -> Lines:
    """The lines of a file. Raises FileRefused with every reason."""
    if not data.strip():
        raise FileRefused(_("This file is empty."))
    if len(data) > LARGEST:
        raise FileRefused(_("This file is too large. Split it."))
    if excel.is_workbook(data):
        sheets = excel.read_workbook(data, max_rows=MOST_ROWS)
    else:
        sheets = [
            textfiles.read_text(data, tabs=name.lower().endswith(".tsv"), max_rows=MOST_ROWS + _HEADER_WITHIN)
        ]
    sheet, header, placed = _find_header(of, sheets, layout)
    lines = [
        line
        for row in sheet.rows
        if row.number > header.number and (line := _line(row, placed, frozenset(moments))) is not None
    ]
    if not lines:
        raise FileRefused(_("There is no row below the headings."))
    return Lines(frozenset(placed.values()), lines)


def _find_header(of: str, sheets: Sequence[Sheet], layout: Layout) -> tuple[Sheet, Row, dict[int, str]]:
    known = {folded(column.heading): column.field for column in layout.columns[of]}
    best: tuple[int, Sheet, Row] | None = None
    for sheet in sheets:
        for row in sheet.rows[:_HEADER_WITHIN]:
            hits = len({folded(cell.text) for cell in row.cells} & known.keys())
            if hits and (best is None or hits > best[0]):
                best = hits, sheet, row
    if best is None:
        text = _("No row of headings was found. The mapping expects: %(headings)s.")
        raise FileRefused(text % {"headings": "、".join(column.heading for column in layout.columns[of])})
    _hits, sheet, header = best
    return sheet, header, _placed(of, header, known, layout)


def _placed(of: str, header: Row, known: Mapping[str, str], layout: Layout) -> dict[int, str]:
    placed: dict[int, str] = {}
    reasons = []
    for cell in header.cells:
        name = known.get(folded(cell.text))
        if name is None:
            continue
        if name in placed.values():
            text = _("%(cell)s: the column “%(label)s” is there twice.")
            reasons.append(text % {"cell": address(cell.column, header.number), "label": cell.text})
        placed[cell.column] = name
    for name in REQUIRED[of]:
        if name not in placed.values():
            text = _("The column “%(heading)s” (%(label)s) is missing.")
            reasons.append(text % {"heading": layout.heading(of, name), "label": LABELS[name]})
    if reasons:
        raise FileRefused(*reasons)
    return placed


def _line(row: Row, placed: Mapping[int, str], moments: frozenset[str]) -> Line | None:
    line = Line(row.number)
    for cell in row.cells:
        name = placed.get(cell.column)
        if name is None:
            continue
        if cell.problem:
            line.problems.append(f"{address(cell.column, row.number)}：{cell.problem}")
        elif name in moments:
            _take_moment(line, name, cell)
        elif text := _text(cell):
            if len(text) > _LONGEST:
                words = _("%(label)s: more than %(most)d characters.")
                line.problems.append(words % {"label": LABELS[name], "most": _LONGEST})
            line.values[name] = text[:_LONGEST]
    return line if line.values or line.moments or line.problems else None


def _text(cell: Cell) -> str:
    value: Any = cell.value
    if isinstance(value, float) and value.is_integer():
        value = int(value)  # a serial number that a spreadsheet took for a number
    text = squeeze("" if value is None else str(value))
    return "".join(character for character in text if unicodedata.category(character) != "Cc")


def _take_moment(line: Line, name: str, cell: Cell) -> None:
    if isinstance(cell.value, dt.datetime | dt.date):
        moment = (
            cell.value
            if isinstance(cell.value, dt.datetime)
            else dt.datetime.combine(cell.value, dt.time.min)
        )
        _keep_moment(line, name, moment, f"{moment:%Y/%m/%d}")
        return
    text = _text(cell)
    if folded(text) in _NEVER:
        return
    written = unicodedata.normalize("NFKC", text)
    for pattern in _FORMATS:
        try:
            moment = dt.datetime.strptime(written, pattern).replace(tzinfo=JST)
        except ValueError:
            continue
        _keep_moment(line, name, moment, text)
        return
    _no_date(line, name, text)


def _keep_moment(line: Line, name: str, moment: dt.datetime, text: str) -> None:
    if moment.year >= EARLIEST:
        line.moments[name] = moment if moment.tzinfo else moment.replace(tzinfo=JST)
    elif moment.year > 1:  # 0001/01/01 is how programs write "never"
        _no_date(line, name, text)


def _no_date(line: Line, name: str, text: str) -> None:
    words = _("%(label)s: “%(text)s” is no date.")
    line.problems.append(words % {"label": LABELS[name], "text": text[:40]})
