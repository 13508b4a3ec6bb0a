"""Records as bytes: the lines that sealing hashes and verifying hashes again (the format stands in portal.trail.sources)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from hashlib import sha256
from itertools import count, takewhile
from typing import Any

from django.db import connection
from psycopg.errors import error_from_result
from psycopg.pq import ExecStatus, TransactionStatus

from portal.trail.models import Leaf
from portal.trail.sources import Rows

_LEAVES_AT_ONCE = 10_000
_SESSION = (
    "SET LOCAL TimeZone = 'UTC'; SET LOCAL DateStyle = 'ISO, YMD'; SET LOCAL IntervalStyle = 'postgres';"
    " SET LOCAL extra_float_digits = 1; SET LOCAL bytea_output = 'hex'"
)


def set_session() -> None:
    """The way in which this transaction writes values."""
    with connection.cursor() as cursor:
        cursor.execute(_SESSION)


def lines(query: str, parameters: list[Any] | None = None) -> Iterator[bytes]:
    """What COPY writes for each row of the query, without the line feed. Only inside a transaction."""
    # One row each, as the protocol sends them; a line feed within a value is written as \n.
    for row in _copied(f"COPY ({query}) TO STDOUT (FORMAT text, ENCODING 'UTF8')", parameters):
        yield row[:-1].tobytes()


def _copied(statement: str, parameters: list[Any] | None) -> Iterator[memoryview]:
    """The rows of a COPY as they come. psycopg's own loop asks at each row anew whether to wait, which costs more than to hash
    the row; libpq, asked here as psycopg.pq lets one, waits by itself."""
    with connection.cursor() as cursor:
        raw: Any = cursor.cursor
        server = raw.connection.pgconn
        begun = server.exec_(raw.mogrify(statement, parameters or None).encode())
        if begun.status != ExecStatus.COPY_OUT:
            raise error_from_result(begun)
        try:
            while (found := server.get_copy_data(0))[0] > 0:
                yield found[1]
            _take_results(server)
        except BaseException:  # of the reader, who has had enough, or of the server
            if server.transaction_status == TransactionStatus.ACTIVE:
                raw.connection.cancel_safe()
                while server.get_copy_data(0)[0] > 0:
                    pass
                while server.get_result():
                    pass
            raise


def _take_results(server: Any) -> None:
    """What the server says at the end; the connection is free for the next statement then."""
    failed = None
    while (result := server.get_result()) is not None:
        if result.status == ExecStatus.FATAL_ERROR:
            failed = result
    if failed is not None:
        raise error_from_result(failed)


def listed(columns: tuple[str, ...], of: str) -> str:
    """The columns in SQL."""
    return ", ".join(f'{of}."{name}"' for name in columns)


def parts_of_chunk(rows: Rows, key: int) -> dict[bytes, bytes]:
    """By the name of each part of a chunk the SHA-256 over its lines, each with its line feed, as hexadecimal digits."""
    query = (
        f'SELECT {rows.part or "NULL"}, {listed(rows.columns, "r")} FROM "{rows.table}" r'  # noqa: S608
        f' WHERE r."{rows.chunk}" = %s ORDER BY r."{rows.order}"'
    )
    made = {} if rows.part else {b"\\N": sha256()}
    for row in lines(query, [key]):
        part, line = row.split(b"\t", 1)
        if part not in made:
            made[part] = sha256()
        made[part].update(line + b"\n")
    return {part: digest.hexdigest().encode() for part, digest in made.items()}


def told_of_parts(rows: Rows, parts: Mapping[bytes, bytes]) -> bytes:
    """What the leaf of a chunk covers behind the line of the chunk: a line for each part, by their names."""
    if not rows.part:
        return b"\n" + parts[b"\\N"]
    return b"".join(b"\n%b %b" % (part, parts[part]) for part in sorted(parts))


def leaf_hashes(start: int, end: int) -> Iterator[list[bytes]]:
    """The hashes of leaves in their order, many at once, `end` excluded. Stops where a number is missing."""
    query = (
        "SELECT count(*), string_agg(hash, ''::bytea ORDER BY number) FROM trail_leaf"
        " WHERE number >= %s AND number < %s"
    )
    with connection.cursor() as cursor:
        for at in range(start, end, _LEAVES_AT_ONCE):
            stop = min(at + _LEAVES_AT_ONCE, end)
            cursor.execute(query, [at, stop])
            found, joined = cursor.fetchone()
            if found < stop - at or len(joined) != 32 * found:
                yield _up_to_gap(at, stop)
                return
            yield [joined[place : place + 32] for place in range(0, len(joined), 32)]


def _up_to_gap(start: int, end: int) -> list[bytes]:
    rows = Leaf.objects.filter(number__gte=start, number__lt=end).order_by("number")
    numbered = zip(count(start), rows.values_list("number", "hash"))
    there = takewhile(lambda each: each[0] == each[1][0] and len(each[1][1]) == 32, numbered)
    return [bytes(kept) for _number, (_own, kept) in there]
