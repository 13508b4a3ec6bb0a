"""The screens of the whitelist: the register, one page per entry, who had an address, and accepted local addresses."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from devices import selectors as machines
from devices.registers import DevicesView, RegisterView
from devices.whitelist import local, oui, selectors
from devices.whitelist.addresses import AddressRefused
from devices.whitelist.models import LocalAddress, WhitelistEntry
from devices.whitelist.screen_forms import HolderForm, LocalAddressForm, WhitelistFilterForm
from devices.whitelist.tables import WHITELIST
from portal.common.pagination import paginate
from portal.trail import services as trail
from portal.workflow.registers import ExportMixin, ListMixin, PrintMixin

PAGE_SIZE = 100
HOLDERS_SHOWN = 100


class WhitelistRegisterView(RegisterView):
    """What the three views of the register list."""

    table = WHITELIST
    names = ("q", "state", "organisation", "progress", "ends", "segment")
    action = "whitelist"
    template = "devices/whitelist.html"
    heading = gettext_lazy("MAC whitelist")
    apply_kind = "devices.whitelist"

    def found(self, filters: dict[str, str]) -> Any:
        """The entries that the filters leave."""
        return selectors.entries(self.user, **filters)

    def form(self, *args: Any, **kwargs: Any) -> WhitelistFilterForm:
        """The search."""
        return WhitelistFilterForm(*args, organisations=machines.organisations(self.user), **kwargs)


class ListView(ListMixin, WhitelistRegisterView):
    """Every entry that this person may see."""


class ExportView(ExportMixin, WhitelistRegisterView):
    """As a file."""


class PrintView(PrintMixin, WhitelistRegisterView):
    """On paper."""


class EntryView(DevicesView):
    """One entry with its dated history, and who had its addresses before and after."""

    def get(self, request: HttpRequest, uid: UUID) -> HttpResponse:
        """Another federation's entry is as unknown as none (ORG-02). Reading it leaves a trace (SEC-02)."""
        try:
            entry = selectors.entry(self.user, uid)
        except WhitelistEntry.DoesNotExist as error:
            raise Http404 from error
        trail.record(
            action="whitelist.view",
            now=timezone.now(),
            actor=self.user,
            object_type="whitelist_entry",
            object_id=str(entry.uid),
            object_label=str(entry),
            object_organisation_id=entry.organisation_id,
        )
        context = {
            "entry": entry,
            "vendor": oui.vendor(entry.mac),
            "history": selectors.history_of(self.user, entry)[:100],
            "same": selectors.same_addresses(self.user, entry)[:50],
            "actions": selectors.actions_of(self.user, entry),
        }
        return render(request, "devices/whitelist_entry.html", context)


class HoldersView(DevicesView):
    """Who had this MAC or IP address on that day."""

    def get(self, request: HttpRequest) -> HttpResponse:
        """The question is in the URL and on record; operations ask about the country, a federation about itself."""
        asked = "address" in request.GET
        form = HolderForm(request.GET if asked else None, initial={"day": timezone.localdate()})
        found: list[WhitelistEntry] | None = None
        if asked and form.is_valid():
            found = self.answer(form)
        context = {"form": form, "found": found, "problems": form.error_summary if asked else []}
        return render(request, "devices/whitelist_holders.html", context, status=422 if form.errors else 200)

    def answer(self, form: HolderForm) -> list[WhitelistEntry] | None:
        """The entries, oldest first; a text that is no address gets its sentence."""
        values = form.cleaned_data
        try:
            rows = selectors.holders(self.user, address=values["address"], day=values["day"])
        except AddressRefused as error:
            form.add_error("address", error.reason)
            return None
        detail = {"address": values["address"], "day": values["day"].isoformat()}
        trail.record(action="whitelist.holders", now=timezone.now(), actor=self.user, detail=detail)
        return list(rows[:HOLDERS_SHOWN])


class LocalListView(DevicesView):
    """The locally administered addresses that operations accepted."""

    def get(self, request: HttpRequest) -> HttpResponse:
        """With the form for those who may accept one."""
        return self.page(request, LocalAddressForm())

    def post(self, request: HttpRequest) -> HttpResponse:
        """Accept one."""
        if not selectors.may_accept(self.user):
            raise PermissionDenied(_("Only network operations accept local addresses."))
        form = LocalAddressForm(request.POST)
        if not form.is_valid():
            return self.page(request, form, status=422)
        try:
            local.accept_local_address(**form.cleaned_data, actor=self.user, now=timezone.now())
        except local.LocalRefused as error:
            form.add_error(error.field, error.reason)
            return self.page(request, form, status=422)
        messages.success(request, _("The address was accepted. It can be applied for now."))
        return redirect("local_address_list")

    def page(self, request: HttpRequest, form: LocalAddressForm, status: int = 200) -> HttpResponse:
        """The list and the form."""
        may = selectors.may_accept(self.user)
        context: dict[str, Any] = {
            "page": paginate(selectors.local_addresses(self.user), request.GET.get("cursor"), PAGE_SIZE),
            "query": "",
            "form": form if may else None,
            "problems": form.error_summary if form.is_bound else [],
            "may_end": may,
        }
        return render(request, "devices/local_addresses.html", context, status=status)


class LocalEndView(DevicesView):
    """Accept a local address no longer."""

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Entries that live stay; new ones are refused."""
        try:
            found = selectors.local_addresses(self.user).get(pk=pk)
        except LocalAddress.DoesNotExist as error:
            raise Http404 from error
        if not selectors.may_accept(self.user):
            raise PermissionDenied(_("Only network operations accept local addresses."))
        local.end_local_address(local_id=found.pk, actor=self.user, now=timezone.now())
        messages.success(request, _("The address is not accepted for new entries any more."))
        return redirect("local_address_list")
