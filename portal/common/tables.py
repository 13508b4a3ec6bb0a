"""A register as a table: one list of columns says what the screen, the CSV, the Excel file and the print view show.

A room declares a `Table`; which columns a person wants to see is kept by portal.orgs.columns.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Generic, TypeVar

from django.db.models import QuerySet
from django.urls import reverse
from django.utils.formats import localize
from django.utils.html import format_html
from django.utils.safestring import SafeString

R = TypeVar("R")


@dataclass(frozen=True, kw_only=True)
class Column(Generic[R]):
    """One column. `text` is the plain value for files, `cell` the safe HTML of the screen (the text where there is none)."""

    name: str  # in URLs and in what a person chose; never reused for something else
    label: Any  # gettext_lazy
    text: Callable[[R], Any]
    cell: Callable[[R], Any] | None = None
    css: str = ""  # class of the cell: "who", "st", "u-num" …
    default: bool = True
    # The fields that it reads, seen from the row's model: a list loads these and nothing else of a row.
    reads: tuple[str, ...] = ()

    def shown(self, row: R) -> str:
        """What the screen shows; "" for nothing."""
        value = self.cell(row) if self.cell is not None else self.text(row)
        return value if isinstance(value, str) else str(localize(value)) if value is not None else ""

    def tags(self) -> tuple[SafeString, SafeString]:
        """How a cell begins on the screen, and a cell with nothing in it; who and state speak for themselves on a card."""
        css = format_html(' class="{}"', self.css) if self.css else ""
        label = format_html(' data-l="{}"', self.label) if self.css not in ("who", "st") else ""
        mark = " data-empty" if label else ""
        empty = format_html('<td role="cell"{}{}{}><span class="u-sub">–</span>', css, label, mark)
        return format_html('<td role="cell"{}{}>', css, label), empty


@dataclass(frozen=True, kw_only=True)
class Shown(Generic[R]):
    """A table with the columns that one person sees, for components/table.html."""

    table: Table[R]
    columns: Sequence[Column[R]]

    @property
    def choices(self) -> list[tuple[Column[R], bool]]:
        """Every column that may be left out, with whether it is shown."""
        chosen = {column.name for column in self.columns}
        return [(column, column.name in chosen) for column in self.table.columns[1:]]

    def prepared(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        """The rows with what the columns need, in one statement; as they come where a column does not say what it reads."""
        if not all(column.reads for column in self.columns):
            return rows
        fields = {field for column in self.columns for field in column.reads}
        related = {path for field in fields if (path := field.rpartition("__")[0])}
        rows = rows.select_related(None)
        return (rows.select_related(*related) if related else rows).only(*fields)

    def rows(self, rows: Iterable[R]) -> Iterator[SafeString]:
        """Each row as HTML, the key first; a template with its tags for every cell takes several times as long."""
        key, *others = self.columns
        tags = [(column, *column.tags()) for column in others]
        pattern = f'<tr role="row"><th role="rowheader" scope="row" class="no">{{}}</th>{"{}{}</td>" * len(others)}</tr>\n'
        for row in rows:
            parts: list[str] = [key.shown(row)]
            for column, filled, empty in tags:
                value = column.shown(row)
                parts += (filled, value) if value else (empty, "")
            yield format_html(pattern, *parts)

    @property
    def header(self) -> list[str]:
        """The labels, for a file."""
        return [str(column.label) for column in self.columns]

    def lines(self, rows: Iterable[R]) -> Iterator[list[Any]]:
        """The plain values of each row, for a file."""
        for row in rows:
            yield [column.text(row) for column in self.columns]


@dataclass(frozen=True, kw_only=True)
class Table(Generic[R]):
    """A register. The first column is its key and is always shown."""

    name: str  # "accounts": names the choice of columns
    url_name: str  # of the list, to return to it
    columns: Sequence[Column[R]]

    def with_columns(self, names: Sequence[str] | None) -> Shown[R]:
        """The table with these columns in its own order; None: those shown to everybody. Unknown names are ignored."""
        wanted = {column.name for column in self.columns if column.default} if names is None else set(names)
        key, *others = self.columns
        return Shown(table=self, columns=[key, *(column for column in others if column.name in wanted)])


def link(url_name: str, key: Any, words: Any) -> SafeString:
    """What leads from a row to its page."""
    return format_html('<a class="u-mono u-nowrap" href="{}">{}</a>', _address(url_name, key), words)


@lru_cache(maxsize=8192)  # the newest rows are asked for again and again
def _address(url_name: str, key: Any) -> str:
    return reverse(url_name, args=[key])


_tables: dict[str, Table[Any]] = {}


def register(table: Table[R]) -> Table[R]:
    """Make a table known by its name, so that a choice of its columns can be kept. Raises ValueError for a second one."""
    if table.name in _tables:
        raise ValueError(f"there are two tables {table.name}")
    _tables[table.name] = table
    return table


def get(name: str) -> Table[Any]:
    """The table of that name; raises KeyError."""
    return _tables[name]
