"""Rows into the database: partitions on demand, what is there already left out, COPY, coverage."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from django.db import connection

from audit.imports.models import LogBatch, LogCoverage, LogImport
from audit.imports.parsing import Parsed
from audit.imports.rows import WRITTEN, Event, event_of, host_of, written_at
from audit.imports.times import day_number, day_of, moment
from audit.reconciliation.engine import micros
from audit.reconciliation.names import name_key

__all__ = ["moment", "next_batch_id", "write"]

_LOCK = 7_206_001
_AT_ONCE = 500  # rows that go to COPY together: about what a socket holds
# How often each row of a piece is there already, from other files and from this one: by its number at the source, else by the
# hash of its line, among the rows of its federation and moment. The same number elsewhere or at another time is another event.
_THERE = """
SELECT k.org, k.at, k.identity, count(*) FILTER (WHERE r.id < %s OR r.id >= %s), count(*) FILTER (WHERE r.id >= %s AND r.id < %s)
FROM (SELECT DISTINCT org, at, identity FROM unnest(%s::bigint[], %s::timestamptz[], %s::text[]) AS u(org, at, identity)) k
JOIN audit_logrow r ON r.organisation_id = k.org AND r.event_at = k.at AND r.log_kind = %s
    AND k.identity = CASE WHEN r.source_id <> '' THEN r.source_id ELSE encode(r.line_hash, 'hex') END
GROUP BY k.org, k.at, k.identity
"""
_COVER = """
INSERT INTO audit_logcoverage (log_import_id, log_kind, host_id, organisation_id, day, row_count, first_at, last_at)
SELECT %s, %s, u.* FROM unnest(%s::bigint[], %s::bigint[], %s::date[], %s::int[], %s::timestamptz[], %s::timestamptz[]) u
ON CONFLICT (log_import_id, host_id, log_kind, day) DO UPDATE SET
    row_count = audit_logcoverage.row_count + EXCLUDED.row_count,
    first_at = least(audit_logcoverage.first_at, EXCLUDED.first_at),
    last_at = greatest(audit_logcoverage.last_at, EXCLUDED.last_at)
"""


def next_batch_id() -> int:
    """The number of a batch to come: its rows are made before it. One that is not used leaves a gap, nothing else."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT nextval(pg_get_serial_sequence('audit_logbatch', 'id'))")
        return int(cursor.fetchone()[0])


def note_sizes(since: date, until: date) -> None:
    """Tell PostgreSQL how many rows of what the months between these days have now. It looks by itself a minute later; a comparison
    that begins before would be planned for an empty month and take six times as long."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT audit_logrow_analyse(%s, %s)", [since, until])


def write(
    made: LogImport,
    batch_id: int,
    chunk: int | None,
    parsed: Parsed,
    now: datetime,
) -> int:
    """Write the rows of a piece in the caller's transaction; how many were not there before."""
    with connection.cursor() as cursor:
        # Two files that overlap would each not see what the other writes.
        cursor.execute("SELECT pg_advisory_xact_lock(%s, hashtext(%s))", [_LOCK, made.log_kind])
        _make_partitions(cursor, parsed)
        rows = _new_rows(cursor, made, parsed)
        if rows:
            LogBatch.objects.create(
                pk=batch_id, log_import_id=made.pk, chunk=chunk, row_count=len(rows), made_at=now
            )
            with cursor.copy(f"COPY audit_logrow ({', '.join(WRITTEN)}) FROM STDIN") as copy:
                for place in range(0, len(rows), _AT_ONCE):
                    copy.write(b"".join(rows[place : place + _AT_ONCE]))
        _cover(cursor, made, parsed)
        _hold(cursor, made, parsed)
    return len(rows)


def _make_partitions(cursor: Any, parsed: Parsed) -> None:
    months = {day_of(each.day).replace(day=1) for each in parsed.coverage}
    for month in sorted(months):
        cursor.execute(
            "SELECT audit_logrow_partition(%s, true), audit_logrow_partition(%s, false)", [month, month]
        )


def _new_rows(cursor: Any, made: LogImport, parsed: Parsed) -> list[bytes]:
    """The rows that no other import has brought. A line that a file holds twice are two events, unless it has a number."""
    asked = sorted({*parsed.maybe, *_overlapping(made, parsed)})
    if not asked:
        return parsed.rows
    low, high = made.pk << 32, (made.pk + 1) << 32
    events = [event_of(parsed.rows[place]) for place in asked]
    columns = [list(column) for column in zip(*events, strict=True)]
    cursor.execute(_THERE, [low, high, low, high, *columns, made.log_kind])
    there, own = dict[Event, int](), set[Event]()
    for org, at, identity, others, here in cursor.fetchall():
        there[org, at, identity] = others
        if here:
            own.add((org, at, identity))
    maybe, again = set(parsed.maybe), set(parsed.again)
    dropped = set()
    for place, event in zip(asked, events, strict=True):
        if place in again or (place in maybe and event in own):
            dropped.add(place)
        elif there.get(event):
            there[event] -= 1
            dropped.add(place)
    return [row for place, row in enumerate(parsed.rows) if place not in dropped]


def _overlapping(made: LogImport, parsed: Parsed) -> set[int]:
    """Rows of machines and days of which other imports have brought rows: only there can anything be twice."""
    days = {day_of(each.day) for each in parsed.coverage}
    # Every machine of these days: to name three hundred in the statement takes longer than to leave the others out here.
    rows = LogCoverage.system.filter(log_kind=made.log_kind, day__in=days).exclude(log_import_id=made.pk)
    brought = set(rows.values_list("host_id", "day").distinct())
    found = {(each.host, each.day) for each in parsed.coverage if (each.host_id, day_of(each.day)) in brought}
    if not found:
        return set()
    return {
        place
        for place, row in enumerate(parsed.rows)
        if (host_of(row), day_number(micros(datetime.fromisoformat(written_at(row))))) in found
    }


def _cover(cursor: Any, made: LogImport, parsed: Parsed) -> None:
    if not parsed.coverage:
        return
    columns: list[list[Any]] = [
        [each.host_id for each in parsed.coverage],
        [each.organisation_id for each in parsed.coverage],
        [day_of(each.day) for each in parsed.coverage],
        [each.row_count for each in parsed.coverage],
        [moment(each.first) for each in parsed.coverage],
        [moment(each.last) for each in parsed.coverage],
    ]
    cursor.execute(_COVER, [made.pk, made.log_kind, *columns])


def _hold(cursor: Any, made: LogImport, parsed: Parsed) -> None:
    """Lines of machines that nobody registered wait as they came."""
    if not parsed.held:
        return
    with cursor.copy(
        "COPY audit_heldline (log_import_id, line_number, host, key, event_at, raw) FROM STDIN"
    ) as copy:
        for line, host, at, raw in parsed.held:
            name = host.replace("\\\\", "\\")[:100]
            copy.write_row((made.pk, line, name, name_key(name)[:100], at, raw))
