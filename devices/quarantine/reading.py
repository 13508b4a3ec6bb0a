"""Reading a file of the quarantine server into rows, or saying at which row what is wrong. No database."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from devices.fields import folded
from devices.quarantine.layout import REQUIRED, Layout
from devices.quarantine.models import Inspection, Result
from devices.whitelist.addresses import AddressRefused, parse_mac
from portal.common.computer_names import computer_name
from portal.common.time import JST, parse_date
from portal.workflow.bulk import excel, textfiles
from portal.workflow.bulk.cells import Cell, Row, Sheet
from portal.workflow.bulk.errors import FileRefused

MOST_ROWS = 60_000
_HEADER_WITHIN = 20
_TESTS = {
    "system": Inspection.SYSTEM,
    "agent": Inspection.AGENT,
    "patches": Inspection.PATCHES,
    "patterns": Inspection.PATTERNS,
    "skysea": Inspection.SKYSEA,
    "splunk": Inspection.SPLUNK,
}


@dataclass(frozen=True, kw_only=True)
class Finding:
    """What one row says about one machine."""

    row: int
    name: str
    mac: str
    result: str
    checked_at: dt.datetime
    has_agent: bool | None
    failed: tuple[str, ...]
    patches_since: dt.date | None
    patterns_since: dt.date | None


@dataclass(frozen=True, kw_only=True)
class Problem:
    """A row that cannot be used."""

    row: int
    text: str


def read_findings(
    name: str, data: bytes, layout: Layout, now: dt.datetime
) -> tuple[list[Finding], list[Problem]]:
    """Every row as a finding or a problem. Raises FileRefused when the file as a whole cannot be read."""
    sheet = _sheet(name, data)
    header, columns = _columns(sheet, layout)
    findings: list[Finding] = []
    problems: list[Problem] = []
    for row in sheet.rows:
        if row.number <= header:
            continue
        cells = {cell.column: cell for cell in row.cells}
        values = {field: cells[column] for field, column in columns.items() if column in cells}
        try:
            findings.append(_finding(row, values, layout, now))
        except _Wrong as error:
            problems.append(Problem(row=row.number, text=error.text))
    return findings, problems


class _Wrong(Exception):
    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text


def _sheet(name: str, data: bytes) -> Sheet:
    if not data.strip():
        raise FileRefused(_("This file is empty."))
    if excel.is_workbook(data):
        return excel.read_workbook(data, max_rows=MOST_ROWS)[0]
    return textfiles.read_text(data, tabs=name.lower().endswith(".tsv"), max_rows=MOST_ROWS)


def _columns(sheet: Sheet, layout: Layout) -> tuple[int, Mapping[str, int]]:
    """The row of the headings, and where which field stands."""
    wanted = {folded(heading): field for field, heading in layout.headings.items() if heading}
    for row in sheet.rows[:_HEADER_WITHIN]:
        found = {wanted[f]: cell.column for cell in row.cells if (f := folded(cell.text)) in wanted}
        if all(field in found for field in REQUIRED) and ("name" in found or "mac" in found):
            return row.number, found
    headings = "、".join(layout.headings[field] for field in ("name", *REQUIRED))
    raise FileRefused(
        _("The headings were not found: %(headings)s. Check the mapping.") % {"headings": headings}
    )


def _finding(row: Row, values: Mapping[str, Cell], layout: Layout, now: dt.datetime) -> Finding:
    result = _result(values, layout)
    failed = tuple(str(test) for field, test in _TESTS.items() if _good(values, field, layout) is False)
    if result == Result.UNFIT and not failed:
        raise _Wrong(_("It says unfit, but no check that failed."))
    checked_at = _moment(values["checked_at"]) if "checked_at" in values else None
    if checked_at is None:
        raise _Wrong(_("The moment of the last check cannot be read."))
    if checked_at > now + dt.timedelta(days=1):
        raise _Wrong(_("The moment of the last check lies in the future."))
    return Finding(
        row=row.number,
        name=computer_name(_text(values, "name")),
        mac=_mac(values),
        result=result,
        checked_at=checked_at,
        has_agent=_good(values, "agent", layout),
        failed=failed,
        patches_since=_day(values, "patches_since"),
        patterns_since=_day(values, "patterns_since"),
    )


def _result(values: Mapping[str, Cell], layout: Layout) -> str:
    word = layout.word(_text(values, "result"), layout.fit, layout.unfit)
    if word is None:
        text = _("The result is neither fit nor unfit: %(value)s")
        raise _Wrong(text % {"value": _text(values, "result") or _("(empty)")})
    return str(Result.FIT if word else Result.UNFIT)


def _good(values: Mapping[str, Cell], field: str, layout: Layout) -> bool | None:
    text = _text(values, field)
    if not text:
        return None
    word = layout.word(text, layout.good, layout.bad)
    if word is None:
        raise _Wrong(_("This word of a check is not in the mapping: %(value)s") % {"value": text[:40]})
    return word


def _mac(values: Mapping[str, Cell]) -> str:
    name, cell = _text(values, "name"), values.get("mac")
    if cell is None or cell.value is None:
        if not name:
            raise _Wrong(_("Neither a computer name nor a MAC address."))
        return ""
    try:
        return parse_mac(cell.value)
    except AddressRefused as error:
        if name:
            return ""  # the name says which machine it is
        raise _Wrong(error.reason) from error


def _text(values: Mapping[str, Cell], field: str) -> str:
    return values[field].text if field in values else ""


def _moment(cell: Cell) -> dt.datetime | None:
    """A moment in Japan, as workbooks and texts hold it."""
    value: Any = cell.value
    if isinstance(value, dt.datetime):
        return value if value.tzinfo else value.replace(tzinfo=JST)
    if isinstance(value, dt.date):
        return dt.datetime.combine(value, dt.time(), JST)
    day, _space, clock = cell.text.replace("T", " ").partition(" ")
    found = parse_date(day)
    if found is None or found.year < 1990:  # 0001/01/01: no moment that a database gives back
        return None
    try:
        time = dt.time.fromisoformat(clock.strip().zfill(5)) if clock.strip() else dt.time()
    except ValueError:
        return None
    return dt.datetime.combine(found, time.replace(tzinfo=None), JST)


def _day(values: Mapping[str, Cell], field: str) -> dt.date | None:
    if field not in values or not values[field].text:
        return None
    value: Any = values[field].value
    if isinstance(value, dt.datetime):
        return value.date()
    if isinstance(value, dt.date):
        return value
    day = parse_date(values[field].text.partition(" ")[0])
    if day is None:
        raise _Wrong(_("The day of delivery cannot be read: %(value)s") % {"value": values[field].text[:40]})
    return day


def numbers(problems: Sequence[Problem]) -> list[dict[str, Any]]:
    """As QuarantineImport.problems holds them."""
    return [{"row": problem.row, "text": problem.text} for problem in problems]
