"""Incidents on the screen: the list, and one with its sessions, closed with its result by somebody else."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from audit.reconciliation import incidents, selectors
from audit.reconciliation.forms import CloseIncidentForm, IncidentFilterForm
from audit.reconciliation.masking import masked
from audit.reconciliation.models import Incident
from audit.reconciliation.tables import INCIDENTS, permitted
from audit.reports import selectors as reports
from audit.reports.views import ReportsView
from portal.trail import services as trail
from portal.workflow import registers
from portal.workflow.registers import ListMixin, PrintMixin, ReasonedExportMixin
from requests.enquiries.errors import NotAllowed, Refused


class IncidentRegisterView(ReportsView, registers.RegisterView):
    """What the three views of the list show."""

    table = INCIDENTS
    names = ("q", "state", "organisation")
    action = "incident"
    template = "audit/reconciliation/incidents.html"
    heading = gettext_lazy("Suspected misuse")
    is_sensitive = True

    def record(self, verb: str, filters: Any, **more: Any) -> None:  # type: ignore[override]
        """As for every register."""
        registers.RegisterView.record(self, verb, filters, **more)

    def found(self, filters: dict[str, str]) -> Any:
        """The incidents that the filters leave."""
        return selectors.incidents(self.user, **filters)

    def form(self, *args: Any, **kwargs: Any) -> IncidentFilterForm:
        """The search."""
        return IncidentFilterForm(*args, organisations=reports.organisations(self.user), **kwargs)


class ListView(ListMixin, IncidentRegisterView):
    """Every incident that the person may see."""


class ExportView(ReasonedExportMixin, IncidentRegisterView):
    """As a file, with a reason."""


class PrintView(PrintMixin, IncidentRegisterView):
    """On paper."""


class IncidentView(ReportsView):
    """One incident."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Refusals of the service become 403, with the reason on the page."""
        try:
            return super().dispatch(request, *args, **kwargs)
        except NotAllowed as error:
            raise PermissionDenied(error.reason) from error

    def get(self, request: HttpRequest, number: str) -> HttpResponse:
        """Reading it leaves a trace (SEC-02)."""
        found = self.incident(number)
        trail.record(
            action="incident.view",
            now=timezone.now(),
            actor=self.user,
            object_type="incident",
            object_id=found.pk,
            object_label=found.number,
            object_organisation_id=found.organisation_id,
        )
        return self.page(found)

    def post(self, request: HttpRequest, number: str) -> HttpResponse:
        """Close it with what was found out."""
        found = self.incident(number)
        if not incidents.may_close(self.user, found):
            raise PermissionDenied(incidents.why_not(self.user, found))
        form = CloseIncidentForm(request.POST)
        if not form.is_valid():
            return self.page(found, form, status=422)
        try:
            incidents.close(incident_id=found.pk, **form.cleaned_data, actor=self.user, now=timezone.now())
        except Refused as refused:
            form.refuse(refused)
            return self.page(self.incident(number), form, status=409)
        messages.success(request, _("Closed. Both parties are told."))
        return redirect("incident", number)

    def incident(self, number: str) -> Incident:
        """Another federation's is as unknown as none (ORG-02)."""
        try:
            return selectors.incident(self.user, number)
        except Incident.DoesNotExist as error:
            raise Http404 from error

    def page(self, found: Incident, form: CloseIncidentForm | None = None, status: int = 200) -> HttpResponse:
        """The page."""
        live = found.state == Incident.State.OPEN
        rows: list[Any] = [each.mismatch for each in selectors.sessions_of(self.user, found)]
        for row in rows:
            row.object_shown, row.permit = masked(row.object_name, row.log_kind), permitted(row)
        self.link(rows)
        context = {
            "incident": found,
            "sessions": rows,
            "form": (form or CloseIncidentForm()) if live and incidents.may_close(self.user, found) else None,
            "why_not": incidents.why_not(self.user, found)
            if live and not incidents.may_close(self.user, found)
            else "",
            "problems": form.error_summary if form is not None else [],
        }
        return render(self.request, "audit/reconciliation/incident.html", context, status=status)

    def link(self, rows: list[Any]) -> None:
        """Where the log rows of each session are, for who may see a revision of the report that holds it."""
        runs = {row.reconciliation_id for row in rows}
        shown = (
            reports.visible(self.user).filter(reconciliation__in=runs).select_related("cycle", "organisation")
        )
        of_run = {report.reconciliation_id: report for report in shown.order_by("revision")}
        for row in rows:
            report = of_run.get(row.reconciliation_id)
            row.url = report and reverse(
                "audit_session",
                kwargs={
                    "month": report.cycle.key,
                    "code": report.organisation.code,
                    "revision": report.revision,
                    "log": row.log_kind.lower(),
                    "pk": row.pk,
                },
            )
