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
- Rows that go when their keeping time is over (AUD-09): `disposed` says in SQL of the key l.row_key that it was disposed of, from
  a table of disposals that is a source itself. Such records are counted, not missed. When only some rows of a chunk go, `left` gives
  the digest of those that stayed (portal.trail.reading.digest_of_chunk, made when the others went): they are proven by it.
- A column that is added later: raise `version`, put the old columns into `earlier`. Old leaves are checked as they were made.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

_NAME = re.compile(r"[a-z0-9_.]{1,60}")
_IDENTIFIER = re.compile(r"[a-z_][a-z0-9_]*")

# Given the keys to look at (None: all): the keys whose file is missing or another, with what is wrong.
Check = Callable[[Iterable[int] | None], Iterable[tuple[int, str]]]


@dataclass(frozen=True, kw_only=True)
class Rows:
    """The rows of a chunk: `table` with a column `chunk` that holds the chunk's key, read in the order of `order`."""

    table: str
    chunk: str
    columns: tuple[str, ...]
    order: str = "id"


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
    disposed: str = "false"
    left: str = "NULL"

    def columns_of(self, version: int) -> tuple[str, ...] | None:
        """The columns of a version; None for one that is not known here."""
        return self.columns if version == self.version else self.earlier.get(version)

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
    disposed: str = "false",
    left: str = "NULL",
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
        disposed=disposed,
        left=left,
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
    named += [name for name in (source.time, source.settled) if name]
    if source.rows:
        named += [source.rows.table, source.rows.chunk, source.rows.order, *source.rows.columns]
    wrong = [name for name in named if not _IDENTIFIER.fullmatch(name)]
    if wrong or not source.columns or bool(source.when) != bool(source.settled):
        raise ValueError(f"source {source.name!r} is not well-formed {wrong}")
