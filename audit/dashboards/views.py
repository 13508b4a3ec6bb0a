"""The first page of the audit: 中央会's and operations' picture of all federations, each federation's own."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from audit import waiting
from audit.cycles import selectors as cycles
from audit.dashboards import drawing, matrix, selectors
from audit.dashboards.matrix import Mark
from audit.reports.views import ReportsView
from portal.common import export
from portal.common.time import today
from portal.orgs.permissions import RUN_OPERATIONS
from portal.trail import services as trail

_EARLIEST, _LATEST = 2020, 2099


def parse_year(sent: str) -> int | None:
    """A fiscal year as it is written in an address; None for what is none."""
    fits = sent.isascii() and sent.isdigit() and len(sent) == 4 and _EARLIEST <= int(sent) <= _LATEST
    return int(sent) if fits else None


class DashboardView(ReportsView):
    """What a person sees of the audit at one glance."""

    def get(self, request: HttpRequest) -> HttpResponseBase:
        """The page; federations with something to look into stand first when asked for."""
        day = today(timezone.now())
        year = self.year(day)
        current = selectors.current_cycle(self.user, year)
        picture = selectors.matrix_of(self.user, year=year, current=current, today=day)
        self.note("view", year)
        wide, late = cycles.reads_everything(self.user), drawing.late_chart(picture)
        waits = waiting.of(self.user, timezone.now())
        context = {
            "year": year,
            "years": selectors.years(),
            "matrix": picture,
            "table": drawing.table(picture, only_open="open" in request.GET),
            "only_open": "open" in request.GET,
            "kpis": drawing.kpis(picture),
            "legend": drawing.LEGEND,
            "late": late,
            "any_late": any(each.total for each in late),
            "progress": self.progress(current),
            "due_days": selectors.due_days(day),
            "waiting": waits,
            "incidents_wait": any(card.url.startswith(reverse("incident_list")) for card in waits),
            "findings": selectors.findings(self.user, year),
            "gaps": selectors.gaps(self.user, current) if wide else [],
            "unwatched": selectors.unwatched(current, [row.organisation for row in picture.rows]),
            "is_wide": wide,
            "runs_operations": self.user.may(RUN_OPERATIONS),
            "today": day,
            "printing": "print" in request.GET,
        }
        return render(request, "audit/dashboards/dashboard.html", context)

    def progress(self, current: Any) -> list[tuple[Any, Any]]:
        """The steps of the current month with how many reports have them behind them."""
        if current is None:
            return []
        counts = cycles.progress_of(self.user, [current.pk])[current.pk]
        return [(step, counts[step.step]) for step in current.steps.all()]

    def year(self, day: date) -> int:
        """The fiscal year of the URL, else that of today; nonsense is today."""
        return parse_year(self.request.GET.get("year", "")) or matrix.fiscal_year(day)

    def note(self, verb: str, year: int) -> None:
        """Looking and taking along leave a trace (SEC-02)."""
        detail = {"year": year}
        trail.record(action=f"audit_dashboard.{verb}", now=timezone.now(), actor=self.user, detail=detail)


class DashboardExportView(DashboardView):
    """The matrix as a file."""

    def get(self, request: HttpRequest) -> HttpResponseBase:
        """One line for each federation, one column for each month."""
        day = today(timezone.now())
        year = self.year(day)
        picture = selectors.matrix_of(
            self.user, year=year, current=selectors.current_cycle(self.user, year), today=day
        )
        self.note("export", year)
        header = [_("Federation"), *(f"{month.first:%Y-%m}" for month in picture.months)]
        rows = (
            [row.organisation.short_name, *(str(Mark(cell.mark).label) for cell in row.cells)]
            for row in picture.rows
        )
        kind = export.file_format(request.GET.get("format", ""))
        return export.rows_response(kind, f"監査進捗_{year}年度", header, rows)
