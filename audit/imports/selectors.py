"""Reading logs, imports, machines and coverage."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from typing import Any

from django.db import connection
from django.db.models import Max, Min, Q, QuerySet, Sum
from django.db.models.functions import Greatest

from audit.cycles.models import AuditCycle
from audit.imports.models import Host, LogBatch, LogCoverage, LogImport
from audit.imports.reading import limits, rows_between
from audit.reconciliation.engine import Rows
from audit.reconciliation.models import LogKind
from portal.common.pagination import COUNT_LIMIT
from portal.common.time import is_business_day, today
from portal.orgs.models import Organisation, User


def rows_of(cycle: AuditCycle, organisation: Organisation, log_kind: str = "") -> Iterator[Rows]:
    """The rows of a month and federation that did not come through the application, in no order."""
    return rows_between(organisation, *limits(cycle), log_kind)


@dataclass(frozen=True)
class Coverage:
    """Whether the log of a machine is whole in a month (AUD-10). Days as texts, so that it can be kept as JSON."""

    host: str
    log_kind: str
    days_missing: list[str]
    days_with_rows: int
    first: str  # moment of the first row, "" for none
    last: str
    rows: int = 0
    sends: str = ""  # Host.Sends: from a machine that sends now and then no day can be missing

    def to_json(self) -> dict[str, Any]:
        """As Reconciliation.coverage keeps it."""
        return asdict(self)


def coverage_of(
    cycle: AuditCycle, organisation: Organisation, until: dt.date | None = None
) -> list[Coverage]:
    """For each machine and log that is expected, or that sent: the days without a row. `until`: days after it are to come."""
    start, end = cycle.covers_from, min(cycle.covers_until, until or cycle.covers_until)
    found: dict[tuple[int, str], dict[dt.date, list[Any]]] = defaultdict(dict)
    rows = LogCoverage.system.filter(organisation=organisation, day__range=(start, cycle.covers_until))
    for host_id, kind, day, count, first, last in (
        rows.values("host_id", "log_kind", "day")
        .annotate(rows=Sum("row_count"), first=Min("first_at"), last=Max("last_at"))
        .values_list("host_id", "log_kind", "day", "rows", "first", "last")
    ):
        found[host_id, kind][day] = [count, first, last]
    return [
        _coverage(host, kind, found.get((host.pk, kind), {}), start, end)
        for host in Host.system.filter(organisation=organisation).order_by("name")
        for kind in LogKind.values
        if (host.sends(kind) and _overlaps(host, start, end)) or (host.pk, kind) in found
    ]


def without_machine(
    cycle: AuditCycle, organisations: Iterable[Organisation]
) -> dict[str, list[Organisation]]:
    """For each log the organisations of which no machine is registered that sends it in the month. One statement."""
    rows = Host.system.filter(organisation__in=list(organisations), first_day__lte=cycle.covers_until)
    there = list(rows.filter(Q(last_day=None) | Q(last_day__gte=cycle.covers_from)))
    senders = {kind: {host.organisation_id for host in there if host.sends(kind)} for kind in LogKind.values}
    return {
        kind: [place for place in organisations if place.pk not in found] for kind, found in senders.items()
    }


def _overlaps(host: Host, start: dt.date, end: dt.date) -> bool:
    return host.first_day <= end and (host.last_day is None or host.last_day >= start)


def _coverage(
    host: Host, kind: str, days: dict[dt.date, list[Any]], start: dt.date, end: dt.date
) -> Coverage:
    missing = [day for day in expected_days(host, kind, start, end) if day not in days]
    firsts, lasts = [values[1] for values in days.values()], [values[2] for values in days.values()]
    return Coverage(
        host=host.name,
        log_kind=kind,
        days_missing=[day.isoformat() for day in missing],
        days_with_rows=len(days),
        first=min(firsts).isoformat() if firsts else "",
        last=max(lasts).isoformat() if lasts else "",
        rows=sum(values[0] for values in days.values()),
        sends=host.sends(kind),
    )


def expected_days(host: Host, kind: str, start: dt.date, end: dt.date) -> list[dt.date]:
    """The days between the two on which the machine must have sent something."""
    sends = host.sends(kind)
    if sends not in (Host.Sends.DAILY, Host.Sends.BUSINESS_DAYS):
        return []
    first, last = max(start, host.first_day), min(end, host.last_day or end)
    days = (first + dt.timedelta(days=n) for n in range((last - first).days + 1))
    return [day for day in days if sends == Host.Sends.DAILY or is_business_day(day)]


def imports() -> QuerySet[LogImport]:
    """Every file, newest first."""
    return LogImport.objects.select_related("uploaded_by")


def hosts(user: User, organisation: str = "") -> QuerySet[Host]:
    """The machines that this person sees."""
    rows: QuerySet[Host] = Host.objects.visible_to(user).select_related("organisation")
    return rows.filter(organisation__code=organisation) if organisation else rows


@dataclass(frozen=True, kw_only=True)
class UnknownHost:
    """A machine that nobody has registered, and its lines that wait."""

    key: str
    name: str  # as its first line spells it
    lines: int  # at most COUNT_LIMIT + 1: then there are more
    first: dt.datetime
    last: dt.datetime


HOSTS_SHOWN = 200

# Jumps through the index from one key to the next, so that a million lines of five machines cost five steps. A key whose machine
# is registered by now is no unknown one: its lines only wait for a worker.
_HELD = """
WITH RECURSIVE held(key) AS (
    (SELECT key FROM audit_heldline ORDER BY key LIMIT 1)
    UNION ALL
    SELECT (SELECT h.key FROM audit_heldline h WHERE h.key > held.key ORDER BY h.key LIMIT 1)
    FROM held WHERE held.key IS NOT NULL
), keys AS (
    SELECT key, EXISTS (SELECT FROM audit_host t WHERE t.key = held.key) AS registered FROM held WHERE key IS NOT NULL
)
"""
_UNKNOWN_COUNT = f"{_HELD}SELECT count(*) FROM (SELECT FROM keys WHERE NOT registered LIMIT %s) counted"  # noqa: S608 - put together from constants
_TAKEN_IN = f"{_HELD}SELECT EXISTS (SELECT FROM keys WHERE registered)"  # noqa: S608
_UNKNOWN = f"""
{_HELD}SELECT found.key, first.host,
    (SELECT count(*) FROM (SELECT FROM audit_heldline h WHERE h.key = found.key LIMIT %s) counted),
    first.event_at, last.event_at
