"""A run of the reconciliation over one month and federation, kept with what differs (AUD-02…AUD-05, ADR 0044)."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Iterable
from datetime import datetime, timedelta
from functools import lru_cache
from itertools import chain
from typing import Any

from django.db import connection, transaction
from django.db.models import Exists, OuterRef, Q, Subquery
from django.db.models.functions import Coalesce

from audit.cycles.models import AuditCycle
from audit.imports import reading
from audit.imports import selectors as logs
from audit.imports.models import LogCoverage
from audit.ledgers.selectors import works_of
from audit.reconciliation import engine
from audit.reconciliation.engine import Result, Rows, Rules, Work, micros, moment_of
from audit.reconciliation.folding import Session
from audit.reconciliation.models import Reconciliation
from audit.reconciliation.names import name_key
from audit.reports.models import AuditReport, ReportStatus
from devices.permits.models import DevicePermit
from portal.common.text import search_key
from portal.common.time import JST, today
from portal.orgs.models import Organisation, User

log = logging.getLogger(__name__)
State = Reconciliation.State
_LONGEST_RUN = timedelta(minutes=30)  # many times what a million rows take
_OVERLAP = timedelta(
    hours=1
)  # rows that were being written when a run began may have been there only after it
_LOST = "WorkerEnded"
# What Mismatch has, in the order in which sessions are written.
_COLUMNS = (
    "reconciliation_id", "organisation_id", "fingerprint", "log_kind", "code", "host", "account", "client", "object_name",
    "actions", "first_at", "last_at", "row_count", "volume", "medium_serial", "medium_permitted", "work_id", "work_number",
    "involves_number", "search_text",
)  # fmt: skip
_search_text = lru_cache(maxsize=4096)(search_key)

_ROWS = """
SELECT organisation_id, count(*), sum(id), bit_xor(id)
FROM audit_logrow WHERE organisation_id = ANY(%s) AND event_at >= %s AND event_at <= %s AND NOT is_application
GROUP BY organisation_id
"""
_OPEN = frozenset(ReportStatus) - {ReportStatus.COPY_STORED, ReportStatus.SUPERSEDED, ReportStatus.DISPOSED}


def reconcile(
    *, cycle: AuditCycle, organisation: Organisation, actor: User | None = None, now: datetime
) -> Reconciliation:
    """Compare the rows of a month with the works of both ledgers. The newest run that is done counts; no report is changed.

    What people said about a session holds in a later run as long as the session is the same.
    """
    run: Reconciliation = Reconciliation.system.create(
        cycle=cycle,
        organisation=organisation,
        started_at=now,
        started_by=actor,
        engine_version=engine.ENGINE_VERSION,
    )
    try:
        _carry_out(run, now)
    except Exception as error:
        # The text of an unexpected error may hold values of rows; its class does not.
        Reconciliation.system.filter(pk=run.pk).update(
            state=State.FAILED, problem=type(error).__name__, finished_at=now
        )
        raise
    return run


def _carry_out(run: Reconciliation, now: datetime) -> None:
    works, rules = works_and_rules(run.cycle, run.organisation, now)
    with transaction.atomic():
        # One view of everything: an import may go on meanwhile.
        _one_snapshot()
        digest = input_digest(
            run.cycle, run.organisation, works, rules, _row_digests(run.cycle, [run.organisation.pk])
        )
        result = engine.reconcile(
            logs.rows_of(run.cycle, run.organisation), works, rules, before=_rows_before(run, works, rules)
        )
        _keep(run, result)
        run.state, run.finished_at, run.input_digest = State.DONE, now, digest
        run.counts = result.counts
        run.coverage = [
            entry.to_json()
            for entry in logs.coverage_of(run.cycle, run.organisation, today(now) - timedelta(days=1))
        ]
        run.save()


def _one_snapshot() -> None:
    """Repeatable read, where a transaction begins here; inside of another one (tests) its own level holds."""
    with connection.cursor() as cursor:
        if not connection.savepoint_ids:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")


def works_and_rules(cycle: AuditCycle, organisation: Organisation, now: datetime) -> tuple[list[Work], Rules]:
    """What the rows of a month are compared with."""
    start, until = reading.limits(cycle)
    works = works_of(organisation, cycle.covers_from, cycle.covers_until)
    # A work that is not over yet is not missed yet.
    rules = Rules(covers_from=start, covers_until=min(until, max(now, start)), permits=_permits(organisation))
    return works, rules


def _permits(organisation: Organisation) -> dict[str, tuple[tuple[int, int], ...]]:
    """When each device of the federation was permitted: from its registration to its end (R6)."""
    found: dict[str, list[tuple[int, int]]] = {}
    rows = DevicePermit.system.filter(organisation=organisation, registered_at__isnull=False)
    held: Any = rows.exclude(device__serial="").values_list(
        "device__serial", "registered_at", "ended_at", "valid_until"
    )
    for serial, start, ended, last in held:
        over = datetime.combine(last, datetime.min.time(), JST) + timedelta(days=1)
        end = min(over, ended) if ended else over
        found.setdefault(name_key(serial), []).append((micros(start), micros(end) - 1))
    return {serial: tuple(sorted(periods)) for serial, periods in found.items()}


def _rows_before(run: Reconciliation, works: Iterable[Work], rules: Rules) -> Iterable[Rows]:
    """Rows before the month that show that a work which reaches into it left a trace."""
    begin = min((moment_of(work.window[0]) - work.tolerance for work in works), default=rules.covers_from)
    if begin >= rules.covers_from:
        return ()
    return reading.rows_between(run.organisation, begin, rules.covers_from - timedelta(microseconds=1))


def _row_digests(cycle: AuditCycle, organisations: list[int]) -> dict[int, tuple[str, ...]]:
    """Which rows of a month there are, in three numbers. What is in a row never changes, and that is the evidence's affair."""
    with connection.cursor() as cursor:
        cursor.execute(_ROWS, [organisations, *reading.limits(cycle)])
        return {pk: tuple(map(str, found)) for pk, *found in cursor.fetchall()}


