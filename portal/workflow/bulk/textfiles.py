"""CSV and tab-separated text in the encodings that Japanese offices have."""

from __future__ import annotations

import csv
import io

from django.utils.translation import gettext as _

from portal.common.csvfile import FORMULA_SIGNS
from portal.workflow.bulk.cells import Cell, Row, Sheet, is_empty
from portal.workflow.bulk.errors import FileRefused

_BOMS = ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))
_DELIMITERS = "\t,;"
MAX_COLUMNS = 200


def decoded(data: bytes) -> str:
    """The text, whatever its encoding: UTF-8, UTF-16 or CP932 (Shift_JIS). Raises FileRefused."""
    encodings = [name for bom, name in _BOMS if data.startswith(bom)] or _guesses(data)
    for encoding in encodings:
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\x00" not in text:
            return text
    raise FileRefused(
        _("The characters of this file cannot be read. Save it as “CSV UTF-8” or as an Excel workbook.")
    )


def _guesses(data: bytes) -> list[str]:
    """Half of the bytes of UTF-16 are zero where the text is ASCII; no other text has zeros."""
    start = data[:4000]
    if b"\x00" in start:
        odd = start[1::2].count(0)
        return ["utf-16-le"] if odd >= start[::2].count(0) else ["utf-16-be"]
    return ["utf-8", "cp932"]


def read_text(data: bytes, *, tabs: bool, max_rows: int) -> Sheet:
    """The rows of a text file. Raises FileRefused."""
    text = decoded(data)
    first = text.split("\n", 1)[0]
    delimiter = "\t" if tabs else max(_DELIMITERS, key=lambda sign: (first.count(sign), sign == ","))
    rows: list[Row] = []
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        for number, values in enumerate(reader, start=1):
            if all(map(is_empty, values)):
                continue
            if len(rows) > max_rows or len(values) > MAX_COLUMNS:
                raise FileRefused(_("This file has too many rows or columns. Split it."))
            rows.append(Row(number, [_cell(column, value) for column, value in enumerate(values, start=1)]))
    except csv.Error as error:
        text = _("Line %(line)d of this file is damaged: a quotation mark is missing or too much.")
        raise FileRefused(text % {"line": reader.line_num}) from error
    return Sheet("", rows)


def _cell(column: int, value: str) -> Cell:
    value = value.strip()
    if value.startswith("'") and value[1:].startswith(FORMULA_SIGNS):
        value = value[1:]  # as the portal's own files protect such a text
    elif value.startswith("="):
        return Cell(column, value, problem=formula_problem())
    return Cell(column, value or None)


def formula_problem() -> str:
    """Never calculated, never trusted."""
    return _("This cell holds a formula. Enter the value itself (copy, then paste as values).")
