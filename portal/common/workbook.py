"""Tables as Excel workbooks: text stays text (no formula, leading zeros kept), the header stands still."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from functools import cache
from typing import IO, Any
from urllib.parse import quote

from django.http import FileResponse

from portal.common import xlsx
from portal.common.time import JST

CONTENT_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
TEXT_FORMAT = "@"  # Excel leaves the cell as it was typed: leading zeros stay, "3-4" becomes no date
_IN_MEMORY = 2 * 1024 * 1024  # a larger file goes to disk, without a name
_NARROWEST, _WIDEST = 16, 50
_CELL_LENGTH = 32_767  # the most that Excel opens


def safe_value(sheet: Any, value: Any) -> Any:
    """The value as a cell that no spreadsheet takes for a formula; times are Japanese, without the zone that Excel lacks."""
    if isinstance(value, datetime):
        return value.astimezone(JST).replace(tzinfo=None) if value.tzinfo else value
    if value is None or isinstance(value, bool | int | float | date):
        return value
    text = clean_text(value)
    return text_cell(sheet, text) if text.startswith("=") else text


def clean_text(value: Any) -> str:
    """The value as text that a workbook can hold."""
    return xlsx.ILLEGAL_CHARACTERS_RE.sub("", str(value))[:_CELL_LENGTH]


def text_cell(sheet: Any, value: Any, *, fill: str = "") -> xlsx.WriteOnlyCell:
    """A cell that holds text and nothing else, formatted so that Excel keeps it as text when somebody edits it. `fill`: the
    colour of its background."""
    cell = xlsx.WriteOnlyCell(sheet, value=clean_text(value))
    cell.data_type, cell.number_format = "s", TEXT_FORMAT
    if fill:
        cell.fill = _background(fill)
    return cell


def header_cell(sheet: Any, label: Any) -> xlsx.WriteOnlyCell:
    """A cell of the header row."""
    cell = xlsx.WriteOnlyCell(sheet, value=clean_text(label))
    cell.data_type = "s"
    cell.font, cell.fill = xlsx.Font(bold=True), _background("E8F1FE")
    cell.alignment = xlsx.Alignment(vertical="center")
    return cell


@cache
def _background(colour: str) -> xlsx.PatternFill:
    return xlsx.PatternFill("solid", fgColor=colour)


def begin_sheet(
    book: xlsx.Workbook, title: str, header: Sequence[Any], *, freeze: str = "A2", sheet: Any = None
) -> Any:
    """A new sheet (or `sheet`, still empty) of a write-only book with its header row; rows are appended to it."""
    sheet = sheet or book.create_sheet(title)
    sheet.freeze_panes = freeze
    for number, label in enumerate(header, start=1):
        width = min(max(2 * len(str(label)) + 4, _NARROWEST), _WIDEST)
        sheet.column_dimensions[xlsx.get_column_letter(number)].width = width
    sheet.append([header_cell(sheet, label) for label in header])
    return sheet


def workbook_response(
    name: str, header: Sequence[Any], rows: Iterable[Sequence[Any]], *, title: str = "1"
) -> FileResponse:
    """A download called `name` (Japanese is fine) with one sheet. The caller records it in the trail.

    Rows are written one by one, so that a hundred thousand of them take no more memory than ten.
    """
    book = xlsx.Workbook(write_only=True)
    sheet = begin_sheet(book, title, header)
    for row in rows:
        sheet.append([safe_value(sheet, value) for value in row])
    return book_response(name, book)


def book_response(name: str, book: xlsx.Workbook) -> FileResponse:
    """A whole workbook as a download."""
    file: IO[bytes] = tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY)  # type: ignore[assignment]  # noqa: SIM115 - the response closes it
    book.save(file)
    file.seek(0)
    response = FileResponse(file, content_type=CONTENT_TYPE)
    response["Content-Disposition"] = f"attachment; filename=\"export.xlsx\"; filename*=UTF-8''{quote(name)}"
    response["Cache-Control"] = "no-store, private"
    return response
