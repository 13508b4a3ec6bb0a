"""A report of one federation with sessions that differ, reasons, fitting work and coverage."""

from __future__ import annotations

import datetime as dt
from typing import Any

from audit.cycles.models import AuditCycle, DeadlinePolicy
from audit.reconciliation.models import (
    Code,
    LogKind,
    Mismatch,
    MismatchReason,
    ReasonCode,
    Reconciliation,
    Side,
)
from audit.reports.models import AuditReport, ReportStatus
from portal.common.time import JST
from portal.orgs.permissions import Role
from tests import factories

NOW = dt.datetime(2026, 10, 15, 10, 0, tzinfo=JST)
LONG_HOST = "kokuho-tokyo-kaigo-shogai-database-server-0000000013-standby.kyodo.kokuho.example.jp"
LONG_FILE = (
    "C:/共有/特定個人情報/令和8年度/" + "介護給付費等支払決定額通知書_" * 6 + "最終版（修正済み）.xlsx"
)


def cycle(month: dt.date = dt.date(2026, 9, 1)) -> AuditCycle:
    policy, _ = DeadlinePolicy.objects.get_or_create(valid_from=dt.date(2026, 4, 1))
    before = month - dt.timedelta(days=1)
    return AuditCycle.objects.get_or_create(
        month=month,
        defaults={
            "covers_from": before.replace(day=21),
            "covers_until": month.replace(day=20),
            "policy": policy,
            "opened_at": NOW,
        },
    )[0]


def report(code: str = "13", *, sessions: int = 0, reasons: bool = True, **fields: Any) -> AuditReport:
    """A report at step 2 done, with this many sessions that differ in each of the two logs, and one that fits."""
    month, organisation = cycle(), factories.organisation(code)
    run = Reconciliation.system.create(
        cycle=month,
        organisation=organisation,
        started_at=NOW,
        finished_at=NOW,
        state=Reconciliation.State.DONE,
        counts={kind.value: {"OK": 12, "U_NOPLAN": sessions * 3} for kind in LogKind},
        coverage=[
            {
                "host": LONG_HOST,
                "log_kind": kind.value,
                "days_with_rows": 29,
                "days_missing": ["2026-09-03", "2026-09-04"],
            }
            for kind in LogKind
        ],
    )
    central = factories.user(Role.AUDIT_REVIEWER, code="central")
    federation = factories.user(Role.SECURITY_MANAGER, code=code)
    for kind in LogKind:
        made = Mismatch.system.bulk_create(_session(run, kind, number) for number in range(sessions + 1))
        if reasons:
            MismatchReason.system.bulk_create(
                MismatchReason(
                    mismatch=each,
                    organisation=organisation,
                    side=side,
                    code=ReasonCode.EMERGENCY,
                    text="夜間の障害対応のため、申請より先に作業した。" * (10 if number % 10 == 0 else 1)
                    + ("長" * 270 if number == 50 else "")  # as long as a reason can be
                    + f"記録{number + 1:03}",
                    given_by=person,
                    given_by_name=person.display_name,
                    given_at=NOW,
                )
                for number, each in enumerate(made[1:])
                for side, person in ((Side.CENTRAL, central), (Side.FEDERATION, federation))
            )
    values: dict[str, Any] = {
        "status": ReportStatus.CENTRAL_CONFIRMED,
        "reconciliation": run,
        "created_by": factories.operator(),
        "made_at": NOW,
        "central_checked_by": central,
        "central_confirmed_at": NOW,
    }
    return AuditReport.system.create(cycle=month, organisation=organisation, **values | fields)


def _object(kind: LogKind, number: int) -> str:
    if kind == LogKind.DATABASE:
        return f"KAIGO.HIHOKENSHA_{number:03}"
    return LONG_FILE if number % 10 == 1 else f"D:/業務/通知書_{number:03}.xlsx"


def rerun(report: AuditReport, sessions: int) -> Reconciliation:
    """A later run of the month that finds the same sessions; no reason is given there."""
    run = Reconciliation.system.create(
        cycle=report.cycle,
        organisation=report.organisation,
        started_at=NOW,
        finished_at=NOW,
        state=Reconciliation.State.DONE,
        counts=report.reconciliation.counts if report.reconciliation else {},
    )
    for kind in LogKind:
        Mismatch.system.bulk_create(_session(run, kind, number) for number in range(sessions + 1))
    return run


def _session(run: Reconciliation, kind: LogKind, number: int) -> Mismatch:
    codes = [code for code in Code if code not in {Code.OK, Code.TOL, Code.AMBIGUOUS}]
    first = dt.datetime(2026, 8, 21, 9, 0, tzinfo=JST) + dt.timedelta(hours=7 * (number % 100))
    return Mismatch(
        reconciliation=run,
        organisation=run.organisation,
        fingerprint=f"{kind}-{number}",
        log_kind=kind,
        code=Code.OK if number == 0 else codes[number % len(codes)],
        host=LONG_HOST if number % 10 == 1 else f"TK-DB{number % 7:02}",
        account="kokuho_hoshu_tantou_01" if number % 2 else "sa",
        client=f"10.13.0.{number % 200}",
        object_name=_object(kind, number),
        actions="コピー" if kind == LogKind.TAKEOUT else "SELECT, EXPORT",
        first_at=first,
        last_at=first + dt.timedelta(minutes=number % 50),
        row_count=3,
        volume=123_456_789 if kind == LogKind.TAKEOUT else 1200,
        medium_serial="USB-0001" if kind == LogKind.TAKEOUT else "",
        medium_permitted=False if kind == LogKind.TAKEOUT else None,
        work_number="作業-2026-000123" if number == 0 else "",
    )
