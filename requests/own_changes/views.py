"""The screens of own changes: the register, one record, recording one or a file of them."""

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

from portal.common.workbook import workbook_response
from portal.orgs.models import Organisation
from portal.orgs.permissions import READ_OWN_CHANGES, RECORD_OWN_CHANGES
from portal.trail import services as trail
from portal.workflow import registers
from portal.workflow.bulk.errors import FileRefused
from portal.workflow.registers import ExportMixin, ListMixin, PrintMixin
from portal.workflow.views import PersonView
from requests.own_changes import reading, selectors, services
from requests.own_changes.forms import FORMS, ChangeFilterForm, ChangeForm, FileForm
from requests.own_changes.layout import PARTS
from requests.own_changes.models import OwnChange
from requests.own_changes.tables import OWN_CHANGES

_PAGES = {"l2sw": "own_change_switch", "policy": "own_change_policy"}


class ChangesView(PersonView):
    """A view for those who may read the records."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Somebody without the permission gets 403, whatever the record."""
        if request.user.is_authenticated and not self.user.may(READ_OWN_CHANGES):
            raise PermissionDenied(_("Your role does not allow you to see these records."))
        return super().dispatch(request, *args, **kwargs)


class ChangeRegisterView(ChangesView, registers.RegisterView):
    """What the three views of the register list."""

    table = OWN_CHANGES
    names = ("q", "subject", "organisation")
    action = "own_change"
    template = "requests/own_changes.html"
    heading = gettext_lazy("Own changes of L2SW and policy")

    def found(self, filters: dict[str, str]) -> Any:
        """The records that the filters leave."""
        return selectors.changes(self.user, **filters)

    def form(self, *args: Any, **kwargs: Any) -> ChangeFilterForm:
        """The search."""
        return ChangeFilterForm(*args, organisations=selectors.organisations(self.user), **kwargs)

    def more(self) -> dict[str, Any]:
        """Whether the page offers to record."""
        return {"may_record": self.user.may(RECORD_OWN_CHANGES)}


class ListView(ListMixin, ChangeRegisterView):
    """Every record that this person may see."""


class ExportView(ExportMixin, ChangeRegisterView):
    """As a file."""


class PrintView(PrintMixin, ChangeRegisterView):
    """On paper."""


class DetailView(ChangesView):
    """One record, with all others of the same port or policy, and whether the chain holds."""

    def get(self, request: HttpRequest, number: str) -> HttpResponse:
        """Reading it leaves a trace (SEC-02)."""
        try:
            change = selectors.change(self.user, number)
        except OwnChange.DoesNotExist as error:
            raise Http404 from error
        trail.record(
            action="own_change.view",
            now=timezone.now(),
            actor=self.user,
            object_type="own_change",
            object_id=change.pk,
            object_label=change.number,
            object_organisation_id=change.organisation_id,
        )
        broken = services.first_broken(change.organisation) if request.GET.get("verify") else None
        context = {
            "change": change,
            "parts": [
                (label, change.before.get(name, ""), change.after.get(name, ""))
                for name, label in PARTS[change.subject].items()
            ],
            "history": selectors.same_item(self.user, change)[:100],
            "verified": bool(request.GET.get("verify")),
            "broken": broken,
            "may_record": self.user.may(RECORD_OWN_CHANGES, change.organisation_id),
        }
        return render(request, "requests/own_change.html", context)


class RecorderView(ChangesView):
    """For those who record what their federation changed."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Anybody else gets 403."""
        if request.user.is_authenticated and not self.user.may(RECORD_OWN_CHANGES):
            raise PermissionDenied(
                _("Only applicants and security officers of a federation record its changes.")
            )
        return super().dispatch(request, *args, **kwargs)

    def organisation(self) -> Organisation:
        """The own one; of several the one that the page names."""
        places = self.user.organisations_where(RECORD_OWN_CHANGES)
        sent = self.request.POST.get("organisation", "")
        return next((place for place in places if place.code == sent), places[0])

    def page(self, form_name: str, form: ChangeForm, file: FileForm, status: int = 200) -> HttpResponse:
        """Both ways to record."""
        problems = [p for each in (form, file) if each.is_bound for p in each.error_summary]
        context = {
            "subject": FORMS[form_name].subject.label,
            "form": form,
            "file": file,
            "problems": problems,
            "here_url": reverse(_PAGES[form_name]),
            "file_url": reverse(f"{_PAGES[form_name]}_file"),
            "places": self.user.organisations_where(RECORD_OWN_CHANGES),
        }
        return render(self.request, "requests/own_change_new.html", context, status=status)


class NewView(RecorderView):
    """Record one change."""

    def get(self, request: HttpRequest, form: str) -> HttpResponse:
        """Mostly it was this person, just now."""
        now = timezone.localtime()
        initial = {
            "changed_on": f"{now:%Y/%m/%d}",
            "changed_time": f"{now:%H:%M}",
            "changed_by": self.user.display_name,
            **{name: request.GET[name][:60] for name in ("equipment", "item") if name in request.GET},
        }
        return self.page(form, FORMS[form](initial=initial), FileForm())

    def post(self, request: HttpRequest, form: str) -> HttpResponse:
        """422 with what was typed when it cannot be recorded."""
        filled = FORMS[form](request.POST)
        if not filled.is_valid():
            return self.page(form, filled, FileForm(), status=422)
        try:
            (made,) = services.record(
                organisation=self.organisation(),
                values=[filled.to_values()],
                actor=self.user,
                now=timezone.now(),
            )
        except services.RecordRefused as error:
            filled.add_error(error.field if error.field in filled.fields else None, error.reason)
            return self.page(form, filled, FileForm(), status=422)
        messages.success(request, _("Recorded: %(number)s") % {"number": made.number})
        return redirect("own_change", made.number)


class FileView(RecorderView):
    """Record the rows of a file; GET gives the template."""

    def get(self, request: HttpRequest, form: str) -> HttpResponseBase:
        """An empty table with the headings."""
        return workbook_response(f"{FORMS[form].subject.label}.xlsx", reading.headings(FORMS[form]), [])

    def post(self, request: HttpRequest, form: str) -> HttpResponse:
        """All rows or none; every problem with its row."""
        file = FileForm(request.POST, request.FILES)
        if not file.is_valid():
            return self.page(form, FORMS[form](), file, status=422)
        brought = file.cleaned_data["file"]
        try:
            rows = reading.read(FORMS[form], brought.name, brought.read())
            made = services.record(
                organisation=self.organisation(),
                values=[values for _number, values in rows],
                actor=self.user,
                now=timezone.now(),
            )
        except FileRefused as error:
            for reason in error.reasons:
                file.add_error("file", reason)
            return self.page(form, FORMS[form](), file, status=422)
        except services.RecordRefused as error:
            text = _("Row %(row)d: %(problem)s") % {"row": rows[error.row][0], "problem": error.reason}
            file.add_error("file", text)
            return self.page(form, FORMS[form](), file, status=422)
        messages.success(request, _("Changes recorded: %(count)d") % {"count": len(made)})
        return redirect("own_change_list")
