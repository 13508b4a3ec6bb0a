"""A register as a table: one list of columns says what the screen, the CSV, the Excel file and the print view show.

A room declares a `Table`; which columns a person wants to see is kept by portal.orgs.columns.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from django.db.models import QuerySet

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
    related: tuple[
        str, ...
    ] = ()  # what must be loaded with a row so that this column costs no statement each

    def shown(self, row: R) -> Any:
        """What the screen shows."""
        return self.cell(row) if self.cell is not None else self.text(row)


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
        """The rows with everything loaded that the columns need."""
        related = [name for column in self.columns for name in column.related]
        return rows.select_related(*related) if related else rows

    def rows(self, rows: Iterable[R]) -> Iterator[list[tuple[Column[R], Any]]]:
        """The cells of each row, the key first."""
        for row in rows:
            yield [(column, column.shown(row)) for column in self.columns]

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