def input_digest(
    cycle: AuditCycle,
    organisation: Organisation,
    works: Iterable[Work],
    rules: Rules,
    rows: dict[int, tuple[str, ...]],
) -> str:
    """SHA-256 over everything that the result depends on: rows, works, rules and the engine."""
    works = sorted(works, key=lambda work: work.id)
    until = micros(rules.covers_until)
    said = {
        "engine": engine.ENGINE_VERSION,
        "month": cycle.key,
        "rows": rows.get(organisation.pk),
        "over": [work.id for work in works if work.window[1] <= until],  # these can be missed
        "rules": vars(rules) | {"covers_until": None},  # while the month runs it is the present
    }
    # As one JSON object whose last key is "works": thousands, and so one after the other.
    digest, comma = hashlib.sha256(f'{_json(said)[:-1]}, "works": ['.encode()), ""
    for work in works:
        digest.update(f"{comma}{_json(vars(work))}".encode())
        comma = ", "
    digest.update(b"]}")
    return digest.hexdigest()


def _json(said: dict[str, Any]) -> str:
    return json.dumps(said, sort_keys=True, default=str)


def reconcile_again(*, now: datetime) -> int:
    """Run anew where rows or works are others than at the last run: for months whose reports are not at their end, and for
    those at their end that got rows after it.

    A report that was made stays as it is: that its run is no longer the newest shows that it needs a supplement.
    """
    give_up_lost_runs(now)
    done, looked_at = 0, months_that_got_rows()
    for cycle in AuditCycle.objects.order_by("month"):
        rows_there = LogCoverage.system.filter(
            organisation=OuterRef("organisation"), day__range=(cycle.covers_from, cycle.covers_until)
        )
        rows: Any = AuditReport.system.filter(cycle=cycle, is_current=True)
        behind = stored_before_rows(cycle) if cycle.pk in looked_at else []
        rows = rows.filter(Q(status__in=_OPEN) | Q(pk__in=behind))
        reports = list(rows.annotate(has_rows=Exists(rows_there)).select_related("organisation"))
        digests = _row_digests(cycle, [report.organisation_id for report in reports]) if reports else {}
        for report in reports:
            works, rules = works_and_rules(cycle, report.organisation, now)
            newest = newest_run(cycle, report.organisation)
            if not (newest or works or report.has_rows or today(now) > cycle.covers_until):
                continue  # nothing to compare yet; a month that is over without anything gets its report too (AUD-10)
            digest = input_digest(cycle, report.organisation, works, rules, digests)
            if newest is None or newest.input_digest != digest:
                reconcile(cycle=cycle, organisation=report.organisation, now=now)
                done += 1
            elif report.status == ReportStatus.COPY_STORED:
                Reconciliation.system.filter(pk=newest.pk).update(checked_at=now)
        if cycle.pk in looked_at:  # what came was not for these
            runs = [run for pk, run, _place, _seen in _stored(cycle) if pk not in behind]
            Reconciliation.system.filter(pk__in=runs).update(checked_at=now)
    return done


