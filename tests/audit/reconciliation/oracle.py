"""The same rules written a second time, as joins in DuckDB: no bisection, no memory of decisions, no order."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from itertools import chain
from pathlib import Path
from typing import Any

import duckdb

from audit.reconciliation.engine import Rules, Work, micros
from tests.audit.reconciliation.data import Row

_FITS = """
WITH candidate AS (
  SELECT DISTINCT r.id, w.place FROM rows r
  JOIN work_host h ON h.host = lower(r.host)
  JOIN work_account a ON a.place = h.place AND a.account = r.account
  JOIN works w ON w.place = h.place AND r.moment BETWEEN w.earliest AND w.latest
), judged AS (
  SELECT c.id, w.place, w.rank, w.cancelled, greatest(w.start_at - r.moment, r.moment - w.end_at, 0) AS dist,
    r.serial_uses AND ((w.serial <> '' AND w.serial <> r.serial)
      OR NOT EXISTS (SELECT 1 FROM permits p WHERE p.serial = r.serial AND r.moment BETWEEN p.start_at AND p.end_at)) AS medium,
    EXISTS (SELECT 1 FROM objects o WHERE o.place = w.place) AND NOT EXISTS (
      SELECT 1 FROM objects o WHERE o.place = w.place AND (
        o.name = lower(r.object) OR (suffix(o.name, '*') AND starts_with(lower(r.object), rtrim(o.name, '*'))))) AS scope,
    r.kind = 'DATABASE' AND w.limit_rows IS NOT NULL AND r.volume > w.limit_rows AS volume
  FROM candidate c JOIN rows r USING (id) JOIN works w USING (place)
), live AS (
  SELECT *, medium::int + scope::int + volume::int AS failed, dist = 0 AS exact FROM judged WHERE NOT cancelled
), fit AS (
  SELECT *, max(exact) OVER (PARTITION BY id) AS any_exact FROM live WHERE failed = 0
), fit_class AS (
  SELECT *, min(rank) OVER (PARTITION BY id) AS best_rank FROM fit WHERE exact = any_exact
), fit_best AS (
  SELECT id, arg_min(place, (dist, place)) AS place,
    CASE WHEN count(*) > 1 THEN 'AMBIGUOUS' WHEN any_value(any_exact) THEN 'OK' ELSE 'TOL' END AS code
  FROM fit_class WHERE rank = best_rank GROUP BY id
), failing AS (
  SELECT DISTINCT ON (id) id, place,
    CASE WHEN medium THEN 'X_MEDIUM' WHEN scope THEN 'X_SCOPE' ELSE 'X_VOLUME' END AS code
  FROM live WHERE id NOT IN (SELECT id FROM fit_best) ORDER BY id, failed, dist, place
), cancelled AS (
  SELECT id, arg_min(place, (dist, place)) AS place, 'L_CANCELLED' AS code FROM judged
  WHERE id NOT IN (SELECT id FROM live) GROUP BY id
)
"""
_JUDGE = (
    _FITS
    + """
, left_over AS (
  SELECT * FROM rows WHERE id NOT IN (SELECT id FROM judged)
), near AS (
  SELECT r.id, arg_min(w.place, (greatest(w.earliest - r.moment, r.moment - w.latest), w.place)) AS place, 'U_TIME' AS code
  FROM left_over r JOIN work_host h ON h.host = lower(r.host)
  JOIN work_account a ON a.place = h.place AND a.account = r.account
  JOIN works w ON w.place = h.place AND NOT w.cancelled
  WHERE greatest(w.earliest - r.moment, r.moment - w.latest) <= 86400000000 GROUP BY r.id
), other_account AS (
  SELECT r.id, arg_min(w.place, (greatest(w.start_at - r.moment, r.moment - w.end_at, 0), w.place)) AS place, 'U_ACCOUNT' AS code
  FROM left_over r JOIN work_host h ON h.host = lower(r.host)
  JOIN works w ON w.place = h.place AND NOT w.cancelled AND r.moment BETWEEN w.earliest AND w.latest
  WHERE r.id NOT IN (SELECT id FROM near) GROUP BY r.id
), other_host AS (
  SELECT r.id, arg_min(w.place, (greatest(w.start_at - r.moment, r.moment - w.end_at, 0), w.place)) AS place, 'U_HOST' AS code
  FROM left_over r JOIN work_account a ON a.account = r.account
  JOIN works w ON w.place = a.place AND NOT w.cancelled AND r.moment BETWEEN w.earliest AND w.latest
  WHERE r.id NOT IN (SELECT id FROM near) AND r.id NOT IN (SELECT id FROM other_account) GROUP BY r.id
), found AS (
  SELECT id, place, code FROM fit_best UNION ALL SELECT id, place, code FROM failing
  UNION ALL SELECT id, place, code FROM cancelled UNION ALL SELECT id, place, code FROM near
  UNION ALL SELECT id, place, code FROM other_account UNION ALL SELECT id, place, code FROM other_host
)
SELECT r.id, coalesce(f.code, 'U_NOPLAN'), f.place FROM rows r LEFT JOIN found f USING (id) WHERE NOT r.before
"""
)
# The other way. A work is missed when no row fits it, and none has it as the nearest of what it does not quite fit; what all rows
# that count for it brought together must not be more than it declared.
_WORKS_ALONE = (
    _FITS
    + """
