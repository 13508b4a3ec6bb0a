"""The screens of audit reports: the list, many at once, the page of a revision with its steps, files and enquiries."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from audit.imports import selectors as logs
from audit.reports import access, asking, handing, many, selectors
from audit.reports.errors import NotAllowed, Refused
from audit.reports.forms import AskForm, DownloadForm, ReportFilterForm
from audit.reports.models import AuditReport, ReportFile
from audit.reports.offers import Offers
from audit.reports.services import MOVES
from audit.reports.tables import REPORTS, address
from portal.common.downloads import downloaded
from portal.common.forms import chosen
from portal.trail import services as trail
from portal.workflow import registers
from portal.workflow.registers import ExportMixin, ListMixin, PrintMixin
from portal.workflow.views import PersonView

CONTENT_TYPES = {
    ReportFile.Format.PDF: "application/pdf",
    ReportFile.Format.CSV: "text/csv; charset=utf-8",
    ReportFile.Format.XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


class ReportsView(PersonView):
    """A view for those who read audit reports."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Somebody without the role gets 403, whatever the report."""
        if request.user.is_authenticated and not access.reach(self.user, timezone.now()):
            raise PermissionDenied(_("Your role does not allow you to see audit reports."))
        try:
            return super().dispatch(request, *args, **kwargs)
        except NotAllowed as error:
            raise PermissionDenied(error.reason) from error

    def load(self, month: str, code: str, revision: int) -> AuditReport:
        """Another federation's is as unknown as none, and so is one that was not provided yet (ORG-02)."""
        try:
            return selectors.report(self.user, month, code, revision)
        except AuditReport.DoesNotExist as error:
            raise Http404 from error

    def record(self, verb: str, report: AuditReport, **detail: Any) -> None:
        """Reading and taking along leave a trace (SEC-02)."""
        trail.record(
            action=f"audit_report.{verb}",
            now=timezone.now(),
            actor=self.user,
            object_type="audit_report",
            object_id=report.pk,
            object_label=str(report),
            object_organisation_id=report.organisation_id,
            detail=detail,
        )


class ReportRegisterView(ReportsView, registers.RegisterView):
    """What the three views of the list show."""

    table = REPORTS
    names = ("month", "status", "whose", "organisation")
    action = "audit_report"
    template = "audit/reports/list.html"
    heading = gettext_lazy("Audit reports")
    order = ("-cycle__month", "organisation__sort_order", "organisation__code")
    record = registers.RegisterView.record  # type: ignore[assignment]

    def found(self, filters: dict[str, str]) -> Any:
        """The reports that the filters leave."""
        return selectors.with_missing_reasons(selectors.reports(self.user, **filters))

    def form(self, *args: Any, **kwargs: Any) -> ReportFilterForm:
        """The search."""
        return ReportFilterForm(
            *args, organisations=selectors.organisations(self.user), months=selectors.months(), **kwargs
        )


class ListView(ListMixin, ReportRegisterView):
    """Every report that the person may see."""

    def more(self) -> dict[str, Any]:
        """The steps that the person can do with many at once."""
        return {"many": [(step, MOVES[step].label) for step in self.steps()]}

    def steps(self) -> list[str]:
        """By name."""
        wanted = {step: MOVES[step].permission for step in many.MANY}
        doing = access.steps(self.user, timezone.now(), list(wanted.values()))
        return [step for step, permission in wanted.items() if permission in doing]


class ExportView(ExportMixin, ReportRegisterView):
    """As a file."""


class PrintView(PrintMixin, ReportRegisterView):
    """On paper."""


class ManyView(ReportsView):
    """One step of many reports: which can, which cannot and why, then do it with those that were ticked (AUD-04)."""

    def get(self, request: HttpRequest, step: str) -> HttpResponse:
        """The reports in whose turn the step is, ticked where it can be done."""
        self.require(step)
        filters = {"status": MOVES[step].before, "month": request.GET.get("month", "")[:7]}
        rows = selectors.reports(self.user, **filters).order_by("cycle__month", "organisation__sort_order")
        looked = many.preview(step, rows[: many.MOST], actor=self.user, now=timezone.now())
        return self.page(step, looked)

    def post(self, request: HttpRequest, step: str) -> HttpResponse:
        """What was done and what was not."""
        self.require(step)
        seen = chosen(request.POST.getlist("report"))
        rows = selectors.visible(self.user).filter(pk__in=seen).select_related("cycle", "organisation")
        if not rows:
            messages.error(request, _("Choose at least one report."))
            return redirect(request.path)
        done = many.take(step, rows, seen, actor=self.user, now=timezone.now())
        count = sum(not each.why_not for each in done)
        if count:
            messages.success(request, _("Done with %(count)d reports.") % {"count": count})
        if count == len(done):
            return redirect("audit_report_list")
        return self.page(step, [each for each in done if each.why_not], after=True, done=count, status=422)

    def require(self, step: str) -> None:
        """Only steps of those who have many reports, and only for them."""
        if step not in many.MANY:
            raise Http404
        if not access.steps(self.user, timezone.now(), [MOVES[step].permission]):
            raise PermissionDenied(_("Your role does not allow you to do this step."))

    def page(
        self, step: str, looked: list[many.Looked], *, after: bool = False, done: int = 0, status: int = 200
    ) -> HttpResponse:
        """Those that can, and those that cannot with the reason."""
        months = {each.report.cycle.month for each in looked} if step == "create" else set()
        context = {
            "step": step,
            "label": MOVES[step].label,
            "imports": [made for month in sorted(months) for made in logs.imports_under_way(month)],
            "ready": [each for each in looked if not each.why_not],
            "not_ready": [each for each in looked if each.why_not],
            "after": after,
            "done": done,
        }
        return render(self.request, "audit/reports/many.html", context, status=status)


