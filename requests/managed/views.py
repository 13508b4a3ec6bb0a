"""The screens of the registers: managed antivirus machines (REQ-07) and monitored machines (REQ-08)."""

from __future__ import annotations

from typing import Any, ClassVar

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from portal.orgs.permissions import READ_MANAGED
from portal.trail import services as trail
from portal.workflow import kinds, registers
from portal.workflow.registers import ExportMixin, ListMixin, PrintMixin
from portal.workflow.views import PersonView
from requests.managed import selectors, tables
from requests.managed.forms import ANTIVIRUS_CATEGORIES, MONITORING_CATEGORIES
from requests.managed.models import Category, ManagedMachine, Service
from requests.managed.payloads import Action
from requests.managed.register import SERVICES
from requests.managed.screen_forms import MachineFilterForm


class ManagedView(PersonView):
    """A view for those who may read these registers."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Somebody without the permission gets 403, whatever the machine."""
        if request.user.is_authenticated and not self.user.may(READ_MANAGED):
            raise PermissionDenied(_("Your role does not allow you to see managed and monitored machines."))
        return super().dispatch(request, *args, **kwargs)


class MachineRegisterView(ManagedView, registers.RegisterView):
    """What the views of both registers share."""

    service: ClassVar[Service]
    categories: ClassVar[tuple[Category, ...]]
    names = ("q", "state", "category", "organisation")
    template = "requests/managed.html"

    def found(self, filters: dict[str, str]) -> Any:
        """The machines that the filters leave."""
        return selectors.machines(self.user, self.service, **filters)

    def form(self, *args: Any, **kwargs: Any) -> MachineFilterForm:
        """The search."""
        return MachineFilterForm(
            *args, categories=self.categories, organisations=selectors.organisations(self.user), **kwargs
        )

    def more(self) -> dict[str, Any]:
        """The words and the files of this register."""
        name = self.table.url_name.removesuffix("_list")
        return {"heading": self.heading, "export_name": f"{name}_export", "print_name": f"{name}_print"}


class AntivirusView(MachineRegisterView):
    """The machines under the antivirus service."""

    service, categories, table = Service.ANTIVIRUS, ANTIVIRUS_CATEGORIES, tables.ANTIVIRUS
    action = "antivirus_machine"
    heading = gettext_lazy("Machines under antivirus")
    apply_kind = "requests.antivirus"


class AntivirusListView(ListMixin, AntivirusView):
    """Every one that this person may see."""


class AntivirusExportView(ExportMixin, AntivirusView):
    """As a file."""


class AntivirusPrintView(PrintMixin, AntivirusView):
    """On paper."""


class MonitoredView(MachineRegisterView):
    """The machines under monitoring."""

    service, categories, table = Service.MONITORING, MONITORING_CATEGORIES, tables.MONITORING
    action = "monitored_machine"
    heading = gettext_lazy("Monitored machines")
    apply_kind = "requests.monitoring"


class MonitoredListView(ListMixin, MonitoredView):
    """Every one that this person may see."""


class MonitoredExportView(ExportMixin, MonitoredView):
    """As a file."""


class MonitoredPrintView(PrintMixin, MonitoredView):
    """On paper."""


_REGISTERS: dict[str, type[MachineRegisterView]] = {
    Service.ANTIVIRUS: AntivirusListView,
    Service.MONITORING: MonitoredListView,
}
_ACTIONS = {
    Service.ANTIVIRUS: (Action.REMOVE,),
    Service.MONITORING: (Action.CHANGE, Action.REMOVE),
}


class DetailView(ManagedView):
    """One machine under a service: what stands now, and its whole history with the proofs."""

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Reading it leaves a trace (SEC-02)."""
        try:
            machine = selectors.machine(self.user, pk)
        except ManagedMachine.DoesNotExist as error:
            raise Http404 from error
        trail.record(
            action="managed_machine.view",
            now=timezone.now(),
            actor=self.user,
            object_type="managed_machine",
            object_id=machine.pk,
            object_label=machine.name,
            object_organisation_id=machine.organisation_id,
        )
        kind = next(code for code, service in SERVICES.items() if service == machine.service)
        context = {
            "machine": machine,
            "register": _REGISTERS[machine.service],
            "list_url": _REGISTERS[machine.service].table.url_name,
            "history": selectors.history_of(self.user, machine)[:200],
            "kind": kinds.get(kind),
            "actions": _ACTIONS[Service(machine.service)] if selectors.may_apply(self.user, machine) else (),
        }
        return render(request, "requests/managed_machine.html", context)
