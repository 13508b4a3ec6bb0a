"""The report on paper, the confirmation that the applicant was told, and the list of reports that did not arrive (REQ-12)."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from portal.common.downloads import downloaded
from portal.documents.pdf import PdfUnavailable, render_pdf
from portal.documents.responses import no_pdf, pdf_response
from portal.fulfilment.selectors import files_of
from portal.orgs.models import Organisation
from portal.orgs.permissions import READ_OPERATIONS, TAKE_REPORTS
from portal.trail import services as trail
from portal.workflow import kinds, registers
from portal.workflow.errors import InvalidApplication
from portal.workflow.registers import ExportMixin, ListMixin, PrintMixin
from portal.workflow.reports import arriving, selectors, telling
from portal.workflow.reports.forms import ReportFilterForm, ToldForm
from portal.workflow.reports.tables import REPORTS
from portal.workflow.views import ApplicationView, StepView, render_application


class ReportPdfView(ApplicationView):
    """The report as a PDF: everything that was done, with its evidence."""

    def get(self, request: HttpRequest, number: str) -> HttpResponse:
        """For everybody who may see the application. Taking it along is recorded (SEC-02)."""
        application, now = self.load(number), timezone.now()
        shown = telling.shown(self.user, application, with_changes=True)
        if shown is None:
            raise Http404
        context = {
            "application": application,
            "kind": kinds.get(application.kind),
            "shown": shown,
            "stages": [
                s for s in application.stages.all() if s.revision == application.revision and s.decided_at
            ],
            "now": now,
            "person": self.user,
        }
        try:
            data = render_pdf("documents/result_report.html", context)
        except PdfUnavailable:
            return no_pdf(request)
        trail.record(
            action="application.report",
            now=now,
            actor=self.user,
            object_type="application",
            object_id=application.pk,
            object_label=application.number,
            object_organisation_id=application.organisation_id,
        )
        arriving.note_read(application, reader=self.user, now=now)
        return pdf_response(data, f"{application.number}.pdf")


class ReportFileView(ApplicationView):
    """A file that shows what was done by hand; only ever through its application, and never shown inside the portal's own pages."""

    def get(self, request: HttpRequest, number: str, pk: int) -> HttpResponse:
        """Taking it along is recorded (SEC-02)."""
        application = self.load(number)
        file = files_of(self.user, number).filter(pk=pk).first()
        if file is None:
            raise Http404
        trail.record(
            action="application.report_file",
            now=timezone.now(),
            actor=self.user,
            object_type="application",
            object_id=application.pk,
            object_label=application.number,
            object_organisation_id=application.organisation_id,
            detail={"file": file.pk, "sha256": file.sha256},
        )
        return downloaded(file.name, file.content_type, bytes(file.data))


class ToldView(StepView):
    """A colleague told the applicant."""

    def post(self, request: HttpRequest, number: str) -> HttpResponse:
        """With when and how; a second click is told that it is settled (409)."""
        application = self.load(number)
        form = ToldForm(request.POST, prefix="told")
        if not form.is_valid():
            return render_application(request, application, told=form, status=422)
        try:
            arriving.told(
                application_id=application.pk,
                actor=self.user,
                note=form.cleaned_data["note"],
                now=timezone.now(),
            )
        except InvalidApplication as error:
            form.add_error("note", [text for texts in error.errors.values() for text in texts])
            return render_application(request, application, told=form, status=422)
        messages.success(request, _("It is recorded that the applicant was told the result."))
        return redirect("application_detail", number=number)


class ReportRegisterView(registers.RegisterView):
    """What the three views of the list share."""

    table = REPORTS
    names = ("q", "state", "outcome", "organisation")
    action = "report"
    template = "workflow/reports.html"
    heading = gettext_lazy("Result reports")

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """403 for people who follow no reports."""
        if request.user.is_authenticated and not (
            self.user.may(READ_OPERATIONS) or self.user.may(TAKE_REPORTS)
        ):
            raise PermissionDenied(_("Your role does not allow you to see result reports."))
        return super().dispatch(request, *args, **kwargs)

    def found(self, filters: dict[str, str]) -> Any:
        """The reports that the filters leave."""
        return selectors.reports(self.user, **filters)

    def form(self, *args: Any, **kwargs: Any) -> ReportFilterForm:
        """The filters."""
        everything = self.user.may(READ_OPERATIONS)
        own = Organisation.objects.all() if everything else self.user.organisations_where(TAKE_REPORTS)
        return ReportFilterForm(*args, organisations=own, **kwargs)

    def more(self) -> dict[str, Any]:
        """The list begins with the work that is open."""
        return {"shows_open_work": not self.filters()}


class ListView(ListMixin, ReportRegisterView):
    """The reports that did not arrive, or those that the filters name."""


class ExportView(ExportMixin, ReportRegisterView):
    """As a file."""


class PrintView(PrintMixin, ReportRegisterView):
    """On paper."""
