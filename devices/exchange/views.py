"""The screens of the exchange with SKYSEA: files both ways, what does not fit, and the mapping."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from devices import selectors as machines
from devices.exchange import answers, imports, mappings, orders, selectors
from devices.exchange.errors import (
    AlreadyImported,
    AnswerRefused,
    ImportRefused,
    NotAllowed,
    NothingToDo,
)
from devices.exchange.forms import AnswerForm, FederationForm, FindingFilterForm, ListForm, MappingForm
from devices.exchange.layout import LABELS
from devices.exchange.models import OrderFile, SkyseaFinding, SkyseaImport
from devices.exchange.tables import FINDINGS
from devices.permits.views import RecorderMixin
from devices.registers import DevicesView, RegisterView
from portal.common.pagination import paginate
from portal.fulfilment.mappings import MappingChanged, seen_of
from portal.orgs.permissions import REGISTER_DEVICES, RUN_OPERATIONS
from portal.trail import services as trail
from portal.workflow.bulk.errors import FileRefused
from portal.workflow.registers import ExportMixin, ListMixin, PrintMixin

PAGE_SIZE = 20


class ExchangeView(RecorderMixin):
    """For security officers and operations: the page with the forms."""

    def page(
        self,
        *,
        orders_form: FederationForm | None = None,
        list_form: ListForm | None = None,
        status: int = 200,
    ) -> HttpResponse:
        """What waits, the files made and the lists read."""
        federations = selectors.organisations(self.user)
        one = federations[0] if len(federations) == 1 else None
        wrong = next((form for form in (orders_form, list_form) if form is not None), None)
        context = {
            "orders_form": orders_form or FederationForm(organisations=federations, auto_id="orders_%s"),
            "list_form": list_form or ListForm.empty(federations),
            "may": bool(federations),
            "waiting": selectors.waiting_count(self.user, one) if one else None,
            "files": selectors.order_files(self.user)[:PAGE_SIZE],
            "page": paginate(selectors.imports(self.user), self.request.GET.get("cursor"), PAGE_SIZE),
            "problems": wrong.error_summary if wrong is not None else [],
            "may_map": self.user.may(RUN_OPERATIONS),
        }
        return render(self.request, "devices/skysea.html", context, status=status)

    def require_federation(self) -> None:
        """Who only follows changes nothing."""
        if not selectors.organisations(self.user):
            raise PermissionDenied(
                _("Only the security officer of the organisation or network operations do this.")
            )


class HomeView(ExchangeView):
    """Both directions on one page."""

    def get(self, request: HttpRequest) -> HttpResponse:
        """The newest first."""
        return self.page()


class OrdersView(ExchangeView):
    """Make the file for SKYSEA."""

    def post(self, request: HttpRequest) -> HttpResponse:
        """One service call; the file is kept and downloaded from the page."""
        self.require_federation()
        found = selectors.organisations(self.user)
        form = FederationForm(request.POST, organisations=found, auto_id="orders_%s")
        if not form.is_valid():
            return self.page(orders_form=form, status=422)
        try:
            made = orders.make_orders(organisation=form.chosen, actor=self.user, now=timezone.now())
        except NothingToDo:
            messages.info(request, _("No device waits to be registered or removed."))
        else:
            messages.success(request, _("The file was made. Download it below."))
            if made.left_out:
                messages.warning(request, _("Some devices could not be written into it. See below."))
        return redirect("skysea_home")


class OrderFileView(ExchangeView):
    """Download a file as it was made."""

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Taking along leaves a trace (SEC-02)."""
        try:
            found = selectors.order_file(self.user, pk)
        except OrderFile.DoesNotExist as error:
            raise Http404 from error
        trail.record(
            action="skysea.download",
            now=timezone.now(),
            actor=self.user,
            object_type="skysea_orders",
            object_id=found.pk,
            object_organisation_id=found.organisation_id,
        )
        response = HttpResponse(bytes(found.content), content_type="text/csv")
        name = f"skysea-{found.organisation.code}-{found.pk:06}.csv"
        response["Content-Disposition"] = f'attachment; filename="{name}"'
        response["Cache-Control"] = "no-store, private"
        return response


class ImportView(ExchangeView):
    """Read a list of SKYSEA."""

    def post(self, request: HttpRequest) -> HttpResponse:
        """One service call; every reason stands at the form."""
        self.require_federation()
        federations = selectors.organisations(self.user)
        form = ListForm(request.POST, request.FILES, organisations=federations)
        if not form.is_valid():
            return self.page(list_form=form, status=422)
        try:
            made = self.read(form)
        except AlreadyImported as error:
            text = _("This very file was read before. Here is its report; nothing was changed.")
            messages.info(request, text)
            return redirect("skysea_import_detail", error.earlier.pk)
        except FileRefused as error:
            for reason in error.reasons:
                form.add_error("file", reason)
        except ImportRefused as error:
            form.add_error("taken_on", error.reason)
        else:
            messages.success(request, _("The list was read."))
            return redirect("skysea_import_detail", made.pk)
        return self.page(list_form=form, status=422)

    def read(self, form: ListForm) -> SkyseaImport:
        """The service call."""
        file = form.cleaned_data["file"]
        return imports.import_register(
            organisation=form.chosen,
            name=file.name,
            data=file.read(),
            as_of=form.as_of,
            complete=form.cleaned_data["complete"],
            actor=self.user,
            now=timezone.now(),
        )


