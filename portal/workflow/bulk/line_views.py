"""An application with many lines: its progress, all its lines in pages and as a file, and what became of each."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _

from portal.common.workbook import workbook_response
from portal.trail import services as trail
from portal.workflow import kinds
from portal.workflow.bulk import files, selectors, services
from portal.workflow.bulk.columns import columns_of
from portal.workflow.bulk.views import checked_and_shown
from portal.workflow.content import check_lines
from portal.workflow.drafts import current_data
from portal.workflow.models import Application, ApplicationLine
from portal.workflow.plans import Plan
from portal.workflow.views import ApplicationView, StepView


class LinesView(ApplicationView):
    """All lines in pages, with a search; what each changes is folded away until it is wanted."""

    def get(self, request: HttpRequest, number: str) -> HttpResponse:
        """Reading personal data leaves a trace (SEC-02)."""
        application = self.load(number)
        asked = request.GET.get("page", "1")
        page = int(asked) if asked.isascii() and asked.isdigit() and len(asked) < 6 else 1
        query = request.GET.get("q", "").replace("\x00", "")[:200]
        found, count = selectors.lines(application, query, page)
        trail_of("application.view", self, application, {"lines": page, "q": query})
        kind = kinds.get(application.kind)
        context = {
            "application": application,
            "kind": kind,
            "lines": _with_plans(self, application, found),
            "asked_at": timezone.now(),
            "query": query,
            "count": count,
            "number": page,
            "following": page + 1 if page * selectors.LINES_ON_PAGE < count else 0,
        }
        return render(request, "workflow/bulk/lines.html", context)


class LinesFileView(ApplicationView):
    """All lines as a workbook: what is applied for, what it changes, what the checks say."""

    def get(self, request: HttpRequest, number: str) -> HttpResponse:
        """Recorded as an export (SEC-02)."""
        application = self.load(number)
        kind = kinds.get(application.kind)
        columns = columns_of(kind, _line_context(self, application))
        trail_of("application.export", self, application, {"lines": application.line_count})
        header = [
            _("No."),
            _("subject"),
            *(c.label for c in columns),
            _("changes"),
            _("checks that need attention"),
        ]
        rows = files.lines_rows(application, kind, columns)
        return workbook_response(f"{application.number}.xlsx", header, rows)  # type: ignore[return-value]


class ResultsFileView(ApplicationView):
    """結果ファイル: what became of each line at each target."""

    def get(self, request: HttpRequest, number: str) -> HttpResponse:
        """Recorded as an export (SEC-02)."""
        application = self.load(number)
        trail_of("application.export", self, application, {"results": application.line_count})
        rows = files.result_rows(selectors.operations(self.user, application))
        name = f"{application.number}_{_('results')}.xlsx"
        return workbook_response(name, files.result_header(), rows)  # type: ignore[return-value]


class ProgressView(ApplicationView):
    """How far the carrying out is; the page asks every two seconds."""

    def get(self, request: HttpRequest, number: str) -> HttpResponse:
        """The bar and the counts; without htmx the whole page of the application."""
        application = self.load(number)
        if not request.headers.get("HX-Request"):
            return redirect("application_detail", number=number)
        context = {"application": application, "progress": selectors.progress(self.user, application)}
        return render(request, "workflow/bulk/_progress.html", context)


class ReopenView(StepView):
    """The lines of a draft as a table, to be corrected there."""

    def post(self, request: HttpRequest, number: str) -> HttpResponse:
        """On to the page of the rows."""
        application = self.load(number)
        upload = services.reopen(application_id=application.pk, actor=self.user, now=timezone.now())
        return checked_and_shown(upload)


def _with_plans(
    view: ApplicationView, application: Application, lines: list[ApplicationLine]
) -> list[dict[str, Any]]:
    """Each line with its plan: as it was frozen, or of a draft as it would be frozen now, by the code that freezes it."""
    if not application.is_editable:
        return [{"line": line, "plan": Plan.from_json(line.plan) if line.plan else None} for line in lines]
    kind = kinds.get(application.kind)
    values = [current_data(kind, line) for line in lines]
    checked, _errors = check_lines(kind, _line_context(view, application), values)
    return [
        {"line": line, "plan": found.plan if found is not None else None}
        for line, found in zip(lines, checked, strict=True)
    ]


def _line_context(view: ApplicationView, application: Application) -> kinds.LineContext:
    return kinds.LineContext(
        organisation=application.organisation,
        actor=view.user,
        application=application,
        today=timezone.localdate(),
    )


def trail_of(action: str, view: ApplicationView, application: Application, detail: dict[str, Any]) -> None:
    """Record what a person saw or took away of an application."""
    trail.record(
        action=action,
        now=timezone.now(),
        actor=view.user,
        object_type="application",
        object_id=application.pk,
        object_label=application.number,
        object_organisation_id=application.organisation_id,
        detail=detail,
    )