def months_that_got_rows() -> set[int]:
    """Months in whose time an import brought anything after the oldest check of a report at its end. Three statements.

    Only their coverage is read then: there are years of finished months.
    """
    oldest: dict[int, datetime] = {}
    for cycle_id, seen in _checked().values_list("cycle_id", "seen"):
        oldest[cycle_id] = min(seen, oldest.get(cycle_id, seen))
    if not oldest:
        return set()
    brought = logs.brought_since(min(oldest.values()) - _OVERLAP)
    return {
        cycle.pk
        for cycle in AuditCycle.objects.filter(pk__in=oldest)
        if any(
            each.first <= cycle.covers_until
            and each.last >= cycle.covers_from
            and each.at > oldest[cycle.pk] - _OVERLAP
            for each in brought
        )
    }


def stored_before_rows(cycle: AuditCycle) -> list[int]:
    """Reports at their end of federations to which an import may have brought rows of the month that no run has seen (AUD-10).

    They are looked at only then: years of finished months are not to be counted every hour.
    """
    stored = _stored(cycle)
    brought = logs.last_brought(cycle, [place for _pk, _run, place, _seen in stored]) if stored else {}
    return [pk for pk, _run, place, seen in stored if place in brought and brought[place] > seen - _OVERLAP]


def _stored(cycle: AuditCycle) -> list[tuple[int, int, int, datetime]]:
    """The reports of a month at their end: key, newest run, organisation, when that run was last found to be right."""
    return list(_checked().filter(cycle=cycle).values_list("pk", "run", "organisation_id", "seen"))


def _checked() -> Any:
    runs = Reconciliation.system.filter(
        cycle=OuterRef("cycle"), organisation=OuterRef("organisation"), state=State.DONE
    ).order_by("-id")
    rows: Any = AuditReport.system.filter(is_current=True, status=ReportStatus.COPY_STORED).order_by()
    seen = runs.values(at=Coalesce("checked_at", "started_at"))
    return rows.annotate(run=Subquery(runs.values("pk")[:1]), seen=Subquery(seen[:1])).exclude(seen=None)


def give_up_lost_runs(now: datetime) -> int:
    """Runs whose worker ended in the middle: they would hold up the report for ever. How many. Nothing of them was kept."""
    lost = Reconciliation.system.filter(state=State.RUNNING, started_at__lt=now - _LONGEST_RUN)
    return lost.update(state=State.FAILED, problem=_LOST, finished_at=now)


def is_behind(run: Reconciliation, now: datetime) -> bool:
    """Whether rows or works are others than those that a run saw, so that the next round does it anew."""
    works, rules = works_and_rules(run.cycle, run.organisation, now)
    rows = _row_digests(run.cycle, [run.organisation_id])
    return input_digest(run.cycle, run.organisation, works, rules, rows) != run.input_digest


def newest_run(cycle: AuditCycle, organisation: Organisation) -> Reconciliation | None:
    """The run that counts."""
    runs = Reconciliation.system.filter(cycle=cycle, organisation=organisation, state=State.DONE)
    found: Reconciliation | None = runs.order_by("-id").first()
    return found


def _keep(run: Reconciliation, result: Result) -> None:
    """The sessions, with COPY: a bad month has a hundred thousand."""
    with (
        connection.cursor() as cursor,
        cursor.copy(f"COPY audit_mismatch ({', '.join(_COLUMNS)}) FROM STDIN") as copy,
    ):
        for session in chain(result.sessions, result.fitting):
            copy.write_row(_mismatch(run, session))


def _mismatch(run: Reconciliation, session: Session[Work]) -> tuple[Any, ...]:
    """The values of _COLUMNS."""
    work = session.work
    number = work.number if work else ""
    return (
        run.pk,
        run.organisation_id,
        session.fingerprint,
        session.log_kind,
        session.code,
        session.host[:100],
        session.account[:100],
        session.client[:100],
        session.object_name[:300],
        "、".join(session.actions)[:200],
        moment_of(session.first_at),
        moment_of(session.last_at),
        session.row_count,
        session.volume,
        session.medium_serial[:100],
        session.medium_permitted,
        work.id if work else None,
        number[:40],
        session.involves_number,
        _search_text(
            session.host, session.account, session.client, session.object_name, session.medium_serial, number
        ),
    )
