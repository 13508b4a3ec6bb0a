"""The files of a month for all federations beside bare rendering, and the dashboard beside its bare queries (issue 6)."""

from __future__ import annotations

import datetime as dt
import io
import multiprocessing as mp
import tempfile
from pathlib import Path
from typing import Any

from django.db import connection
from django.template.loader import render_to_string
from django.utils import timezone, translation

from audit.cycles.models import CycleStep, Step
from audit.reconciliation.models import Code, LogKind, Reconciliation
from audit.reports.documents import files
from audit.reports.documents.content import content_of
from audit.reports.models import AuditReport, ReportFile, ReportStatus
from portal.embedded import authority
from portal.orgs.models import Organisation, User
from portal.orgs.permissions import Role
from tests import factories
from tests.audit.documents import world
from tests.perf import report_files
from tests.perf.report import Report, in_turn
from tests.perf.report_files import CHECKPOINT, Told
from tests.roles import client_of

_SESSIONS = 12  # of each log, with the reasons of the central association: three pages
_PAGES = 3
_YEARS, _ROUNDS = 7, 15


def measure(report: Report) -> None:
    """Both figures; the reports are made by two processes, as two workers make them."""
    with tempfile.TemporaryDirectory(prefix="portal-bench-audit-") as folder:
        _files(report, Path(folder))
    _dashboard(report)


def _files(report: Report, folder: Path) -> None:
    authority.make_certificates(folder)
    settings = authority.environment(folder, None)
    codes = list(Organisation.objects.filter(kind="FEDERATION").values_list("code", flat=True))
    made = [world.report(code, sessions=_SESSIONS) for code in codes]
    items: list[tuple[str, int]] = []
    with translation.override("ja"):
        for each in made:
            content = content_of(each, LogKind.DATABASE, ReportFile.Stage.PROVIDED)
            page = render_to_string(files._TEMPLATE, files.context_of(content, CHECKPOINT))
            items.append((page, each.pk))
    assert _pages(report_files.bare(items[0][0])) == _PAGES
    told = _by_two(items, settings)
    report.add(
        f"audit reports: {len(made)} DB access reports of {_PAGES} pages read, drawn and signed by two processes",
        max(each.ours.clock for each in told),
        "s",
        reference="bare WeasyPrint of the same HTML by two processes (bar 1.2)",
        reference_value=max(each.bare.clock for each in told),
    )
    report.add(
        "audit reports: the same, processor time of both processes",
        sum(each.ours.processor for each in told),
        "s",
        reference="bare WeasyPrint of the same HTML (bar 1.2)",
        reference_value=sum(each.bare.processor for each in told),
    )
    report.add(
        "audit reports: peak memory of a process that makes them",
        max(each.peak for each in told),
        "MB",
        reference="limit",
        reference_value=300,
    )


def _by_two(items: list[tuple[str, int]], settings: dict[str, str]) -> list[Told]:
    """Each of two fresh processes makes half of the reports, each report in both ways, one after the other."""
    context = mp.get_context("spawn")
    queue: Any = context.Queue()
    ready = context.Barrier(2)
    processes = [
        context.Process(target=report_files.run, args=(half, settings, ready, queue))
        for half in (items[0::2], items[1::2])
    ]
    for process in processes:
        process.start()
    told = [queue.get() for _ in processes]
    for process in processes:
        process.join()
    return told


def _pages(pdf: bytes) -> int:
    from pypdf import PdfReader

    return len(PdfReader(io.BytesIO(pdf)).pages)


