"""The screens of the consoles 管理機(SC). No field of them is a password (DEV-10)."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from devices.registers import DevicesView, RegisterView
from devices.stations import selectors, services
from devices.stations.models import ConsoleStation
from devices.stations.services import NotAllowed, StationRefused
from devices.stations.tables import STATIONS
from portal.common.forms import NormalisingField, PortalForm
from portal.common.pagination import paginate
from portal.orgs.models import User
from portal.orgs.permissions import FEDERATIONS, REGISTER_DEVICES
from portal.workflow.registers import ExportMixin, PrintMixin

PAGE_SIZE = 100


class StationForm(PortalForm):
    """A new designation."""

    computer = forms.ChoiceField(
        label=gettext_lazy("Computer name"),
        help_text=gettext_lazy("A client PC of the organisation with the SKYSEA agent."),
    )
    note = NormalisingField(label=pgettext_lazy("remark", "Note"), required=False, max_length=200)

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        found = [(str(pc.pk), pc.name) for pc in selectors.candidates(user)[:1000]]
        self.fields["computer"].choices = [("", _("Choose")), *found]  # type: ignore[attr-defined]


class EndForm(PortalForm):
    """Why it ends."""

    reason = NormalisingField(label=gettext_lazy("Reason"), max_length=200)


class StationFilterForm(PortalForm):
    """What the list is narrowed by."""

    ended = forms.BooleanField(label=gettext_lazy("Also those that ended"), required=False)


class StationsView(RegisterView):
    """What a file and a printed list show: the list of the screen."""

    table = STATIONS
    names = ("ended",)
    action = "station"
    heading = gettext_lazy("Consoles 管理機(SC)")

    def found(self, filters: dict[str, str]) -> Any:
        """Those in use, or all."""
        return selectors.stations(self.user, ended=filters.get("ended") == "1")

    def form(self, *args: Any, **kwargs: Any) -> StationFilterForm:
        """The filter, for the heading of a printed list."""
        return StationFilterForm(*args, **kwargs)


class ExportView(ExportMixin, StationsView):
    """As a file."""


class PrintView(PrintMixin, StationsView):
    """On paper."""


class ListView(DevicesView):
    """The consoles, and who has none."""

    def get(self, request: HttpRequest) -> HttpResponse:
        """With the form for those who may designate one."""
        return self.page(StationForm(user=self.user) if self.user.may(REGISTER_DEVICES) else None)

    def post(self, request: HttpRequest) -> HttpResponse:
        """Designate one."""
        if not self.user.may(REGISTER_DEVICES):
            raise PermissionDenied(
                _("Only the security officer of the organisation designates a 管理機(SC).")
            )
        form = StationForm(request.POST, user=self.user)
        if not form.is_valid():
            return self.page(form, status=422)
        try:
            services.designate(
                computer_id=int(form.cleaned_data["computer"]),
                note=form.cleaned_data["note"],
                actor=self.user,
                now=timezone.now(),
            )
        except StationRefused as error:
            form.add_error(error.field or None, error.reason)
            return self.page(form, status=422)
        messages.success(request, _("The machine is a 管理機(SC) now."))
        return redirect("station_list")

    def page(self, form: StationForm | None, status: int = 200) -> HttpResponse:
        """The list and the form."""
        ended = self.request.GET.get("ended") == "1"
        rows = selectors.stations(self.user, ended=ended)
        context = {
            "page": paginate(rows, self.request.GET.get("cursor"), PAGE_SIZE),
            "ended": ended,
            "query": "ended=1" if ended else "",
            "without": selectors.without(self.user),
            "form": form,
            "mine": {org.pk for org in self.user.organisations_where(REGISTER_DEVICES)},
            "problems": form.error_summary if form is not None and form.is_bound else [],
        }
        return render(self.request, "devices/stations.html", context, status=status)


class EndView(DevicesView):
    """End a console."""

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        """The form."""
        return self.page(self.load(pk), EndForm())

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        """One service call; refused for the last one (DEV-09)."""
        station = self.load(pk)
        form = EndForm(request.POST)
        if not form.is_valid():
            return self.page(station, form, status=422)
        try:
            services.end(
                station_id=pk, reason=form.cleaned_data["reason"], actor=self.user, now=timezone.now()
            )
        except NotAllowed as error:
            raise PermissionDenied(str(error)) from error
        except StationRefused as error:
            form.add_error(error.field or None, error.reason)
            return self.page(station, form, status=422)
        messages.success(request, _("The 管理機(SC) was ended."))
        return redirect("station_list")

    def load(self, pk: int) -> ConsoleStation:
        """One of the own organisation; another federation's is as unknown as none (ORG-02)."""
        try:
            found = selectors.station(self.user, pk)
        except ConsoleStation.DoesNotExist as error:
            raise Http404 from error
        if found.organisation.kind not in FEDERATIONS or not self.user.may(
            REGISTER_DEVICES, found.organisation_id
        ):
            raise PermissionDenied(
                _("Only the security officer of the organisation designates a 管理機(SC).")
            )
        return found

    def page(self, station: ConsoleStation, form: EndForm, status: int = 200) -> HttpResponse:
        """The station and the form."""
        context = {
            "station": station,
            "form": form,
            "problems": form.error_summary if form.is_bound else [],
        }
        return render(self.request, "devices/station_end.html", context, status=status)