FROM (SELECT key FROM keys WHERE NOT registered LIMIT %s) found,
    LATERAL (SELECT host, event_at FROM audit_heldline h WHERE h.key = found.key ORDER BY event_at LIMIT 1) first,
    LATERAL (SELECT event_at FROM audit_heldline h WHERE h.key = found.key ORDER BY event_at DESC LIMIT 1) last
ORDER BY found.key
"""  # noqa: S608


def unknown_hosts(most: int = HOSTS_SHOWN) -> list[UnknownHost]:
    """Machines of which lines wait because nobody registered them, with how many and from when; at most `most`."""
    with connection.cursor() as cursor:
        cursor.execute(_UNKNOWN, [COUNT_LIMIT + 1, most])
        return [
            UnknownHost(key=key, name=name, lines=lines, first=first, last=last)
            for key, name, lines, first, last in cursor.fetchall()
        ]


def unknown_count() -> int:
    """How many those are, but never more than COUNT_LIMIT + 1; quick with a million lines, for the home page."""
    with connection.cursor() as cursor:
        cursor.execute(_UNKNOWN_COUNT, [COUNT_LIMIT + 1])
        return int(cursor.fetchone()[0])


def lines_being_taken_in() -> bool:
    """Whether lines wait of a machine that is registered: a worker takes them in, at the latest within the hour."""
    with connection.cursor() as cursor:
        cursor.execute(_TAKEN_IN)
        return bool(cursor.fetchone()[0])


def imports_under_way(month: dt.date) -> QuerySet[LogImport]:
    """Files of a month of which rows are still to come, whether or not a worker has them; the oldest first."""
    return imports().filter(state=LogImport.State.RUNNING, month=month).order_by("pk")


def brought_after(cycle: AuditCycle, organisation: Organisation, moment: dt.datetime) -> bool:
    """Whether an import with rows of this month and federation ended after `moment`; they may all have been there already."""
    brought = LogCoverage.system.filter(
        organisation=organisation,
        day__range=(cycle.covers_from, cycle.covers_until),
        log_import__finished_at__gt=moment,
    )
    return brought.exists()


@dataclass(frozen=True, kw_only=True)
class Brought:
    """That an import last brought rows between two days at this moment."""

    first: dt.date
    last: dt.date
    at: dt.datetime


def brought_since(moment: dt.datetime) -> list[Brought]:
    """What imports brought after a moment. Lines that had waited for their machine may be of any day. One statement."""
    waited = Max("batches__made_at", filter=Q(batches__chunk=None))
    rows = LogImport.objects.order_by().annotate(at=Max("batches__made_at"), waited_at=waited)
    found = []
    for first, last, at, waited_at in rows.filter(at__gt=moment).values_list(
        "first_at", "last_at", "at", "waited_at"
    ):
        if first and last:
            found.append(Brought(first=today(first), last=today(last), at=at))
        if waited_at or not (first and last):
            found.append(Brought(first=dt.date.min, last=dt.date.max, at=waited_at or at))
    return found


def last_brought(cycle: AuditCycle, organisations: Iterable[int]) -> dict[int, dt.datetime]:
    """When an import with rows of this month last brought anything new, for each federation; also of lines that had waited for
    their machine. Whether it was rows of this month remains to be seen."""
    coverage = LogCoverage.system.filter(
        organisation__in=list(organisations),
        log_kind__in=LogKind.values,  # as the index has it
        day__range=(cycle.covers_from, cycle.covers_until),
    )
    pairs = list(coverage.order_by().values_list("organisation_id", "log_import_id").distinct())
    batches = LogBatch.objects.filter(log_import__in={made for _place, made in pairs}).order_by()
    moments = dict(batches.values_list("log_import").annotate(Max("made_at")))
    found: dict[int, dt.datetime] = {}
    for place, made in pairs:
        if made in moments:
            found[place] = max(moments[made], found.get(place, moments[made]))
    return found


def late_rows(cycle: AuditCycle, organisation: Organisation) -> Iterable[Any]:
    """Imports that brought rows after the report of this month and federation was made, with `came_at`: when the last came."""
    rows = LogImport.objects.filter(findings__months__has_key=cycle.key).order_by("pk")
    return [
        made
        for made in rows.annotate(came_at=Greatest("finished_at", Max("batches__made_at")))
        if organisation.code in made.findings["months"][cycle.key]["late"]
    ]
