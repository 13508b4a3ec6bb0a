"""Workbooks, read with suspicion: limits before anything is unpacked, no macros, no entities, no formula believed."""

from __future__ import annotations

import io
import re
import zipfile
from dataclasses import dataclass, field
from typing import Any

from django.utils.translation import gettext as _

from portal.common import xlsx
from portal.workflow.bulk.cells import Cell, Row, Sheet, is_empty
from portal.workflow.bulk.errors import FileRefused
from portal.workflow.bulk.textfiles import MAX_COLUMNS, formula_problem

_MAX_PARTS = 500
_MAX_UNPACKED = 60 * 1024 * 1024
_MAX_CELLS = 200_000
_MAX_SHEETS = 20
_MAX_MERGES = 2000
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_ENCRYPTED = "EncryptedPackage".encode("utf-16-le")
_CHUNK = 1 << 16
_TAGS = re.compile(rb"<(?:\w+:)?(?:row\b[^>]*>|c\b[^>]*>|mergeCell\b[^>]*>)")
_HIDDEN = re.compile(rb'\bhidden="(?:1|true)"')
_NUMBER = re.compile(rb'\br="(\d+)"')
_LETTERS = re.compile(rb'\br="([A-Z]{1,3})\d+"')
_REFERENCE = re.compile(rb'\bref="([A-Z]{1,3}\d+(?::[A-Z]{1,3}\d+)?)"')


@dataclass
class _Marks:
    """What openpyxl does not tell of a sheet that it reads row by row."""

    hidden: set[int] = field(default_factory=set)
    merged: dict[tuple[int, int], str] = field(default_factory=dict)  # (row, column) → "B4:B6"
    cells: int = 0
    last_row: int = 0
    last_column: int = 1


def is_workbook(data: bytes) -> bool:
    """Whether this is meant to be a workbook of whatever age."""
    return data.startswith((b"PK\x03\x04", b"PK\x05\x06", _OLE))


def read_workbook(data: bytes, *, max_rows: int) -> list[Sheet]:
    """The visible sheets with their cells. Raises FileRefused."""
    _refuse_old(data)
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            _refuse_dangerous(archive)
            book = xlsx.load_workbook(io.BytesIO(data), read_only=True, data_only=False, keep_links=False)
            sheets = [sheet for sheet in book.worksheets if sheet.sheet_state == "visible"][:_MAX_SHEETS]
            return [_sheet(archive, sheet, max_rows) for sheet in sheets]
    except FileRefused:
        raise
    except MemoryError:
        raise
    except Exception as error:  # whatever a damaged or hostile file makes the library raise
        raise FileRefused(
            _(
                "This workbook is damaged. Open it in Excel, save it under a new name as .xlsx and choose that file."
            )
        ) from error


def _refuse_old(data: bytes) -> None:
    if not data.startswith(_OLE):
        return
    if _ENCRYPTED in data:
        raise FileRefused(_("This workbook is protected by a password. Save it without one."))
    raise FileRefused(_("This is a workbook of the old form (.xls). Save it as .xlsx."))


def _refuse_dangerous(archive: zipfile.ZipFile) -> None:
    parts = archive.infolist()
    names = {part.filename.lower() for part in parts}
    if len(parts) > _MAX_PARTS or sum(part.file_size for part in parts) > _MAX_UNPACKED:
        raise FileRefused(_("This workbook is too large when unpacked. Copy the rows into a new workbook."))
    if any(name.endswith("vbaproject.bin") for name in names):
        raise FileRefused(_("This workbook holds macros (.xlsm). Save it as .xlsx without macros."))
    if "xl/workbook.xml" not in names:
        raise FileRefused(_("This is not an Excel workbook. Save the table as .xlsx or as CSV."))


def _sheet(archive: zipfile.ZipFile, sheet: Any, max_rows: int) -> Sheet:
    marks = _scan(archive, sheet)
    if marks.cells > _MAX_CELLS or marks.last_row > max_rows * 2 + 1000:
        raise FileRefused(
            _(
                "The sheet “%(sheet)s” has too many rows or cells: at most %(most)d rows fit into one application. Split it, or delete what lies below and beside the table."
            )
            % {"sheet": sheet.title, "most": max_rows}
        )
    sheet.reset_dimensions()  # what the file says about its own size is not believed
    rows = []
    for number, cells in enumerate(sheet.iter_rows(max_col=min(marks.last_column, MAX_COLUMNS)), start=1):
        found = [_cell(cell, number, column, marks) for column, cell in enumerate(cells, start=1)]
        kept = [cell for cell in found if cell is not None]
        if kept:
            rows.append(Row(number, kept))
    hidden = [row.number for row in rows if row.number in marks.hidden]
    return Sheet(sheet.title, rows, hidden)


def _cell(cell: Any, row: int, column: int, marks: _Marks) -> Cell | None:
    merged = marks.merged.get((row, column))
    if is_empty(cell.value) and merged is None:
        return None
    problem = ""
    if merged is not None:
        problem = _("%(range)s is one merged cell. Unmerge it and fill in each row.") % {"range": merged}
    elif cell.data_type == "f":
        problem = formula_problem()
    elif cell.data_type == "e":
        problem = _("This cell shows the error %(error)s. Enter the value itself.") % {"error": cell.value}
    value = cell.value if cell.data_type != "f" else "="
    return Cell(column, value, str(getattr(cell, "number_format", "") or ""), problem)


def _scan(archive: zipfile.ZipFile, sheet: Any) -> _Marks:
    """Read the sheet's XML as bytes: hidden rows, merged cells and its true size, without building anything."""
    marks = _Marks()
    path = sheet._worksheet_path  # openpyxl tells it nowhere else
    rest = b""
    with archive.open(path.lstrip("/")) as stream:
        while chunk := stream.read(_CHUNK):
            rest = _marked(rest + chunk, marks)
            if marks.cells > _MAX_CELLS:
                break
    return marks


def _marked(data: bytes, marks: _Marks) -> bytes:
    """Note the tags of `data`; what may be the beginning of a tag is given back."""
    end = 0
    for tag in _TAGS.finditer(data):
        end = tag.end()
        text = tag.group()
        if b"mergeCell" in text:
            _note_merged(text, marks)
        elif b"row" in text[:12]:
            number = _NUMBER.search(text)
            marks.last_row = max(marks.last_row, int(number.group(1)) if number else marks.last_row + 1)
            if _HIDDEN.search(text):
                marks.hidden.add(marks.last_row)
        else:
            marks.cells += 1
            _note_column(text, marks)
    start = data.rfind(b"<", end)
    return data[start:] if start >= 0 and len(data) - start < _CHUNK else b""


def _note_column(text: bytes, marks: _Marks) -> None:
    """Every row is read as far as the last cell of the sheet, and no further than MAX_COLUMNS."""
    letters = _LETTERS.search(text)
    if letters is None:  # without addresses the cells stand one after another
        marks.last_column = MAX_COLUMNS
    elif marks.last_column < MAX_COLUMNS:
        marks.last_column = max(marks.last_column, xlsx.column_index_from_string(letters.group(1).decode()))


def _note_merged(text: bytes, marks: _Marks) -> None:
    found = _REFERENCE.search(text)
    if found is None or len(marks.merged) > _MAX_MERGES:
        return
    reference = found.group(1).decode()
    left, top, right, bottom = xlsx.range_boundaries(reference)
    for row in range(int(top), min(int(bottom), int(top) + _MAX_MERGES) + 1):
        for column in range(int(left), min(int(right), MAX_COLUMNS) + 1):
            marks.merged[row, column] = reference
