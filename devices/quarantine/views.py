"""The screens of the quarantine results: list, import, and the mapping."""

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

from devices import selectors as machines
from devices.quarantine import mappings, selectors, services
from devices.quarantine.models import QuarantineImport
from devices.quarantine.screen_forms import FileForm, MappingForm, QuarantineFilterForm
from devices.quarantine.tables import QUARANTINE
from devices.registers import DevicesView, RegisterView
from portal.common.pagination import paginate
from portal.fulfilment.mappings import MappingChanged, seen_of
from portal.orgs.permissions import READ_OPERATIONS, RUN_OPERATIONS
from portal.workflow.bulk.errors import FileRefused
from portal.workflow.registers import ExportMixin, ListMixin, PrintMixin

PAGE_SIZE = 50


class QuarantineRegisterView(RegisterView):
    """What the three views of the list show."""

    table = QUARANTINE
    names = ("q", "result", "failed", "organisation")
    action = "quarantine"
    template = "devices/quarantine.html"
    heading = gettext_lazy("PC quarantine")

    def found(self, filters: dict[str, str]) -> Any:
        """The machines that the filters leave."""
        return selectors.machines(self.user, **filters)

    def form(self, *args: Any, **kwargs: Any) -> QuarantineFilterForm:
        """The search."""
        return QuarantineFilterForm(*args, organisations=machines.organisations(self.user), **kwargs)


class ListView(ListMixin, QuarantineRegisterView):
    """Every PC that this person may see, with its newest result."""


class ExportView(ExportMixin, QuarantineRegisterView):
    """As a file."""


class PrintView(PrintMixin, QuarantineRegisterView):
    """On paper."""


class OperationsMixin(DevicesView):
    """For those who import, and for those who follow it."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Anybody else gets 403."""
        if request.user.is_authenticated and not self.user.may(READ_OPERATIONS):
            raise PermissionDenied(_("Only network operations import quarantine results."))
        return super().dispatch(request, *args, **kwargs)

    def require(self) -> None:
        """Reading is not importing."""
        if not self.user.may(RUN_OPERATIONS):
            raise PermissionDenied(_("Only network operations import quarantine results."))


class ImportsView(OperationsMixin):
    """The files that were imported, and the form for the next."""

    def get(self, request: HttpRequest) -> HttpResponse:
        """Newest first."""
        return self.page(request, FileForm())

    def post(self, request: HttpRequest) -> HttpResponse:
        """Import one; what did not fit is on its page."""
        self.require()
        form = FileForm(request.POST, request.FILES)
        if not form.is_valid():
            return self.page(request, form, status=422)
        file = form.cleaned_data["file"]
        try:
            made = services.import_file(name=file.name, data=file.read(), actor=self.user, now=timezone.now())
        except (services.AlreadyImported, FileRefused) as error:
            text = (
                _("This file was imported before. If it was read wrongly, correct the mapping first.")
                if isinstance(error, services.AlreadyImported)
                else error
            )
            form.add_error("file", str(text))
            return self.page(request, form, status=422)
        messages.success(request, _("The file was imported."))
        return redirect("quarantine_import", made.pk)

    def page(self, request: HttpRequest, form: FileForm, status: int = 200) -> HttpResponse:
        """The list and the form."""
        rows = QuarantineImport.objects.select_related("imported_by")
        context = {
            "page": paginate(rows, request.GET.get("cursor"), PAGE_SIZE),
            "query": "",
            "form": form if self.user.may(RUN_OPERATIONS) else None,
            "problems": form.error_summary if form.is_bound else [],
        }
        return render(request, "devices/quarantine_imports.html", context, status=status)


class ImportView(OperationsMixin):
    """What one file brought, and what of it did not fit."""

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Row by row."""
        made = QuarantineImport.objects.select_related("imported_by").filter(pk=pk).first()
        if made is None:
            raise Http404
        return render(request, "devices/quarantine_import.html", {"made": made, "rows": made.problems[:500]})


class MappingView(OperationsMixin):
    """Headings and words, as the vendor writes them."""

    def get(self, request: HttpRequest) -> HttpResponse:
        """The mapping in force."""
        current = mappings.current_mapping()
        return self.page(request, MappingForm(layout=mappings.layout_of(current)), current)

    def post(self, request: HttpRequest) -> HttpResponse:
        """Put another one in force."""
        self.require()
        form, current = MappingForm(request.POST), mappings.current_mapping()
        seen = request.POST.get("seen", "")
        if not form.is_valid():
            return self.page(request, form, current, seen, status=422)
        try:
            mappings.save_mapping(
                actor=self.user,
                layout=form.layout(),
                seen=seen_of(seen),
                now=timezone.now(),
            )
        except mappings.InvalidMapping as error:
            for name, text in error.problems.items():
                form.add_error(name, text)
            return self.page(request, form, current, seen, status=422)
        except MappingChanged:
            form.add_error(None, _("Somebody else changed the mapping meanwhile. Look again."))
            return self.page(request, form, current, status=409)
        messages.success(request, _("The mapping is in force from the next file on."))
        return redirect("quarantine_mapping")

    def page(
        self,
        request: HttpRequest,
        form: MappingForm,
        current: Any,
        seen: str | None = None,
        status: int = 200,
    ) -> HttpResponse:
        """The form, and who changed it last. `seen`: the mapping that the person changes, when it is not the current one."""
        context = {
            "form": form,
            "current": current,
            "seen": seen if seen is not None else current.pk if current else "",
            "problems": form.error_summary if form.is_bound else [],
            "may_save": self.user.may(RUN_OPERATIONS),
        }
        return render(request, "devices/quarantine_mapping.html", context, status=status)
