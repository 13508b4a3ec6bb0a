"""How the records of disposals are read as evidence: what each can explain of the records that are gone (SEC-02, AUD-09).

The years are those of table 2-51 as they stand in the program. The rules of the portal may be longer; they are rows that whoever
holds the database could change, and nothing here rests on them.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from functools import partial
from typing import Any

from django.db.models import F

from audit.cycles.dates import add_months
from audit.retention.models import LEAST_YEARS, Disposal, RecordKind
from portal.common.time import JST
from portal.trail.sources import Decision, Going

BATCHES, CHUNKS, FILES = "audit.log_batch", "audit.log_chunk", "audit.report_file"
CHANGES, REASONS = "audit.work_change", "audit.mismatch_reason"
# By the disposal of which kinds the records of a source go, and nothing else: others are kept longer.
_KINDS = {
    BATCHES: (RecordKind.NUMBER_LOGS, RecordKind.OTHER_LOGS),
    CHUNKS: (RecordKind.NUMBER_LOGS,),
    FILES: (RecordKind.REPORTS,),
    CHANGES: (RecordKind.LEDGERS,),
    REASONS: (RecordKind.SESSIONS,),
}


def going(source: str, *, emptied: str = "") -> Going:
    """For the registration of a source whose records can be disposed of."""
    return Going(decided="audit.disposal", read=partial(_decisions, source), emptied=emptied)


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
    for row in rows.exclude(decided_by=F("proposed_by")).order_by("pk").iterator(chunk_size=100):
        assert row.decided_at is not None
        years = LEAST_YEARS[RecordKind(row.kind)]
        over = years_after(add_months(row.month, 1), years)
        yield Decision(
            number=row.pk,
            at=row.decided_at,
            kept_until=dt.datetime.combine(over, dt.time(), JST),
            years=years,
            gone=_gone(row, source),
        )


def _gone(row: Disposal, source: str) -> dict[int, bytes]:
    """What a record names of a source; nothing of what is not written as the portal writes it."""
    said: Any = row.gone.get(source) if isinstance(row.gone, dict) else None
    if isinstance(said, list):
        return {key: b"" for key in said if isinstance(key, int)}
    if not isinstance(said, dict):
        return {}
    part = part_of(row.month, numbers=row.kind == RecordKind.NUMBER_LOGS) if source == BATCHES else ""
    found = {}
    for key, told in said.items():
        last = told[-1] if isinstance(told, list) and told else told
        if key.isdecimal() and isinstance(last, str):
            found[int(key)] = f"{part} {last}".strip().encode()
    return found