class ImportDetailView(ExchangeView):
    """The report of a list."""

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Its numbers, the rows that could not be used, and its findings."""
        try:
            found = selectors.imports(self.user).get(pk=pk)
        except SkyseaImport.DoesNotExist as error:
            raise Http404 from error
        rows = selectors.findings(self.user).filter(first_import=found)
        context = {"import": found, "findings": rows[:200], "problems_of_rows": found.problems[:500]}
        return render(request, "devices/skysea_import.html", context)


class FindingsView(RegisterView):
    """What the three views of the list show."""

    table = FINDINGS
    names = ("q", "state", "kind", "organisation", "device")
    action = "skysea"
    template = "devices/skysea_findings.html"
    heading = gettext_lazy("Differences from SKYSEA")

    def found(self, filters: dict[str, str]) -> Any:
        """The findings that the filters leave."""
        return selectors.findings(self.user, **filters)

    def form(self, *args: Any, **kwargs: Any) -> FindingFilterForm:
        """The search."""
        return FindingFilterForm(*args, organisations=machines.organisations(self.user), **kwargs)


class FindingListView(ListMixin, FindingsView):
    """Every finding that this person may see."""


class FindingExportView(ExportMixin, FindingsView):
    """As a file."""


class FindingPrintView(PrintMixin, FindingsView):
    """On paper."""


class FindingView(DevicesView):
    """One finding, and its answer."""

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        """What SKYSEA has, what the register has, and what can be said to it."""
        return self.page(self.load(pk))

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        """One service call; what was typed stays when it cannot be done."""
        finding = self.load(pk)
        if not self.user.may(REGISTER_DEVICES, finding.organisation_id):
            raise PermissionDenied(_("Only the security officer of the organisation answers this."))
        form = AnswerForm(request.POST, finding=finding)
        if not form.is_valid():
            return self.page(finding, form, status=422)
        try:
            answers.answer_finding(finding_id=pk, actor=self.user, now=timezone.now(), **form.cleaned_data)
        except NotAllowed as error:
            raise PermissionDenied(error.reason) from error
        except AnswerRefused as error:
            form.add_error(error.field if error.field in form.fields else None, error.reason)
            return self.page(finding, form, status=422)
        messages.success(request, _("Answered."))
        return redirect("skysea_finding", pk)

    def load(self, pk: int) -> SkyseaFinding:
        """Another federation's is as unknown as none (ORG-02)."""
        try:
            return selectors.finding(self.user, pk)
        except SkyseaFinding.DoesNotExist as error:
            raise Http404 from error

    def page(self, finding: SkyseaFinding, form: AnswerForm | None = None, status: int = 200) -> HttpResponse:
        """The finding and the form for those who may answer."""
        may = self.user.may(REGISTER_DEVICES, finding.organisation_id) and answers.answers_to(finding)
        context = {
            "finding": finding,
            "seen": [(LABELS[name], value) for name, value in finding.seen.items() if value],
            "differences": [(LABELS[row["field"]], row["here"], row["there"]) for row in finding.differences],
            "form": (form or AnswerForm(finding=finding)) if may else None,
            "problems": form.error_summary if form is not None else [],
        }
        return render(self.request, "devices/skysea_finding.html", context, status=status)


class MappingView(ExchangeView):
    """The mapping: how files are written and read. Every version is kept."""

    def get(self, request: HttpRequest) -> HttpResponse:
        """The mapping in force."""
        self.require_operations()
        current = mappings.current_mapping()
        form = MappingForm.of(mappings.layout_of(current))
        return self.mapping_page(form, str(current.pk if current else ""))

    def post(self, request: HttpRequest) -> HttpResponse:
        """Save it; what was typed stays when something is wrong with it."""
        self.require_operations()
        form, seen = MappingForm(request.POST), request.POST.get("seen", "")
        if not form.is_valid():
            return self.mapping_page(form, seen, status=422)
        try:
            mappings.save_mapping(
                actor=self.user, layout=form.layout(), seen=seen_of(seen), now=timezone.now()
            )
        except mappings.InvalidMapping as problems:
            form.show(problems)
            return self.mapping_page(form, seen, status=422)
        except MappingChanged:
            text = _(
                "Somebody changed the mapping meanwhile. Open the page again and look at it before you save."
            )
            form.add_error(None, text)
            return self.mapping_page(form, seen, status=409)
        messages.success(request, _("Saved. It is in force from the next file on."))
        return redirect("skysea_mapping")

    def require_operations(self) -> None:
        """Operations only."""
        if not self.user.may(RUN_OPERATIONS):
            raise PermissionDenied(_("Only network operations change the mapping."))

    def mapping_page(self, form: MappingForm, seen: str, status: int = 200) -> HttpResponse:
        """The form and who changed it when."""
        context = {
            "form": form,
            "seen": seen,
            "versions": selectors.mappings(),
            "problems": form.error_summary if status != 200 else [],
        }
        return render(self.request, "devices/skysea_mapping.html", context, status=status)
