"""The records of one source beside their leaves, for portal.trail.verifying."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

from django.db import connection

from portal.trail.explaining import Explanations
from portal.trail.findings import MOST, Finding, Floors, Kind, Result
from portal.trail.merkle import leaf_hash_in_digits
from portal.trail.reading import lines, listed, parts_of_chunk, set_session, told_of_parts
from portal.trail.sealing import BATCH, SETTLED_BACK, mark_of, newest
from portal.trail.sources import Rows, Source

_LATE = 12 * 3600.0  # seconds; a job may write with the time of its start; nothing takes longer
_NULL = b"\\N"


def look_at_source(result: Result, source: Source, since: int, floors: Floors) -> None:
    """Hash every sealed record anew, and look for records that were put in or taken out."""
    set_session()
    why = Explanations(source, result.seals)
    for version in sorted({*source.earlier, source.version}):
        _compare(result, source, version, since, floors, why)
    _unsealed(result, source, floors)
    if source.rows and not since:
        _without_chunk(result, source)
    result.less += why.less
    if source.check:
        for key, problem in source.check(None):
            _add(result, Kind.FILE, source, key, _leaf_of(source, key), problem)


def unproven(source: Source, keys: Collection[int]) -> list[int]:
    """Which of these records are not as they were sealed, so that nothing is disposed of that somebody changed.

    Only inside a transaction. Records without a leaf have nothing to fit and are not named.
    """
    set_session()
    why = Explanations(source, None)
    found = []
    for version in sorted({*source.earlier, source.version}):
        form, rows = source.form(version), source.rows_of(version)
        for row in _beside_leaves(source, version, _named(keys)):
            number, key, hexed, gone, _moment, line = row.split(b"\t", 5)
            whole = line + _told(rows, key) if rows else line
            if leaf_hash_in_digits(form % (key, whole)) != hexed and not (
                rows and gone == b"f" and _only_rows_gone(rows, form, key, int(number), hexed, line, why)
            ):
                found.append(int(key))
    return sorted(found)


def left_of(source: Source, keys: Collection[int]) -> dict[int, str]:
    """SHA-256 over the lines of sealed records as they are now, for Decision.gone. Only inside a transaction."""
    set_session()
    found = {}
    for version in sorted({*source.earlier, source.version}):
        for row in _beside_leaves(source, version, _named(keys)):
            _number, key, _hexed, _gone, _moment, line = row.split(b"\t", 5)
            found[int(key)] = sha256(line).hexdigest()
    return found


def _named(keys: Collection[int]) -> str:
    return f"l.row_key = ANY('{{{','.join(str(int(key)) for key in keys)}}}'::bigint[])"


def _told(rows: Rows, key: bytes) -> bytes:
    """What the leaf of a chunk covers of its rows."""
    return told_of_parts(rows, parts_of_chunk(rows, int(key)))


def _only_rows_gone(
    rows: Rows, form: bytes, key: bytes, place: int, hexed: bytes, line: bytes, why: Explanations
) -> bool:
    """Whether the rows of a chunk that are there fit its leaf together with the parts of it that were disposed of; where the leaf
    knows no parts, whether they are those that a disposal left."""
    there = parts_of_chunk(rows, int(key))
    if not rows.part:
        return why.is_as_left(int(key), place, there[b"\\N"])
    gone = why.parts_gone(int(key))
    return bool(gone) and leaf_hash_in_digits(form % (key, line + told_of_parts(rows, gone | there))) == hexed


def _compare(
    result: Result, source: Source, version: int, since: int, floors: Floors, why: Explanations
) -> None:
    """The records with a leaf of this version, by key. It does little for what fits: there are millions."""
    form, rows = source.form(version), source.rows_of(version)
    top, before, top_key = -1, -1, b""
    begin, end, earliest = 0, 0, 0.0
    for row in _beside_leaves(source, version, f"l.number >= {since}"):
        number, key, hexed, gone, moment, line = row.split(b"\t", 5)
        place = int(number)
        whole = line + _told(rows, key) if rows else line
        if leaf_hash_in_digits(form % (key, whole)) != hexed:
            left = rows and gone == b"f" and _only_rows_gone(rows, form, key, place, hexed, line, why)
            if left or why.explain(int(key), place, version, line, gone=gone == b"t"):
                result.disposed += 1
            else:
                _add(result, Kind.DELETED if gone == b"t" else Kind.CHANGED, source, int(key), place)
        # Keys come in order; numbers nearly so.
        if place > top:
            before, top, top_key = top, place, key
        elif not source.when and place < floors.closed_before(top):
            # The key got its leaf although higher ones had been sealed beyond doubt before.
            _add(result, Kind.INSERTED, source, int(top_key), top)
            top = max(before, place)
        if moment != _NULL:
            if not begin <= place < end:  # records of a batch mostly come together
                begin, end, sealed_before = floors.around(place)
                earliest = sealed_before - _LATE
            if float(moment) < earliest:
                # Nobody wrote it then, else the seal before its own had it.
                detail = f"{_moment(float(moment))} < {_moment(sealed_before)}"
                _add(result, Kind.BACK_DATED, source, int(key), place, detail)
        result.records += 1


def _beside_leaves(source: Source, version: int, condition: str) -> Iterable[bytes]:
    """For each leaf that is asked for, by key: number, key, hash, whether the record is gone, the time that it gives in seconds
    since 1970, and its line."""
    columns = source.columns_of(version)
    assert columns is not None
    own = f"date_part('epoch', t.\"{source.time}\")" if source.time else "NULL"
    found = lines(
        f"SELECT l.number, l.row_key, encode(l.hash, 'hex'), t.\"{source.key}\" IS NULL,"  # noqa: S608
        f" {own}, {listed(columns, 't')}"
        f' FROM trail_leaf l LEFT JOIN "{source.table}" t ON t."{source.key}" = l.row_key'
        f" WHERE l.source = '{source.name}' AND l.version = {version} AND {condition} ORDER BY l.row_key"
    )
    # A connection has one COPY at a time: chunks, which are few, are read before their rows.
    return list(found) if source.rows else found


def _moment(seconds: float) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M:%S%z}"


def _unsealed(result: Result, source: Source, floors: Floors) -> None:
    """Rows without a leaf that no seal will ever take."""
    if source.name == BATCH:
        return
    values: list[Any] = []
    key = f't."{source.key}"'
    if source.when:
        last = newest()
        if last is None:
            return
        condition = f'({source.when}) AND t."{source.settled}" <= %s'
        values = [last.at - SETTLED_BACK]
    else:
        condition = f"{key} <= %s"
        values = [mark_of(source.name, floors.floors[-1] if floors.floors else 0)]
    query = (
        f'SELECT {key} FROM "{source.table}" t WHERE {condition} AND NOT EXISTS (SELECT FROM trail_leaf l'  # noqa: S608
        f" WHERE l.source = '{source.name}' AND l.row_key = {key}) ORDER BY {key} LIMIT 100"
    )
    with connection.cursor() as cursor:
        cursor.execute(query, values)
        found = [row[0] for row in cursor.fetchall()]
    for row_key in found:
        _add(result, Kind.INSERTED, source, row_key, _leaf_near(source, row_key))


def _without_chunk(result: Result, source: Source) -> None:
    """Rows that belong to no chunk: no seal covers them, and whoever reads the table takes them for evidence."""
    rows = source.rows
    assert rows is not None
    with connection.cursor() as cursor:
        cursor.execute(
            f'SELECT DISTINCT r."{rows.chunk}" FROM "{rows.table}" r WHERE NOT EXISTS'  # noqa: S608
            f' (SELECT FROM "{source.table}" t WHERE t."{source.key}" = r."{rows.chunk}")'
            f" ORDER BY 1 LIMIT {MOST}"
        )
        found = [row[0] for row in cursor.fetchall()]
    for key in found:
        _add(result, Kind.INSERTED, source, key, _leaf_near(source, key))


def _leaf_of(source: Source, key: int) -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT number FROM trail_leaf WHERE source = %s AND row_key = %s", [source.name, key])
        found = cursor.fetchone()
    return int(found[0]) if found else 0


def _leaf_near(source: Source, key: int) -> int:
    """Where a record without a leaf would have stood."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT number FROM trail_leaf WHERE source = %s AND row_key < %s ORDER BY row_key DESC LIMIT 1",
            [source.name, key],
        )
        found = cursor.fetchone()
    return int(found[0]) if found else 0


def _add(result: Result, kind: str, source: Source, key: int, leaf: int, detail: str = "") -> None:
    result.add(Finding(kind=kind, leaf=leaf, source=source.name, key=key, detail=detail))
