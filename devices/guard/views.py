"""The screens of the guard: how each one stands, the list as a file, the mode of each federation, the mapping."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _

from devices.guard import mappings, modes, publishing, selectors, services, versions
from devices.guard.forms import GuardMappingForms, ModeForm
from devices.guard.mappings import InvalidMapping
from devices.guard.render import render as render_list
from portal.fulfilment.mappings import MappingChanged, seen_of
from portal.fulfilment.views import OperationsView
from portal.gateways.guard import Form, GuardError
from portal.orgs.permissions import RUN_OPERATIONS
from portal.trail import services as trail

_FILES = {
    Form.CSV: ("whitelist.csv", "text/csv"),
    Form.JSON: ("whitelist.json", "application/json"),
    Form.RADIUS: ("authorized.txt", "text/plain"),
    Form.NFTABLES: ("whitelist.nft.txt", "text/plain"),
}


class ListView(OperationsView):
    """Which list each guard obeys, since when, and why not the newest."""

    def get(self, request: HttpRequest) -> HttpResponse:
        """The guards, the versions, and what happened."""
        context = {
            "guards": selectors.guards(),
            "held": selectors.held_lists(),
            "versions": selectors.newest_versions(),
            "publications": selectors.publications(),
            "forms": [(form.value, name) for form, (name, _type) in _FILES.items()],
            "may_run": self.user.may(RUN_OPERATIONS),
        }
        return render(request, "guard/list.html", context)


class PublishView(OperationsView):
    """Have the list published and every guard asked, now."""

    permission = RUN_OPERATIONS

    def post(self, request: HttpRequest) -> HttpResponse:
        """By a worker: a reload may take some seconds."""
        services.request_publication(actor=self.user, now=timezone.now())
        messages.success(
            request, _("Every guard is given the list anew and asked. Open the page again in a moment.")
        )
        return redirect("guard_list")


class ReleaseView(OperationsView):
    """Let a list go that lost most of its entries."""

    permission = RUN_OPERATIONS

    def post(self, request: HttpRequest) -> HttpResponse:
        """With a reason, for exactly the loss that was shown."""
        values = {name: request.POST.get(name, "") for name in ("guard", "seen", "reason")}
        try:
            services.release(**values, actor=self.user, now=timezone.now())
        except services.ReleaseRefused as refused:
            messages.error(request, str(refused))
        else:
            messages.success(request, _("The list is let go. Open the page again in a moment."))
        return redirect("guard_list")


class FileView(OperationsView):
    """The list as a guard is given it. To take it along is recorded (SEC-02)."""

    def get(self, request: HttpRequest, form: str) -> HttpResponseBase:
        """In one of the four forms."""
        if form not in _FILES:
            raise Http404
        now = timezone.now()
        version = versions.bring_up_to_date(now=now)
        name, content_type = _FILES[Form(form)]
        try:
            extract = publishing.extract_for(Form(form), version, now)
        except GuardError as error:
            messages.error(
                request, _("The settings of the guard are wrong: %(detail)s") % {"detail": error.detail}
            )
            return redirect("guard_list")
        detail = {"form": form, "version": version.number}
        trail.record(action="guard.file", now=now, actor=self.user, object_type="guard_file", detail=detail)
        response = StreamingHttpResponse(render_list(Form(form), extract), content_type=content_type)
        response["Content-Disposition"] = f'attachment; filename="{name}"'
        return response


class ModeView(OperationsView):
    """Monitor mode until the move is finished, then cutting off; decided by operations for a day (MAC-04)."""

    def get(self, request: HttpRequest) -> HttpResponse:
        """Every federation, with the form for those who decide."""
        return self._page(ModeForm(initial={"valid_from": timezone.localdate()}))

    def post(self, request: HttpRequest) -> HttpResponse:
        """Decide."""
        if not self.user.may(RUN_OPERATIONS):
            raise PermissionDenied(_("Only people of network operations work with operations."))
        form = ModeForm(request.POST)
        if not form.is_valid():
            return self._page(form, status=422)
        try:
            modes.decide(**form.cleaned_data, actor=self.user, now=timezone.now())
        except modes.ModeRefused as error:
            form.add_error(error.field, error.reason)
            return self._page(form, status=422)
        messages.success(request, _("The decision was recorded."))
        return redirect("guard_modes")

    def _page(self, form: ModeForm, status: int = 200) -> HttpResponse:
        context: dict[str, Any] = {
            "rows": selectors.mode_rows(timezone.now()),
            "decisions": selectors.decisions(),
            "form": form if self.user.may(RUN_OPERATIONS) else None,
            "problems": form.error_summary if form.is_bound else [],
        }
        return render(self.request, "guard/modes.html", context, status=status)


class MappingView(OperationsView):
    """The mapping: how the CSV file is written. Every version is kept."""

    permission = RUN_OPERATIONS

    def get(self, request: HttpRequest) -> HttpResponse:
        """The mapping in force."""
        current = mappings.current_mapping()
        return self._page(
            GuardMappingForms(layout=mappings.layout_of(current)), str(current.pk if current else "")
        )

    def post(self, request: HttpRequest) -> HttpResponse:
        """Save; what was typed stays when something is wrong with it."""
        forms, seen = GuardMappingForms(data=request.POST), request.POST.get("seen", "")
        layout = forms.layout()
        if layout is None:
            return self._page(forms, seen, status=422)
        try:
            mappings.save_mapping(
                actor=self.user,
                layout=layout,
                seen=seen_of(seen),
                now=timezone.now(),
            )
        except InvalidMapping as problems:
            forms.show(problems)
            return self._page(forms, seen, status=422)
        except MappingChanged:
            text = _(
                "Somebody changed the mapping meanwhile. Open the page again and look at it before you save."
            )
            forms.file.add_error(None, text)
            return self._page(forms, seen, status=409)
        messages.success(request, _("Saved. The next file is written so."))
        return redirect("guard_mapping")

    def _page(self, forms: GuardMappingForms, seen: str, *, status: int = 200) -> HttpResponse:
        context: dict[str, Any] = {
            "forms": forms,
            "seen": seen,
            "versions": selectors.mappings(),
            "problems": forms.problems if status != 200 else (),
        }
        return render(self.request, "guard/mapping.html", context, status=status)
