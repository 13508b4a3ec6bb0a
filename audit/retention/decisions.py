"""How the records of disposals are read as evidence: what each can explain of the records that are gone (SEC-02, AUD-09).

The years are those of table 2-51 as they stand in the program. The rules of the portal may be longer; they are rows that whoever
holds the database could change, and nothing here rests on them.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator
from functools import partial
from typing import Any

from django.db.models import F

from audit.cycles.dates import add_months
from audit.imports.models import LogChunk
from audit.retention.models import LEAST_YEARS, Disposal, RecordKind
from portal.common.time import JST
from portal.trail.models import Leaf
from portal.trail.sources import Decision, Going

BATCHES, CHUNKS, FILES = "audit.log_batch", "audit.log_chunk", "audit.report_file"
CHANGES, REASONS = "audit.work_change", "audit.mismatch_reason"
# Since this version the leaf of a batch covers its parts. With it the records of disposals got their present form.
BATCHES_BY_PARTS = 2
# By the disposal of which kinds the records of a source go, and nothing else: others are kept longer.
_DISPOSALS = "audit.disposal"
_KINDS = {
    BATCHES: (RecordKind.NUMBER_LOGS, RecordKind.OTHER_LOGS),
    CHUNKS: (RecordKind.NUMBER_LOGS,),
    FILES: (RecordKind.REPORTS,),
    CHANGES: (RecordKind.LEDGERS,),
    REASONS: (RecordKind.SESSIONS,),
}


def going(source: str, *, emptied: str = "", named: tuple[str, ...] = ()) -> Going:
    """For the registration of a source whose records can be disposed of."""
    return Going(decided=_DISPOSALS, read=partial(_decisions, source), emptied=emptied, named=named)


def part_of(month: dt.date, *, numbers: bool) -> str:
    """The name of the rows of a batch that go together."""
    return f"{month:%Y-%m} {'t' if numbers else 'f'}"


def years_after(day: dt.date, years: int) -> dt.date:
    """The same day so many years later; 1 March for a 29 February that is none."""
    try:
        return day.replace(year=day.year + years)
    except ValueError:
        return dt.date(day.year + years, 3, 1)


def _decisions(source: str) -> Iterator[Decision]:
    """What two people decided, one after the other; anything else is no disposal, whoever wrote it."""
    rows = Disposal.objects.filter(state=Disposal.State.DONE, kind__in=_KINDS[source])
    rows = rows.filter(decided_by__isnull=False, decided_at__gte=F("proposed_at"))
    earlier = _of_earlier_form()
    for row in rows.exclude(decided_by=F("proposed_by")).order_by("pk").iterator(chunk_size=100):
        assert row.decided_at is not None
        years = LEAST_YEARS[RecordKind(row.kind)]
        over = years_after(add_months(row.month, 1), years)
        of_earlier_form = earlier is None or row.pk in earlier
        gone, less = _gone(row, source, of_earlier_form)
        yield Decision(
            number=row.pk,
            at=row.decided_at,
            kept_until=dt.datetime.combine(over, dt.time(), JST),
            years=years,
            gone=gone,
            less=less,
            earlier=of_earlier_form,
        )


def _of_earlier_form() -> set[int] | None:
    """The disposals that were sealed before the first leaf with parts; None for all, while there is no such leaf."""
    first = (
        Leaf.objects.filter(source=BATCHES, version__gte=BATCHES_BY_PARTS)
        .order_by("number")
        .values_list("number", flat=True)
        .first()
    )
    if first is None:
        return None
    return set(Leaf.objects.filter(source=_DISPOSALS, number__lt=first).values_list("row_key", flat=True))


def _gone(row: Disposal, source: str, of_earlier_form: bool) -> tuple[dict[int, bytes], dict[int, bytes]]:
    """What a record names of a source, and of what it proves less; nothing of what is not written as the portal writes it."""
    if not isinstance(row.gone, dict):
        return {}, {}
    said: Any = row.gone.get(source)
    if source == CHUNKS and said is None and of_earlier_form:  # they were emptied without being named
        return {}, dict.fromkeys(_emptied_with(row.month), b"")
    if isinstance(said, list):
        return {key: b"" for key in said if isinstance(key, int)}, {}
    gone: dict[int, bytes] = {}
    less: dict[int, bytes] = {}
    for key, told in said.items() if isinstance(said, dict) else ():
        if not key.isdecimal():
            continue
        match source, told:
            case ("audit.log_batch", str(digest)):
                part = part_of(row.month, numbers=row.kind == RecordKind.NUMBER_LOGS)
                gone[int(key)] = f"{part} {digest}".encode()
            case ("audit.log_batch", [int(), str(rest)]):
                less[int(key)] = rest.encode()
            case ("audit.report_file", [str(name), str(sha256)]) if of_earlier_form:
                less[int(key)] = f"{name}\t{sha256}".encode()
            case ("audit.report_file", [str(), str(), str(left)]) | ("audit.log_chunk", [str(), str(left)]):
                gone[int(key)] = left.encode()
    return gone, less


def _emptied_with(month: dt.date) -> Iterable[int]:
    """The pieces without content of files that end in this month."""
    begin, end = (dt.datetime.combine(day, dt.time(), JST) for day in (month, add_months(month, 1)))
    rows = LogChunk.objects.filter(data=b"", log_import__last_at__gte=begin, log_import__last_at__lt=end)
    return rows.values_list("pk", flat=True)
