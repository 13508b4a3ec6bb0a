"""Months and reports for the tests of the audit. Small on purpose: each room adds what it needs."""

from __future__ import annotations

import datetime as dt
from typing import Any

from audit.cycles import services
from audit.cycles.models import AuditCycle
from audit.reports.models import AuditReport, ReportStatus
from portal.common.time import JST

SEPTEMBER = dt.date(2026, 9, 1)


def jst(*parts: int) -> dt.datetime:
    """A moment in Japan."""
    return dt.datetime(*parts, tzinfo=JST)  # type: ignore[arg-type, misc]


def open_cycle(month: dt.date = SEPTEMBER, now: dt.datetime | None = None) -> AuditCycle:
    """A month as the scheduler opens it, with its steps and a planned report for each federation."""
    services.open_cycle(month=month, now=now or jst(month.year, month.month, 21, 0, 4))
    return AuditCycle.objects.get(month=month)


def report(
    cycle: AuditCycle, code: str = "13", status: str = ReportStatus.PLANNED, **fields: Any
) -> AuditReport:
    """The current report of a federation, brought into a state past the services: for tests that begin there."""
    rows = AuditReport.system.filter(cycle=cycle, organisation__code=code, is_current=True)
    rows.update(status=status, **fields)
    return rows.get()


def all_reports(cycle: AuditCycle, status: str, **fields: Any) -> None:
    """Every current report of the month in one state."""
    AuditReport.system.filter(cycle=cycle, is_current=True).update(status=status, **fields)
