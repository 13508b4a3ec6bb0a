"""Rows as COPY takes them: one line each in UTF-8, its values between tabs, in the order of WRITTEN."""

from __future__ import annotations

import datetime as dt

# What LogRow has.
COLUMNS = (
    "id", "organisation_id", "batch_id", "log_kind", "event_at", "indexed_at", "host", "db_name", "db_user", "os_user",
    "client", "program", "session_id", "action", "object_name", "target", "volume", "return_code", "source_id",
    "medium_type", "medium_serial", "involves_number", "is_application", "is_skewed", "line_hash",
)  # fmt: skip
# The same in the order in which rows are written: what the rows of one account, program and client have in common together.
WRITTEN = (
    "id", "batch_id", "event_at", "indexed_at", "is_skewed", "log_kind", "organisation_id", "host", "db_user", "os_user", "client",
    "program", "is_application", "involves_number", "db_name", "session_id", "action", "object_name", "target", "volume",
    "return_code", "source_id", "medium_type", "medium_serial", "line_hash",
)  # fmt: skip
LINE_BITS = 32  # the number of a row is its import and its line
Event = tuple[
    int, dt.datetime, str
]  # federation, moment and number at the source: the same three are the same event
_PLACES = [WRITTEN.index(name) for name in ("organisation_id", "event_at", "source_id", "line_hash")]
_HOST = WRITTEN.index("host")


def row_id(import_id: int, line_number: int) -> int:
    """See LogRow.id."""
    return import_id << LINE_BITS | line_number


def for_copy(text: str, delimiter: str = ",") -> str:
    """A text as COPY takes it, but for line breaks."""
    if "\\" in text:
        text = text.replace("\\", "\\\\")
    if "\r" in text:
        text = text.replace("\r", "\\r")
    if "\t" in text and delimiter != "\t":
        text = text.replace("\t", "\\t")
    return text


def plain(value: str) -> str:
    """A value as it was before it was escaped for COPY."""
    return value.replace("\\t", "\t").replace("\\\\", "\\") if "\\" in value else value


def written_at(row: bytes) -> str:
    """The moment of a row as the file wrote it."""
    return row.split(b"\t", _PLACES[1] + 1)[_PLACES[1]].decode()


def host_of(row: bytes) -> str:
    """The machine of a row."""
    return plain(row.split(b"\t", _HOST + 1)[_HOST].decode())


def event_of(row: bytes) -> Event:
    """What a row is the record of; a line without a number at the source is told by its hash. One moment may be written in
    several zones."""
    values = row.decode().split("\t")
    organisation, at, source, line_hash = (values[place] for place in _PLACES)
    identity = plain(source) or line_hash.removesuffix("\n").removeprefix("\\\\x")
    return int(organisation), dt.datetime.fromisoformat(at), identity