class DetailView(ReportsView):
    """One revision: where it stands, what is to be done now, and everything about it."""

    def get(self, request: HttpRequest, month: str, code: str, revision: int) -> HttpResponse:
        """Reading it leaves a trace (SEC-02)."""
        report = self.load(month, code, revision)
        self.record("view", report)
        return self.page(report)

    def post(self, request: HttpRequest, month: str, code: str, revision: int) -> HttpResponse:
        """One step. What was typed stays when it is refused."""
        report, name = self.load(month, code, revision), request.POST.get("step", "")
        offers = Offers(report, self.user, timezone.now())
        form = offers.bound(name, request)
        if form is None:
            return HttpResponse(status=422)
        if not form.is_valid():
            return self.page(report, offers, form, status=422)
        try:
            done = offers.take(name, form.values())
        except Refused as refused:
            fresh = self.load(month, code, revision)
            form.refuse(refused)
            return self.page(fresh, Offers(fresh, self.user, timezone.now()), form, status=422)
        messages.success(request, _("Done."))
        return redirect(address(done))

    def page(
        self, report: AuditReport, offers: Offers | None = None, form: Any = None, status: int = 200
    ) -> HttpResponse:
        """Everything about it."""
        offers = offers or Offers(report, self.user, timezone.now())
        if form is not None:
            form.see(report.version)
        context = offers.context(form) | {"problems": form.error_summary if form is not None else []}
        return render(self.request, "audit/reports/report.html", context, status=status)


class FileView(DetailView):
    """A file of the report; taking it along needs a reason and leaves a trace (SEC-02)."""

    http_method_names = ("post", "options")

    def post(self, request: HttpRequest, month: str, code: str, revision: int) -> HttpResponse:
        """The file to be saved."""
        report = self.load(month, code, revision)
        form = DownloadForm(request.POST, prefix="download")
        if not form.is_valid():
            return self.page(report, form=form, status=422)
        try:
            found = selectors.file(self.user, report, form.cleaned_data["file"])
        except ReportFile.DoesNotExist as error:
            raise Http404 from error
        try:
            content = handing.content_of(found, report, actor=self.user, now=timezone.now())
        except Refused as refused:
            form.refuse(refused)
            return self.page(report, form=form, status=409)
        self.record(
            "download", report, file=found.name, sha256=found.sha256, reason=form.cleaned_data["reason"]
        )
        return downloaded(found.name, CONTENT_TYPES[ReportFile.Format(found.format)], content)


class AskView(ReportsView):
    """An enquiry about the report (AUD-05)."""

    def get(self, request: HttpRequest, month: str, code: str, revision: int) -> HttpResponse:
        """An empty form."""
        report = self.load(month, code, revision)
        self.require(report)
        return self.page(report, AskForm(initial={"version": report.version}))

    def post(self, request: HttpRequest, month: str, code: str, revision: int) -> HttpResponse:
        """Sent to the desk."""
        report = self.load(month, code, revision)
        self.require(report)
        form = AskForm(request.POST, request.FILES)
        if not form.is_valid():
            return self.page(report, form, status=422)
        try:
            made = asking.ask(report_id=report.pk, actor=self.user, now=timezone.now(), **form.values())
        except Refused as refused:
            form.refuse(refused)
            form.see(self.load(month, code, revision).version)
            return self.page(report, form, status=422)
        messages.success(request, _("Your enquiry was sent. You get a mail when it is answered."))
        return redirect("enquiry", made.number)

    def require(self, report: AuditReport) -> None:
        """People of the federation ask."""
        if not asking.may_ask(report, self.user):
            raise PermissionDenied(
                _("Enquiries are asked by people of the federation once the report was provided.")
            )

    def page(self, report: AuditReport, form: AskForm, status: int = 200) -> HttpResponse:
        """The form."""
        context = {"report": report, "form": form, "problems": form.error_summary if form.is_bound else []}
        return render(self.request, "audit/reports/ask.html", context, status=status)
