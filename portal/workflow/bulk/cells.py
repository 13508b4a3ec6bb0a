"""A file as cells: what was typed where, before anybody knows which kind of application it is for."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import Any

from portal.common import xlsx

Value = str | int | float | bool | dt.datetime | dt.date | dt.time | None


@dataclass(frozen=True)
class Cell:
    """One cell. `problem` says why its value cannot be used, whatever the column."""

    column: int  # 1 is A
    value: Value
    number_format: str = ""
    problem: str = ""

    @property
    def text(self) -> str:
        """The value as text, for headers and marks."""
        return "" if self.value is None else str(self.value).strip()


@dataclass(frozen=True)
class Row:
    """One row that holds something; `number` as the spreadsheet shows it."""

    number: int
    cells: list[Cell]


@dataclass(frozen=True)
class Sheet:
    """One sheet of a workbook, or a text file. `hidden` are the numbers of hidden rows that hold something."""

    name: str
    rows: list[Row]
    hidden: list[int] = field(default_factory=list)


def address(column: int, row: int) -> str:
    """As Excel names it: D12."""
    return f"{xlsx.get_column_letter(column)}{row}"


def is_empty(value: Any) -> bool:
    """Whether a cell holds nothing that anybody sees."""
    return value is None or (isinstance(value, str) and not value.strip())
