"""The screens of the segments of 独自処理システム: the map, the register of allotments, the choice of the central association."""

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

from portal.orgs.permissions import ALLOT_NETWORKS, APPLY, FEDERATIONS, READ_NETWORKS
from portal.trail import services as trail
from portal.workflow import registers
from portal.workflow.models import ApplicationLine
from portal.workflow.registers import ExportMixin, ListMixin, PrintMixin
from portal.workflow.views import PersonView
from requests.networks import pool, selectors, services
from requests.networks.drawing import drawn
from requests.networks.forms import AllotForm, AllotmentFilterForm
from requests.networks.models import SegmentPool
from requests.networks.payloads import KIND
from requests.networks.tables import ALLOTMENTS


class NetworksView(PersonView):
    """A view for those who may see the segments."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Somebody without the permission gets 403."""
        if request.user.is_authenticated and not self.user.may(READ_NETWORKS):
            raise PermissionDenied(_("Your role does not allow you to see segments."))
        return super().dispatch(request, *args, **kwargs)


class MapView(NetworksView):
    """Free and used segments of the figures as a picture and as a table; what waits for the central association."""

    def get(self, request: HttpRequest) -> HttpResponse:
        """As of today."""
        now = timezone.now()
        trail.record(action="network.map", now=now, actor=self.user)
        rows = selectors.map_rows(self.user, timezone.localdate(now))
        pools = list(SegmentPool.objects.all())
        may = self.user.may(ALLOT_NETWORKS)
        context = {
            "rows": rows,
            "pools": pools,
            "picture": drawn(rows, pools),
            "own": [cell for row in rows for cell in row.cells if cell.shown],
            "waiting": selectors.waiting_lines(self.user) if may else [],
            "may_allot": may,
            "may_apply": any(place.kind in FEDERATIONS for place in self.user.organisations_where(APPLY)),
            "kind": KIND,
        }
        return render(request, "requests/network_map.html", context)


class AllotmentRegisterView(NetworksView, registers.RegisterView):
    """What the three views of the register list."""

    table = ALLOTMENTS
    names = ("q", "use", "state", "organisation")
    action = "allotment"
    template = "requests/networks.html"
    heading = gettext_lazy("Allotted segments")
    apply_kind = KIND

    def found(self, filters: dict[str, str]) -> Any:
        """The allotments that the filters leave."""
        return selectors.allotments(self.user, **filters)

    def form(self, *args: Any, **kwargs: Any) -> AllotmentFilterForm:
        """The search."""
        return AllotmentFilterForm(*args, organisations=selectors.organisations(self.user), **kwargs)


class ListView(ListMixin, AllotmentRegisterView):
    """Every allotment that this person may see."""


class ExportView(ExportMixin, AllotmentRegisterView):
    """As a file."""


class PrintView(PrintMixin, AllotmentRegisterView):
    """On paper."""


class AllotView(NetworksView):
    """The central association chooses a free segment for an approved application."""

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        """The free ones, the first proposed."""
        return self.page(self.load(pk))

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Allot it; what was taken meanwhile is told, and what is free now is shown."""
        line = self.load(pk)
        form = AllotForm(request.POST, candidates=self.candidates(line))
        if not form.is_valid():
            return self.page(line, form, status=422)
        try:
            services.allot(line_id=pk, **form.cleaned_data, actor=self.user, now=timezone.now())
        except services.AllotmentRefused as error:
            fresh = AllotForm(request.POST, candidates=self.candidates(line))
            fresh.add_error("network", error.reason)
            return self.page(line, fresh, status=422)
        messages.success(request, _("The segment was allotted. The applicant is told."))
        return redirect("network_map")

    def load(self, pk: int) -> ApplicationLine:
        """A line that waits; one that does not any more is told so on the map."""
        if not self.user.may(ALLOT_NETWORKS):
            raise PermissionDenied(_("Only the central association allots segments."))
        try:
            return selectors.waiting_lines(self.user).get(pk=pk)
        except ApplicationLine.DoesNotExist as error:
            raise Http404 from error

    def candidates(self, line: ApplicationLine) -> list[pool.Candidate]:
        """What is free now."""
        payload = services.payload_of(line)
        return pool.candidates(line.organisation, payload.use, payload.size, timezone.localdate())

    def page(self, line: ApplicationLine, form: AllotForm | None = None, status: int = 200) -> HttpResponse:
        """The application beside what is free."""
        found = self.candidates(line)
        if form is None:
            form = AllotForm(candidates=found, initial={"network": found[0].network} if found else {})
        context = {
            "line": line,
            "payload": services.payload_of(line),
            "form": form,
            "candidates": found,
            "problems": form.error_summary if form.is_bound else [],
        }
        return render(self.request, "requests/network_allot.html", context, status=status)
