"""One page of a file's rows as the screen shows them: those with errors first, each cell with its address and its error."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from portal.common.text import search_key, search_terms
from portal.workflow.bulk.cells import address
from portal.workflow.bulk.columns import Column, shown

ROWS_ON_PAGE = 25
VIEWS = ("errors", "attention", "all")


class RowsOfFile(Protocol):
    """What a file left behind: an Upload, or another room's rows of the same form."""

    rows: Any
    letters: Any
    error_count: Any


@dataclass(frozen=True)
class ShownCell:
    """One cell of a row."""

    column: Column
    name: str  # of the input
    address: str
    text: str
    errors: list[str]


@dataclass(frozen=True)
class ShownRow:
    """One row. `errors` belong to no single cell."""

    number: int
    cells: list[ShownCell]
    errors: list[str]
    warnings: list[str]
    corrections: list[list[str]]

    @property
    def has_errors(self) -> bool:
        """Whether something must be corrected."""
        return bool(self.errors) or any(cell.errors for cell in self.cells)


@dataclass(frozen=True)
class RowPage:
    """What the page shows, and its neighbours."""

    columns: Sequence[Column]
    rows: list[ShownRow]
    view: str
    query: str
    number: int
    pages: int
    count: int

    @property
    def previous(self) -> int:
        """0 when there is none."""
        return self.number - 1

    @property
    def following(self) -> int:
        """0 when there is none."""
        return self.number + 1 if self.number < self.pages else 0


def page_of(
    upload: RowsOfFile,
    columns: Sequence[Column],
    query: Mapping[str, str],
    typed: Mapping[int, Mapping[str, str]],
) -> RowPage:
    """The page that the URL names; `typed` is what a refused correction must not lose."""
    view = query.get("view", "")
    if view not in VIEWS:
        view = "errors" if upload.error_count else "all"
    words = search_terms(query.get("q", "").replace("\x00", ""))
    found = [row for row in upload.rows if _is_shown(row, view) and _holds(row, columns, words)]
    pages = max(-(-len(found) // ROWS_ON_PAGE), 1)
    asked = query.get("page", "1")
    number = min(max(int(asked) if asked.isascii() and asked.isdigit() and len(asked) < 6 else 1, 1), pages)
    rows = found[(number - 1) * ROWS_ON_PAGE : number * ROWS_ON_PAGE]
    return RowPage(
        columns=columns,
        rows=[_row(upload, columns, row, typed.get(row["n"], {})) for row in rows],
        view=view,
        query=query.get("q", "")[:200],
        number=number,
        pages=pages,
        count=len(found),
    )


def _is_shown(row: Mapping[str, Any], view: str) -> bool:
    if view == "errors":
        return bool(row.get("e"))
    return view == "all" or bool(row.get("e") or row.get("w") or row.get("c"))


def _holds(row: Mapping[str, Any], columns: Sequence[Column], words: Sequence[str]) -> bool:
    if not words:
        return True
    text = search_key(*(shown(column, row["v"].get(column.name)) for column in columns))
    return all(word in text for word in words)


def _row(
    upload: RowsOfFile, columns: Sequence[Column], row: Mapping[str, Any], typed: Mapping[str, str]
) -> ShownRow:
    wrong = row.get("e") or {}
    known = {column.name for column in columns}
    cells = [
        ShownCell(
            column=column,
            name=f"r{row['n']}-{column.name}",
            address=address(upload.letters[column.name], row["n"]) if column.name in upload.letters else "",
            text=typed.get(column.name, shown(column, row["v"].get(column.name))),
            errors=wrong.get(column.name, []),
        )
        for column in columns
    ]
    return ShownRow(
        number=row["n"],
        cells=cells,
        errors=[text for name, texts in wrong.items() if name not in known for text in texts],
        warnings=row.get("w", []),
        corrections=row.get("c", []),
    )