def _dashboard(report: Report) -> None:
    """The page beside the statements that it sends, sent again by hand: what no page of this database can do without."""
    places = list(Organisation.objects.filter(kind="FEDERATION"))
    this_year = timezone.now().year
    for month in range(12 * _YEARS):
        _month(dt.date(this_year - _YEARS + 1 + month // 12, month % 12 + 1, 1), places)
    person = factories.user(Role.AUDIT_REVIEWER, code="central")
    _fill_with_sessions(person)
    client = client_of(person, SERVER_NAME="127.0.0.1")
    address = f"/audit/?year={this_year - 1}"
    statements: list[tuple[str, Any]] = []

    def note(execute: Any, sql: str, values: Any, *rest: Any) -> Any:
        statements.append((sql, values))
        return execute(sql, values, *rest)

    def bare(_number: int) -> None:
        with connection.cursor() as cursor:
            for sql, values in statements:
                cursor.execute(sql, values)
                if cursor.description:
                    cursor.fetchall()

    def page(_number: int) -> None:
        assert client.get(address).status_code == 200

    page(0)
    with connection.execute_wrapper(note):
        page(0)
    reference, ours = in_turn(bare, page, runs=_ROUNDS)
    report.add(
        f"audit dashboard: {len(places)} federations x 12 months, with {_YEARS} years of data",
        ours,
        "ms",
        reference=f"its {len(statements)} bare queries (bar 3)",
        reference_value=reference,
    )


def _month(first: dt.date, places: list[Organisation]) -> None:
    """A month that is over: its steps, a reconciliation and a report for each federation."""
    cycle, now = world.cycle(first), timezone.now()
    CycleStep.objects.bulk_create(
        (
            CycleStep(cycle=cycle, step=step, owner="CENTRAL", due_day=28, month_offset=1, roll="NEXT",
                      starts_on=first, due_on=first + dt.timedelta(days=57))
            for step in Step
        ),
        ignore_conflicts=True,
    )  # fmt: skip
    counts = {LogKind.DATABASE.value: {Code.OK.value: 12, Code.U_NOPLAN.value: _SESSIONS * 3}}
    missing = {
        "host": "TK-DB01",
        "log_kind": LogKind.DATABASE.value,
        "days_with_rows": 29,
        "days_missing": [f"{first}"],
    }
    runs = Reconciliation.system.bulk_create(
        Reconciliation(cycle=cycle, organisation=place, started_at=now, finished_at=now,
                       state=Reconciliation.State.DONE, counts=counts, coverage=[missing])
        for place in places
    )  # fmt: skip
    AuditReport.system.bulk_create(
        (
            AuditReport(cycle=cycle, organisation=run.organisation, reconciliation=run, status=ReportStatus.COPY_STORED,
                        provided_at=now, returned_at=now)
            for run in runs
        ),
        ignore_conflicts=True,
    )  # fmt: skip


def _fill_with_sessions(person: User) -> None:
    """Sessions of both logs for each reconciliation without any, as many as above, each with the reasons of both parties."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO audit_mismatch (reconciliation_id, organisation_id, fingerprint, log_kind, code, host, account, client,"
            " object_name, actions, first_at, last_at, row_count, volume, medium_serial, work_number, involves_number, search_text)"
            " SELECT r.id, r.organisation_id, 'f' || r.id || '-' || n, 'DATABASE', 'U_NOPLAN', 'TK-DB01', 'sa', '', '', 'SELECT', r.started_at,"
            " r.started_at, 3, 1200, '', '', true, '' FROM audit_reconciliation r, generate_series(1, %s) n"
            " WHERE NOT EXISTS (SELECT FROM audit_mismatch m WHERE m.reconciliation_id = r.id)",
            [2 * _SESSIONS],
        )
        cursor.execute(
            "INSERT INTO audit_mismatchreason (mismatch_id, organisation_id, side, code, text, given_by_id, given_by_name, given_at)"
            " SELECT m.id, m.organisation_id, side, (ARRAY['EMERGENCY', 'OVERRUN', 'OTHER'])[1 + m.id %% 3], '障害対応のため', %s, '試験', m.first_at"
            " FROM audit_mismatch m, unnest(ARRAY['CENTRAL', 'FEDERATION']) side"
            " WHERE NOT EXISTS (SELECT FROM audit_mismatchreason r WHERE r.mismatch_id = m.id) ORDER BY side, m.id",
            [person.pk],
        )
        cursor.execute("VACUUM ANALYZE")
