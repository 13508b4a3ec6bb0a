"""The screens of the register of devices, and the officer's records of what was done in SKYSEA."""

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
from devices.permits import selectors, services
from devices.permits.errors import MoveNotAllowed, NotAllowed
from devices.permits.models import Device, DevicePermit
from devices.permits.screen_forms import DeviceFilterForm, RecordForm
from devices.permits.tables import DEVICES
from devices.registers import DevicesView, RegisterView
from portal.common.pagination import paginate
from portal.orgs.models import User
from portal.orgs.permissions import READ_OPERATIONS, REGISTER_DEVICES
from portal.trail import services as trail
from portal.workflow import kinds
from portal.workflow.registers import ExportMixin, ListMixin, PrintMixin

PAGE_SIZE = 50


class DeviceRegisterView(RegisterView):
    """What the three views of the register list."""

    table = DEVICES
    names = ("q", "state", "organisation", "kind", "ends", "computer")
    action = "device"
    template = "devices/devices.html"
    heading = gettext_lazy("Devices")
    apply_kind = "devices.permit"

    def found(self, filters: dict[str, str]) -> Any:
        """The devices that the filters leave."""
        return selectors.devices(self.user, **filters)

    def form(self, *args: Any, **kwargs: Any) -> DeviceFilterForm:
        """The search."""
        return DeviceFilterForm(*args, organisations=machines.organisations(self.user), **kwargs)


class ListView(ListMixin, DeviceRegisterView):
    """Every device that this person may see."""


class ExportView(ExportMixin, DeviceRegisterView):
    """As a file."""


class PrintView(PrintMixin, DeviceRegisterView):
    """On paper."""


class DeviceView(DevicesView):
    """A view of one device."""

    def load(self, number: str) -> Device:
        """The device; another federation's is as unknown as none (ORG-02)."""
        try:
            return selectors.device(self.user, number)
        except Device.DoesNotExist as error:
            raise Http404 from error


class DetailView(DeviceView):
    """One device: its permit, and its whole history."""

    def get(self, request: HttpRequest, number: str) -> HttpResponse:
        """Reading it leaves a trace (SEC-02)."""
        device = self.load(number)
        note_reading(self.user, device)
        permit = device.permit
        context = {
            "device": device,
            "permit": permit,
            "computers": permit.computers.order_by("name") if permit else [],
            "history": selectors.history_of(self.user, device)[:200],
            "actions": [kinds.get(code) for code in selectors.actions_of(self.user, device)],
            "may_record": selectors.may_record(self.user, permit),
        }
        return render(request, "devices/device.html", context)


class RecorderMixin(DeviceView):
    """For those who register, and for operations who follow it."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Anybody else gets 403."""
        follows = request.user.is_authenticated and any(
            self.user.may(permission) for permission in (REGISTER_DEVICES, READ_OPERATIONS)
        )
        if request.user.is_authenticated and not follows:
            raise PermissionDenied(_("Only security officers register devices in SKYSEA."))
        return super().dispatch(request, *args, **kwargs)


class RegistrationListView(RecorderMixin):
    """What waits to be registered in SKYSEA or removed from it."""

    def get(self, request: HttpRequest) -> HttpResponse:
        """Newest first."""
        trail.record(
            action="device.list", now=timezone.now(), actor=self.user, detail={"filters": {"to_do": "1"}}
        )
        page = paginate(selectors.to_do(self.user), request.GET.get("cursor"), PAGE_SIZE)
        rows = [(permit, selectors.may_record(self.user, permit)) for permit in page.rows]
        return render(request, "devices/registrations.html", {"page": page, "rows": rows})


class RecordView(RecorderMixin):
    """The officer records that a device was registered in SKYSEA, or removed from it."""

    def get(self, request: HttpRequest, number: str) -> HttpResponse:
        """What to enter there, and the form; reading it leaves a trace (SEC-02)."""
        permit = self.permit(number)
        note_reading(self.user, permit.device)
        return self.page(request, permit, RecordForm(permit=permit))

    def post(self, request: HttpRequest, number: str) -> HttpResponse:
        """Record it; the user is told."""
        permit = self.permit(number)
        form = RecordForm(request.POST, permit=permit)
        if not form.is_valid():
            return self.page(request, permit, form, status=422)
        try:
            self.record(permit, form.cleaned_data)
        except NotAllowed as error:
            raise PermissionDenied(error.reason) from error
        except MoveNotAllowed:
            form.add_error(None, _("Somebody else changed this permit meanwhile. Look again."))
            return self.page(request, permit, form, status=409)
        messages.success(request, _("Recorded. The user was told."))
        return redirect("device_detail", permit.device.number)

    def permit(self, number: str) -> DevicePermit:
        """The newest permit of a device of the own organisation."""
        device = self.load(number)
        if device.permit is None:
            raise Http404
        if not self.user.may(REGISTER_DEVICES, device.organisation_id):
            raise PermissionDenied(_("Only the security officer of the organisation records this."))
        return device.permit

    def record(self, permit: DevicePermit, values: dict[str, Any]) -> None:
        """The step that the permit waits for."""
        common = {
            "permit_id": permit.pk,
            "actor": self.user,
            "note": values["note"],
            "now": timezone.now(),
        }
        if self.request.POST.get("state", permit.state) != permit.state:
            raise MoveNotAllowed(permit.state)  # the page said another step than the one that is due now
        if permit.state == DevicePermit.State.ENDING:
            services.record_removed(**common)
        else:
            services.record_registered(**common, confirms_reason=values.get("confirms_reason", False))

    def page(
        self, request: HttpRequest, permit: DevicePermit, form: RecordForm, status: int = 200
    ) -> HttpResponse:
        """The permit and the form."""
        context = {
            "permit": permit,
            "device": permit.device,
            "computers": permit.computers.order_by("name"),
            "form": form,
            "problems": form.error_summary if form.is_bound else [],
            "may_record": selectors.may_record(self.user, permit),
        }
        return render(request, "devices/record.html", context, status=status)


def note_reading(user: User, device: Device) -> None:
    """Somebody read the page of a device (SEC-02)."""
    trail.record(
        action="device.view",
        now=timezone.now(),
        actor=user,
        object_type="device",
        object_id=device.pk,
        object_label=device.number,
        object_organisation_id=device.organisation_id,
    )
