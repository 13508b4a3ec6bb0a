"""What an import means for the months: which it touches, and whose report was made without these rows (AUD-10)."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from django.db.models import F, Sum

from audit.cycles.models import AuditCycle
from audit.imports.models import LogCoverage, LogImport
from audit.reports.models import AuditReport, ReportStatus

MONTHS = "months"
NO_MONTH = ""


def note_months(made: LogImport) -> None:
    """Write into the findings how many rows belong to which month; where a report exists already, how many came late.

    A late row changes no report: the reconciliation is done anew, and the report needs a supplement.
    """
    rows = LogCoverage.system.filter(log_import=made).values("day", code=F("organisation__code"))
    cycles = list(AuditCycle.objects.all())
    counted: dict[AuditCycle | None, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for entry in rows.annotate(rows=Sum("row_count")):
        cycle = next((c for c in cycles if c.covers_from <= entry["day"] <= c.covers_until), None)
        counted[cycle][entry["code"]] += entry["rows"]
    months: dict[str, Any] = {}
    for cycle, codes in counted.items():
        done = _made_already(cycle) if cycle else set()
        months[cycle.key if cycle else NO_MONTH] = {
            "rows": sum(codes.values()),
            "late": {code: count for code, count in sorted(codes.items()) if code in done},
        }
    made.findings[MONTHS] = months


def _made_already(cycle: AuditCycle) -> set[str]:
    reports = AuditReport.system.filter(cycle=cycle, is_current=True).exclude(status=ReportStatus.PLANNED)
    return set(reports.values_list("organisation__code", flat=True))
