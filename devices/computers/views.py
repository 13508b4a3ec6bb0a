"""The screens of the register of machines: search, and one page per machine."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext_lazy

from devices import selectors
from devices.alerts import selectors as alerts
from devices.computers.models import Computer
from devices.computers.screen_forms import ComputerFilterForm
from devices.computers.tables import COMPUTERS
from devices.permits import selectors as permits
from devices.quarantine import cards as quarantine
from devices.registers import DevicesView, RegisterView
from devices.stations import selectors as stations
from devices.whitelist import selectors as whitelist
from portal.trail import services as trail
from portal.workflow import kinds
from portal.workflow.registers import ExportMixin, ListMixin, PrintMixin


class ComputersView(RegisterView):
    """What the three views of the register list."""

    table = COMPUTERS
    names = ("q", "state", "organisation", "kind", "system", "business", "segment", "without_agent")
    action = "computer"
    template = "devices/computers.html"
    heading = gettext_lazy("PCs, servers and printers")
    apply_kind = "devices.computer_register"

    def found(self, filters: dict[str, str]) -> Any:
        """The machines that the filters leave."""
        return selectors.computers(self.user, **filters)

    def form(self, *args: Any, **kwargs: Any) -> ComputerFilterForm:
        """The search."""
        return ComputerFilterForm(*args, organisations=selectors.organisations(self.user), **kwargs)


class ListView(ListMixin, ComputersView):
    """Every machine that this person may see."""


class ExportView(ExportMixin, ComputersView):
    """As a file."""


class PrintView(PrintMixin, ComputersView):
    """On paper."""


class DetailView(DevicesView):
    """One machine: what the register says, what happened to it, and what was applied for."""

    def get(self, request: HttpRequest, uid: UUID) -> HttpResponse:
        """Another federation's machine is as unknown as none (ORG-02)."""
        try:
            computer = selectors.computer(self.user, uid)
        except Computer.DoesNotExist as error:
            raise Http404 from error
        trail.record(
            action="computer.view",
            now=timezone.now(),
            actor=self.user,
            object_type="computer",
            object_id=str(computer.uid),
            object_label=computer.name,
            object_organisation_id=computer.organisation_id,
        )
        context = {
            "computer": computer,
            "history": selectors.history_of(self.user, computer)[:100],
            "applications": selectors.applications_of(self.user, computer)[:20],
            "permits": permits.permits_of(self.user, computer)[:50],
            **quarantine.card_of(self.user, computer),
            "whitelist": whitelist.entries_of(self.user, computer)[:20],
            "may_whitelist": whitelist.may_add(self.user, computer),
            "alerts": alerts.alerts_of(self.user, computer)[:20],
            "station": stations.stations(self.user).filter(computer=computer).first(),
            "may_permit": selectors.may_permit(self.user, computer),
            "actions": [kinds.get(code) for code in selectors.actions_of(self.user, computer)],
        }
        return render(request, "devices/computer.html", context)
