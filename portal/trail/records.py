"""The records of one source beside their leaves, for portal.trail.verifying."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import UTC, datetime
from typing import Any

from django.db import connection

from portal.trail.findings import Finding, Floors, Kind, Result
from portal.trail.merkle import leaf_hash_in_digits
from portal.trail.reading import digest_of_chunk, lines, listed, set_session
from portal.trail.sealing import BATCH, SETTLED_BACK, mark_of, newest
from portal.trail.sources import Source

_LATE = 12 * 3600.0  # seconds; a job may write with the time of its start; nothing takes longer
_NULL = b"\\N"


def look_at_source(result: Result, source: Source, since: int, floors: Floors) -> None:
    """Hash every sealed record anew, and look for records that were put in or taken out."""
    set_session()
    for version in sorted({*source.earlier, source.version}):
        _compare(result, source, version, since, floors)
    _unsealed(result, source, floors)
    if source.check:
        for key, problem in source.check(None):
            _add(result, Kind.FILE, source, key, _leaf_of(source, key), problem)


def unproven(source: Source, keys: Collection[int]) -> list[int]:
    """Which of these records are not as they were sealed, so that nothing is disposed of that somebody changed.

    Only inside a transaction. Records without a leaf have nothing to fit and are not named.
    """
    set_session()
    named = f"l.row_key = ANY('{{{','.join(str(int(key)) for key in keys)}}}'::bigint[])"
    found = []
    for version in sorted({*source.earlier, source.version}):
        form = source.form(version)
        for row in _beside_leaves(source, version, named):
            _number, key, hexed, _gone, disposed, left, _moment, line = row.split(b"\t", 7)
            digest = digest_of_chunk(source.rows, int(key)) if source.rows else b""
            line += b"\n" + digest if source.rows else b""
            if leaf_hash_in_digits(form % (key, line)) != hexed and not _explained(disposed, left, digest):
                found.append(int(key))
    return sorted(found)


def _explained(disposed: bytes, left: bytes, digest: bytes) -> bool:
    """Whether a disposal explains that a record does not fit: all of it went, or the rest is as it was left."""
    return disposed == b"t" and left in (_NULL, digest)


def _compare(result: Result, source: Source, version: int, since: int, floors: Floors) -> None:
    """The records with a leaf of this version, by key. It does little for what fits: there are millions."""
    form = source.form(version)
    top, before, top_key = -1, -1, b""
    begin, end, earliest = 0, 0, 0.0
    digest = b""
    for row in _beside_leaves(source, version, f"l.number >= {since}"):
        number, key, hexed, gone, disposed, left, moment, line = row.split(b"\t", 7)
        if source.rows:
            digest = digest_of_chunk(source.rows, int(key))
            line += b"\n" + digest
        place = int(number)
        if leaf_hash_in_digits(form % (key, line)) != hexed:
            if _explained(disposed, left, digest):
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
    """For each leaf that is asked for, by key: number, key, hash, whether the record is gone, whether it was disposed of, the digest
    of what was left, the time that it gives in seconds since 1970, and its line."""
    columns = source.columns_of(version)
    assert columns is not None
    own = f"date_part('epoch', t.\"{source.time}\")" if source.time else "NULL"
    found = lines(
        f"SELECT l.number, l.row_key, encode(l.hash, 'hex'), t.\"{source.key}\" IS NULL, ({source.disposed}),"  # noqa: S608
        f" ({source.left}), {own}, {listed(columns, 't')}"
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
