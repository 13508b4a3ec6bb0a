"""The review of mismatches: sessions of one log of a report, by group, one by one, decided many at once (AUD-03, AUD-05)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import pgettext_lazy

from audit.reconciliation import logrows, reasons, selectors
from audit.reconciliation.assurance import assurance
from audit.reconciliation.forms import GiveForm, SessionFilterForm
from audit.reconciliation.masking import masked
from audit.reconciliation.models import FITTING, LogKind, Mismatch, Side
from audit.reconciliation.tables import SESSIONS, permitted
from audit.reports.models import AuditReport
from audit.reports.views import ReportsView
from portal.common import export
from portal.common.forms import describe_filters
from portal.common.pagination import COUNT_LIMIT, Page, limited_count, paginate
from portal.trail.sensitive import ReasonForm
from portal.workflow.registers import ask_reason
from requests.enquiries.errors import ChangedMeanwhile, NotAllowed, Refused

LOGS = {"database": LogKind.DATABASE, "takeout": LogKind.TAKEOUT}
PAGE_SIZE = 50
MOST_AT_ONCE = 5000
_GROUPINGS = {
    "code": pgettext_lazy("mismatch", "by finding"),
    "host": pgettext_lazy("mismatch", "by machine"),
    "account": pgettext_lazy("mismatch", "by account"),
    "day": pgettext_lazy("mismatch", "by day"),
}
_NAMES = ("q", "shown", "code", "host", "account", "day", "reason")


class SessionsView(ReportsView):
    """A view of one log of one report."""

    def setup(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        """An unknown log is no address."""
        super().setup(request, *args, **kwargs)
        self.log = kwargs.get("log", "")

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """404 for an unknown log; refusals of the service become 403."""
        if self.log not in LOGS:
            raise Http404
        try:
            return super().dispatch(request, *args, **kwargs)
        except NotAllowed as error:
            raise PermissionDenied(error.reason) from error

    def report(self) -> AuditReport:
        """The revision of the address."""
        found = self.load(self.kwargs["month"], self.kwargs["code"], self.kwargs["revision"])
        if found.reconciliation_id is None:  # not made yet: there is nothing to look at
            raise Http404
        return found

    def side(self, report: AuditReport) -> Side:
        """For which party the person looks at it: their own, whether or not its step is open."""
        return Side.CENTRAL if self.user.scope.everything else Side.FEDERATION

    def filters(self) -> dict[str, str]:
        """The filters of the URL, each only when it says something."""
        sent = {name: self.request.GET.get(name, "").replace("\x00", "").strip()[:200] for name in _NAMES}
        return {name: value for name, value in sent.items() if value}

    def found(self, report: AuditReport, **more: str) -> Any:
        """The sessions that the filters leave."""
        values = {**self.filters(), **more, "side": self.side(report).value}
        return selectors.sessions(self.user, report, LOGS[self.log], **values)  # type: ignore[arg-type]

    def back(self, report: AuditReport) -> str:
        """The page with the same filters."""
        return f"{self.address(report)}?{urlencode(self.filters())}"

    def address(self, report: AuditReport, name: str = "audit_sessions", **more: Any) -> str:
        """A page of this log."""
        return reverse(name, kwargs={**_key(report), "log": self.log, **more})


def _key(report: AuditReport) -> dict[str, Any]:
    return {"month": report.cycle.key, "code": report.organisation.code, "revision": report.revision}


def _dressed(rows: Iterable[Mismatch], *, whole: bool = False) -> list[Any]:
    """Sessions with their reasons, and names masked unless somebody said why not."""
    found: list[Any] = selectors.with_reasons(rows)
    for row in found:
        row.object_shown = row.object_name if whole else masked(row.object_name, row.log_kind)
        row.permit = permitted(row)
    return found


class ReviewView(SessionsView):
    """The sessions, or groups of them, with the form that decides all that are chosen."""

    def get(self, request: HttpRequest, **_kwargs: Any) -> HttpResponse:
        """Reading them leaves a trace (SEC-02)."""
        report = self.report()
        self.record("sessions", report, log=self.log, filters=self.filters(), by=self.by())
        return self.page(report)

    def post(self, request: HttpRequest, **_kwargs: Any) -> HttpResponse:
        """One reason for all that were ticked, or the whole names of this page."""
        report = self.report()
        if request.POST.get("step") == "reveal":
            return self.reveal(report)
        form = GiveForm(request.POST)
        if not form.is_valid():
            return self.page(report, form=form, status=422)
        try:
            made = reasons.give_reason(
                report_id=report.pk,
                mismatches=self.chosen(report),
                side=self.side(report),
                **form.cleaned_data,
                actor=self.user,
                now=timezone.now(),
            )
        except Refused as refused:
            form.refuse(refused)
            late = isinstance(refused, ChangedMeanwhile)
            return self.page(self.report(), form=form, status=409 if late else 422)
        messages.success(request, _("Reasons given: %(count)d") % {"count": len(made)})
        return redirect(f"{self.address(report)}?{request.GET.urlencode()}")

    def chosen(self, report: AuditReport) -> list[int]:
        """Ticked rows, all rows of ticked groups, or everything that the filters leave.

        Raises Refused for too many, and Http404 for a row that is not of this page: whether another report has it
        is not told (ORG-02).
        """
        post = self.request.POST
        keys = {
            int(sent)
            for sent in post.getlist("session")
            if sent.isascii() and sent.isdigit() and len(sent) < 19
        }
        if keys and len(keys) <= MOST_AT_ONCE and keys != self.known(report, keys):
            raise Http404
        wanted = []
        if post.get("everything"):
            wanted.append(self.found(report))
        by = self.by()
        if by:
            wanted += [self.found(report, **{by: key}) for key in post.getlist("group")[:500] if key]
        for rows in wanted:
            keys.update(rows.order_by("pk").values_list("pk", flat=True)[: MOST_AT_ONCE + 1])
        if len(keys) > MOST_AT_ONCE:
            text = _("At most %(most)d sessions at once. Narrow the filters.")
            raise Refused("", text % {"most": MOST_AT_ONCE})
        return sorted(keys)

    def known(self, report: AuditReport, keys: set[int]) -> set[int]:
        """Those of the sessions that are of this log of this report, whatever the filters."""
        rows: Any = Mismatch.objects.visible_to(self.user).filter(pk__in=keys, log_kind=LOGS[self.log])
        rows = rows.filter(reconciliation=report.reconciliation_id)
        return set(rows.values_list("pk", flat=True))

    def reveal(self, report: AuditReport) -> HttpResponse:
        """The same page with whole names, after the reason was recorded (SEC-02)."""
        form = ReasonForm(self.request.POST, prefix="reveal")
        if not form.is_valid():
            return self.page(report, reveal=form, status=422)
        page = self.page(report, whole=True)
        self.record("reveal", report, log=self.log, filters=self.filters(), **form.reason().detail)
        return page

    def by(self) -> str:
        """How the page groups; "" for single sessions."""
        sent = self.request.GET.get("by", "")
        return sent if sent in _GROUPINGS else ""

    def page(
        self,
        report: AuditReport,
        *,
        form: GiveForm | None = None,
        reveal: ReasonForm | None = None,
        whole: bool = False,
        status: int = 200,
    ) -> HttpResponse:
        """What was ticked and typed stays when it is refused."""
        rows, side, by, filters = self.found(report), self.side(report), self.by(), self.filters()
        count, post = limited_count(rows), self.request.POST
        may_give = reasons.side_of(self.user, report) == side and filters.get("shown") != "fits"
        counts = selectors.counts(self.user, report)
        page = None if by else paginate(rows, self.request.GET.get("cursor"), PAGE_SIZE)
        bound = [each for each in (form, reveal) if each is not None and each.is_bound]
        context = {
            "report": report,
            "log": self.log,
            "log_label": LOGS[self.log].label,
            "said": assurance(report.reconciliation.coverage, LOGS[self.log]),  # type: ignore[union-attr]
            "logs": [(name, kind.label, counts[kind.value]) for name, kind in LOGS.items()],
            "side": side,
            "our_side": side.lower(),
            "by": by,
            "groupings": [("", _("one by one")), *_GROUPINGS.items()],
            "groups": selectors.groups(rows, by, side) if by else [],
            "page": page,
            "sessions": _dressed(page.rows, whole=whole) if page else [],
            "whole": whole,
            "count": min(count, COUNT_LIMIT),
            "more": count > COUNT_LIMIT,
            "filters": filters,
            "query": urlencode(filters),
            "filter_form": SessionFilterForm(initial=filters, auto_id="filter_%s"),
            "form": form or GiveForm(),
            "reveal": reveal or ReasonForm(prefix="reveal"),
            "may_give": may_give,
            "ticked": set(post.getlist("session")),
            "ticked_groups": set(post.getlist("group")),
            "everything": bool(post.get("everything")),
            "problems": [problem for each in bound for problem in each.error_summary],
            "report_url": reverse("audit_report", kwargs=_key(report)),
            "here_url": self.address(report),
            "export_url": self.address(report, "audit_sessions_export"),
            "print_url": self.address(report, "audit_sessions_print"),
        }
        return render(self.request, "audit/reconciliation/review.html", context, status=status)


class SessionView(SessionsView):
    """One session: what was done, its work, every reason of both parties, and its log rows."""

    def get(self, request: HttpRequest, pk: int, **_kwargs: Any) -> HttpResponse:
        """Reading it leaves a trace (SEC-02)."""
        report = self.report()
        row = self.session(report, pk)
        self.record("session", report, session=row.pk)
        return self.page(report, row)

    def post(self, request: HttpRequest, pk: int, **_kwargs: Any) -> HttpResponse:
        """Our reason for this one, or the whole name after the reason for looking was recorded."""
        report = self.report()
        row = self.session(report, pk)
        if request.POST.get("step") == "give":
            return self.give(report, row)
        form = ReasonForm(request.POST, prefix="reveal")
        if not form.is_valid():
            return self.page(report, row, reveal=form, status=422)
        page = self.page(report, row, whole=True)
        self.record("reveal", report, session=row.pk, **form.reason().detail)
        return page

    def give(self, report: AuditReport, row: Mismatch) -> HttpResponse:
        """As in the list, for this one; then the list with those that have no reason yet."""
        form, side = GiveForm(self.request.POST), self.side(report)
        if not form.is_valid():
            return self.page(report, row, form=form, status=422)
        try:
            reasons.give_reason(
                report_id=report.pk,
                mismatches=[row.pk],
                side=side,
                **form.cleaned_data,
                actor=self.user,
                now=timezone.now(),
            )
        except Refused as refused:
            form.refuse(refused)
            late = isinstance(refused, ChangedMeanwhile)
            return self.page(self.report(), row, form=form, status=409 if late else 422)
        messages.success(self.request, _("Reasons given: %(count)d") % {"count": 1})
        return redirect(f"{self.address(report)}?shown=open")

    def session(self, report: AuditReport, pk: int) -> Mismatch:
        """The session of the address."""
        try:
            return selectors.session(self.user, report, pk)
        except Mismatch.DoesNotExist as error:
            raise Http404 from error

    def log_rows(self, row: Mismatch, *, whole: bool) -> Page[Any]:
        """One page of the log rows of the session."""
        found: Page[Any] = logrows.page_of_session(self.user, row, self.request.GET.get("cursor", ""))
        for each in found.rows:
            each.object_shown = each.object_name if whole else masked(each.object_name, each.log_kind)
            each.target_shown = each.target if whole else masked(each.target, each.log_kind)
        return found

    def page(
        self,
        report: AuditReport,
        row: Mismatch,
        *,
        form: GiveForm | None = None,
        reveal: ReasonForm | None = None,
        whole: bool = False,
        status: int = 200,
    ) -> HttpResponse:
        """The page."""
        bound = [each for each in (form, reveal) if each is not None]
        may_give = reasons.side_of(self.user, report) == self.side(report) and row.code not in FITTING
        context = {
            "log": self.log,
            "form": (form or GiveForm()) if may_give or form else None,
            "report": report,
            "row": row,
            "object_shown": row.object_name if whole else masked(row.object_name, row.log_kind),
            "is_masked": not whole and masked(row.object_name, row.log_kind) != row.object_name,
            "permit": permitted(row),
            "said": selectors.history(self.user, report, row),
            "incidents": selectors.incidents_about(self.user, row),
            "log_rows": self.log_rows(row, whole=whole),
            "log_label": LOGS[self.log].label,
            "list_url": self.address(report),
            "report_url": reverse("audit_report", kwargs=_key(report)),
            "reveal": reveal or ReasonForm(prefix="reveal"),
            "problems": [problem for each in bound for problem in each.error_summary],
        }
        return render(self.request, "audit/reconciliation/session.html", context, status=status)


class ExportView(SessionsView):
    """The sessions with both parties' reasons as a file; asks why (SEC-02)."""

    def get(self, request: HttpRequest, **_kwargs: Any) -> HttpResponse:
        """Ask."""
        return self.ask(self.report(), ReasonForm())

    def post(self, request: HttpRequest, **_kwargs: Any) -> HttpResponseBase:
        """The same filters as the page; the names are whole, the reason stands in the trail."""
        report, form = self.report(), ReasonForm(request.POST)
        if not form.is_valid():
            return self.ask(report, form, status=422)
        kind = export.file_format(request.GET.get("format", ""))
        rows = self.found(report).order_by("first_at", "pk")
        if (refusal := export.too_many(kind, rows)) is not None:
            messages.error(request, refusal)
            return redirect(self.back(report))
        filters = self.filters()
        self.record(
            "sessions_export", report, log=self.log, filters=filters, format=kind, **form.reason().detail
        )
        table = SESSIONS.with_columns(None)
        name = f"{LOGS[self.log].label}_{report.cycle.key}_{report.organisation.short_name}"
        lines = table.lines(_dressed(rows[: export.limit_of(kind)], whole=True))
        return export.rows_response(kind, name, table.header, lines)

    def ask(self, report: AuditReport, form: ReasonForm, status: int = 200) -> HttpResponse:
        """The page that asks."""
        title = f"{LOGS[self.log].label} {report.cycle.key} {report.organisation.short_name}"
        return ask_reason(self.request, form, title, self.back(report), status=status)


class PrintView(SessionsView):
    """The sessions on paper, names masked."""

    def get(self, request: HttpRequest, **_kwargs: Any) -> HttpResponse:
        """Printing is taking along: it is recorded like a file (SEC-02)."""
        report = self.report()
        self.record("sessions_print", report, log=self.log, filters=self.filters())
        rows = _dressed(self.found(report).order_by("first_at", "pk")[: export.PRINT_LIMIT + 1])
        table = SESSIONS.with_columns(None)
        context = {
            "table": table,
            "rows": table.rows(rows[: export.PRINT_LIMIT]),
            "count": min(len(rows), export.PRINT_LIMIT),
            "more": len(rows) > export.PRINT_LIMIT,
            "made_at": timezone.now(),
            "heading": f"{LOGS[self.log].label} {report.cycle.key} {report.organisation.name}",
            "list_url": self.back(report),
            "filters": describe_filters(SessionFilterForm(self.filters())),
            "is_sensitive": True,
        }
        return render(request, "components/list_print.html", context)