, traces AS (
  SELECT place FROM fit UNION SELECT place FROM failing
), brought AS (
  SELECT b.place, sum(CASE WHEN r.kind = 'DATABASE' THEN r.volume END) AS volume, count(*) FILTER (WHERE r.kind = 'TAKEOUT') AS files
  FROM fit_best b JOIN rows r USING (id) WHERE NOT r.before GROUP BY b.place
)
SELECT 'L_NOLOG', w.place, 0 FROM works w
WHERE NOT w.cancelled AND w.end_at BETWEEN $since AND $until AND w.place NOT IN (SELECT place FROM traces)
UNION ALL
SELECT 'X_VOLUME', w.place, b.volume FROM works w JOIN brought b USING (place) WHERE b.volume > w.limit_rows
UNION ALL
SELECT 'X_VOLUME', w.place, b.files FROM works w JOIN brought b USING (place) WHERE b.files > w.limit_files
"""
)


class Oracle:
    """Everything loaded; `judged` and `without_a_trace` say what DuckDB finds."""

    def __init__(
        self,
        folder: Path,
        rows: Iterable[Row],
        works: list[Work],
        rules: Rules,
        before: Iterable[Row] = (),
    ) -> None:
        self.connection, self.rules = duckdb.connect(), rules
        self.connection.execute("SET threads TO 1")
        self.ordered = sorted(works, key=lambda work: (work.rank, work.number, work.id))
        every = chain(((row, False) for row in rows), ((row, True) for row in before))
        self._load(folder, "rows", _ROWS, ((*_row(row), is_before) for row, is_before in every))
        self._load(folder, "works", _WORKS, (_work(place, w) for place, w in enumerate(self.ordered)))
        pairs = [(p, name.lower()) for p, w in enumerate(self.ordered) for name in w.hosts]
        self._load(folder, "work_host", "place BIGINT, host VARCHAR", pairs)
        pairs = [(p, name.lower()) for p, w in enumerate(self.ordered) for name in w.accounts]
        self._load(folder, "work_account", "place BIGINT, account VARCHAR", pairs)
        pairs = [(p, name.lower()) for p, w in enumerate(self.ordered) for name in w.objects]
        self._load(folder, "objects", "place BIGINT, name VARCHAR", pairs)
        periods = [(serial, *period) for serial, found in rules.permits.items() for period in found]
        self._load(folder, "permits", "serial VARCHAR, start_at BIGINT, end_at BIGINT", periods)

    def judged(self) -> dict[int, tuple[str, str | None]]:
        """Code and work number of every row."""
        found = self.connection.execute(_JUDGE).fetchall()
        return {
            row_id: (code, None if place is None else self.ordered[place].number)
            for row_id, code, place in found
        }

    def without_a_trace(self) -> set[tuple[str, str, int]]:
        """Code, work number and volume of every work that was missed, or that brought more than it declared in all."""
        limits = {"since": micros(self.rules.covers_from), "until": micros(self.rules.covers_until)}
        found = self.connection.execute(_WORKS_ALONE, limits).fetchall()
        return {(code, self.ordered[place].number, int(volume)) for code, place, volume in found}

    def _load(self, folder: Path, table: str, columns: str, lines: Iterable[Iterable[Any]]) -> None:
        file = folder / f"{table}.csv"
        with file.open("w", newline="") as output:
            csv.writer(output).writerows(lines)
        self.connection.execute(f"CREATE TABLE {table} ({columns})")
        self.connection.execute(f"COPY {table} FROM '{file}' (HEADER false, DELIM ',', NULLSTR '\\N')")


_ROWS = """id BIGINT, moment BIGINT, host VARCHAR, account VARCHAR, object VARCHAR, volume BIGINT, kind VARCHAR,
    serial VARCHAR, serial_uses BOOLEAN, before BOOLEAN"""
_WORKS = """place BIGINT, rank BIGINT, cancelled BOOLEAN, start_at BIGINT, end_at BIGINT, earliest BIGINT, latest BIGINT,
    limit_rows BIGINT, limit_files BIGINT, serial VARCHAR"""


def _row(row: Row) -> tuple[Any, ...]:
    s = row.subject
    return (
        row.id,
        row.at,
        s.host,
        s.accounts[0],
        s.object_name,
        row.volume,
        s.log_kind,
        s.medium_serial.lower(),
        s.uses_medium,
    )


def _work(place: int, work: Work) -> tuple[Any, ...]:
    start, end = work.window
    tolerance = int(work.tolerance.total_seconds()) * 1_000_000
    limits = (_limit(work, work.expected_rows), _limit(work, work.expected_files))
    times = (start, end, start - tolerance, end + tolerance)
    return place, work.rank, work.cancelled, *times, *limits, work.medium_serial.lower()


def _limit(work: Work, declared: int | None) -> Any:
    return r"\N" if declared is None else int(declared * work.volume_factor)
