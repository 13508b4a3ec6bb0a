"""The screens of the DNS register: records with search, files and print; zones, which operations register."""

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

from portal.common.pagination import paginate
from portal.orgs.permissions import MANAGE_ZONES, READ_DNS
from portal.workflow import registers
from portal.workflow.registers import ExportMixin, ListMixin, PrintMixin
from portal.workflow.views import PersonView
from requests.zones import refresh, selectors, services
from requests.zones.forms import RecordFilterForm, ZoneForm
from requests.zones.models import DnsZone
from requests.zones.owners import KIND
from requests.zones.tables import RECORDS

PAGE_SIZE = 100


class DnsView(PersonView):
    """A view for those who may read the DNS register."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Somebody without the permission gets 403, whatever the zone."""
        if request.user.is_authenticated and not self.user.may(READ_DNS):
            raise PermissionDenied(_("Your role does not allow you to see DNS records."))
        return super().dispatch(request, *args, **kwargs)


class RecordRegisterView(DnsView, registers.RegisterView):
    """What the three views of the register list."""

    table = RECORDS
    names = ("q", "zone", "type", "organisation")
    action = "dns_record"
    template = "requests/dns_records.html"
    heading = gettext_lazy("DNS records")
    apply_kind = KIND

    def found(self, filters: dict[str, str]) -> Any:
        """The records that the filters leave."""
        return selectors.records(self.user, **filters)

    def form(self, *args: Any, **kwargs: Any) -> RecordFilterForm:
        """The search."""
        zones = selectors.zones(self.user).filter(valid_until=None)
        return RecordFilterForm(
            *args, zones=zones, organisations=selectors.organisations(self.user), **kwargs
        )


class ListView(ListMixin, RecordRegisterView):
    """Every record that this person may see."""


class ExportView(ExportMixin, RecordRegisterView):
    """As a file."""


class PrintView(PrintMixin, RecordRegisterView):
    """On paper."""


class ZonesView(DnsView):
    """The zones that this person may see; operations register them here."""

    def get(self, request: HttpRequest) -> HttpResponse:
        """With the form for those who may register one."""
        return self.page(request, ZoneForm())

    def post(self, request: HttpRequest) -> HttpResponse:
        """Register one, and read it."""
        _require(self)
        form = ZoneForm(request.POST)
        if not form.is_valid():
            return self.page(request, form, status=422)
        now = timezone.now()
        try:
            zone = services.add_zone(**form.cleaned_data, actor=self.user, now=now)
        except services.ZoneRefused as error:
            form.add_error(error.field, error.reason)
            return self.page(request, form, status=422)
        refresh.refresh_zone(zone=zone, now=now)
        messages.success(request, _("The zone was registered."))
        return redirect("dns_zone_list")

    def page(self, request: HttpRequest, form: ZoneForm, status: int = 200) -> HttpResponse:
        """The list and the form."""
        ended = "1" if request.GET.get("ended") == "1" else ""
        may = self.user.may(MANAGE_ZONES)
        rows = selectors.zones(self.user)
        rows = selectors.with_counts(rows if ended else rows.filter(valid_until=None), self.user)
        context: dict[str, Any] = {
            "page": paginate(rows.order_by("-id"), request.GET.get("cursor"), PAGE_SIZE),
            "query": "ended=1" if ended else "",
            "ended": ended,
            "form": form if may else None,
            "problems": form.error_summary if form.is_bound else [],
            "may_manage": may,
        }
        return render(request, "requests/dns_zones.html", context, status=status)


class ZoneView(DnsView):
    """One zone: what operations can do with it."""

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        """The zone and the steps."""
        zone = self.load(pk)
        return render(request, "requests/dns_zone.html", {"zone": zone, "count": zone.records.count()})

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Read it now, open it, close it or end it."""
        zone, now = self.load(pk), timezone.now()
        if zone.valid_until is not None:
            raise Http404
        match request.POST.get("step"):
            case "refresh":
                services.note_refresh(zone=zone, actor=self.user, now=now)
                if refresh.refresh_zone(zone=zone, now=now):
                    messages.success(request, _("The zone was read."))
                else:
                    messages.error(request, _("The zone could not be read. The list says why."))
            case "open" | "close" as step:
                services.set_open(zone_id=zone.pk, is_open=step == "open", actor=self.user, now=now)
                messages.success(
                    request,
                    _("The zone is open for tickets.")
                    if step == "open"
                    else _("The zone is closed for tickets."),
                )
            case "end":
                services.end_zone(zone_id=zone.pk, actor=self.user, now=now)
                messages.success(request, _("The zone was ended."))
            case _unknown:
                return HttpResponse(status=422)
        return redirect("dns_zone_list")

    def load(self, pk: int) -> DnsZone:
        """One that the person sees; another federation's is as unknown as none (ORG-02)."""
        try:
            zone = selectors.zones(self.user).get(pk=pk)
        except DnsZone.DoesNotExist as error:
            raise Http404 from error
        _require(self)
        return zone


def _require(view: DnsView) -> None:
    if not view.user.may(MANAGE_ZONES):
        raise PermissionDenied(_("Only network operations register zones."))
