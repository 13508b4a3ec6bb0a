"""What goes into the evidence log: rooms register their insert-only tables when the portal starts (docs/adr/0040).

A room calls `register_source` from its AppConfig.ready():

    register_source(
        name="audit.reason",                 # for ever: it is part of every hash
        label=_("reasons of mismatches"),
        table="audit_mismatchreason",
        columns="id mismatch_id at actor_id code text",
        time="at",
    )

The row with key k becomes the leaf SHA-256(0x00 || header || line): the header is "evidence/1 NAME/VERSION k" and a line feed,
the line is what `COPY (SELECT columns FROM table) TO STDOUT (FORMAT text, ENCODING 'UTF8')` writes for it, without its line
feed, in a session with TimeZone UTC, DateStyle ISO, extra_float_digits 1 and bytea_output hex. psql and sha256sum can do it too.

- An insert-only table (portal.common.models.insert_only) needs no more than that. Its key must come from a sequence.
- A row that is written first and becomes evidence later (a decision, a mail that was sent) says with `when` in SQL from when
  it no longer changes, and with `settled` at which time that was; name only columns that never change after it. The table
  needs an index on `settled`.
- A table of millions of rows does not need a leaf for each: register the table of its chunks (one insert-only row when an
  import has written a chunk, of about ten thousand rows) with `rows=Rows(...)`. The leaf then covers every row of the chunk.
- A file on disk or in another table: register the table that holds its SHA-256, and name with `check` a function that looks
  whether the file still has it.
- Records that go when their keeping time is over (AUD-09): `going` gives the decisions that name them, which are a source
  themselves. What a decision explains is counted, not missed; what it must say for that stands in portal.trail.explaining.
  Where only some rows of a chunk go, let `rows` name the `part` that goes together: the leaf then covers the digest of each part.
  A part that is named later is a new version as well (`parts_since`).
- A column that is added later: raise `version`, put the old columns into `earlier`. Old leaves are checked as they were made.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

_NAME = re.compile(r"[a-z0-9_.]{1,60}")
_IDENTIFIER = re.compile(r"[a-z_][a-z0-9_]*")

# Given the keys to look at (None: all): the keys whose file is missing or another, with what is wrong.
Check = Callable[[Iterable[int] | None], Iterable[tuple[int, str]]]


@dataclass(frozen=True, kw_only=True)
class Rows:
    """The rows of a chunk: `table` with a column `chunk` that holds the chunk's key, read in the order of `order`.

    `part` says in SQL of a row r with which others of its chunk it will go; without it they all stay together. Leaves of versions
    before `parts_since` cover one digest over all rows.
    """

    table: str
    chunk: str
    columns: tuple[str, ...]
    order: str = "id"
    part: str = ""
    parts_since: int = 1


@dataclass(frozen=True, kw_only=True)
class Decision:
    """That records go because their keeping time is over, as the record of the decision says it.

    `gone` names them by key, each with what stays provable: the line of a part that went ("PART DIGEST"), the SHA-256 over the
    line of a record that stays without its content, nothing for a record that went as a whole.

    `less` names those of which less can be proven, because of the form of their leaves or of an earlier form of the record: the
    digest of the rows that were left of a chunk whose leaf covers no parts, the values of Going.named, or nothing. `earlier`: the
    record was sealed when the portal wrote that form.
    """

    number: int  # its key in Going.decided
    at: datetime  # when it was made, as it says itself
    kept_until: datetime  # before that it could not be made
    years: int  # for so long at least a record is kept after it was sealed
    gone: Mapping[int, bytes]
    less: Mapping[int, bytes] = field(default_factory=dict)
    earlier: bool = False


@dataclass(frozen=True, kw_only=True)
class Going:
    """How records of a source go: as a whole, without the content of the column `emptied`, or by parts (Rows.part)."""

    decided: str  # the source of the decisions
    read: Callable[[], Iterable[Decision]]  # those that can be true
    emptied: str = ""
    named: tuple[str, ...] = ()  # the columns that records of decisions told once instead of a digest


@dataclass(frozen=True, kw_only=True)
class Source:
    """One table of the evidence; see the module."""

    name: str
    label: Any
    table: str
    columns: tuple[str, ...]
    version: int = 1
    earlier: Mapping[int, tuple[str, ...]] = field(default_factory=dict)
    key: str = "id"
    time: str = ""
    when: str = ""
    settled: str = ""
    rows: Rows | None = None
    check: Check | None = None
    going: Going | None = None

    def columns_of(self, version: int) -> tuple[str, ...] | None:
        """The columns of a version; None for one that is not known here."""
        return self.columns if version == self.version else self.earlier.get(version)

    def rows_of(self, version: int) -> Rows | None:
        """The rows of a chunk as the leaves of a version cover them."""
        if self.rows is None or version >= self.rows.parts_since:
            return self.rows
        return replace(self.rows, part="")

    def form(self, version: int) -> bytes:
        """The data of a leaf, with places for key and line."""
        return f"evidence/1 {self.name}/{version} %b\n%b".encode()


_sources: dict[str, Source] = {}


def register_source(
    *,
    name: str,
    label: Any,
    table: str,
    columns: str | Iterable[str],
    version: int = 1,
    earlier: Mapping[int, Iterable[str]] | None = None,
    key: str = "id",
    time: str = "",
    when: str = "",
    settled: str = "",
    rows: Rows | None = None,
    check: Check | None = None,
    going: Going | None = None,
) -> Source:
    """Let the rows of a table be sealed from now on; what is in it already is sealed by the next seal.

    Raises ValueError for a name that is taken or names that are none.
    """
    source = Source(
        name=name,
        label=label,
        table=table,
        columns=tuple(columns.split() if isinstance(columns, str) else columns),
        version=version,
        earlier={number: tuple(names) for number, names in (earlier or {}).items()},
        key=key,
        time=time,
        when=when,
        settled=settled,
        rows=rows,
        check=check,
        going=going,
    )
    _refuse_what_is_no_source(source)
    _sources[name] = source
    return source


def all_sources() -> list[Source]:
    """Every source, in the order of their names."""
    return [_sources[name] for name in sorted(_sources)]


def find_source(name: str) -> Source | None:
    """The source of that name."""
    return _sources.get(name)


def _refuse_what_is_no_source(source: Source) -> None:
    if not _NAME.fullmatch(source.name):
        raise ValueError(f"{source.name!r} cannot be the name of a source")
    known = _sources.get(source.name)
    if known is not None and known.table != source.table:
        raise ValueError(f"{source.name!r} is taken by {known.table}")
    named = [
        source.table,
        source.key,
        *source.columns,
        *(name for old in source.earlier.values() for name in old),
    ]
    named += [name for name in (source.time, source.settled, source.going and source.going.emptied) if name]
    named += source.going.named if source.going else ()
    if source.rows:
        named += [source.rows.table, source.rows.chunk, source.rows.order, *source.rows.columns]
    wrong = [name for name in named if not _IDENTIFIER.fullmatch(name)]
    if wrong or not source.columns or bool(source.when) != bool(source.settled):
        raise ValueError(f"source {source.name!r} is not well-formed {wrong}")
