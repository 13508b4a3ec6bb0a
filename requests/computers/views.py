"""The screens of the register of computer objects: search with files and print, and one page per object."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from portal.orgs.permissions import READ_DEVICES
from portal.workflow import registers
from portal.workflow.registers import ExportMixin, ListMixin, PrintMixin
from portal.workflow.views import PersonView
from requests.computers import selectors
from requests.computers.kinds import ADD
from requests.computers.screen_forms import ObjectFilterForm
from requests.computers.tables import COMPUTER_OBJECTS


class ObjectsView(PersonView):
    """A view for those who may read PCs and devices."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Somebody without the permission gets 403, whatever the object."""
        if request.user.is_authenticated and not self.user.may(READ_DEVICES):
            raise PermissionDenied(_("Your role does not allow you to see PCs and devices."))
        return super().dispatch(request, *args, **kwargs)


class ObjectRegisterView(ObjectsView, registers.RegisterView):
    """What the three views of the register list."""

    table = COMPUTER_OBJECTS
    names = ("q", "state", "organisation", "made")
    action = "computer_object"
    template = "requests/computer_objects.html"
    heading = gettext_lazy("Computer objects")
    apply_kind = ADD

    def found(self, filters: dict[str, str]) -> Any:
        """The objects that the filters leave."""
        return selectors.computer_objects(self.user, **filters)

    def form(self, *args: Any, **kwargs: Any) -> ObjectFilterForm:
        """The search."""
        return ObjectFilterForm(*args, organisations=selectors.organisations(self.user), **kwargs)


class ListView(ListMixin, ObjectRegisterView):
    """Every object that this person may see."""


class ExportView(ExportMixin, ObjectRegisterView):
    """As a file."""


class PrintView(PrintMixin, ObjectRegisterView):
    """On paper."""


class DetailView(ObjectsView):
    """One object: what the register says, what AD says now, what happened, and what was applied for."""

    def get(self, request: HttpRequest, guid: UUID) -> HttpResponse:
        """Another federation's object is as unknown as none (ORG-02)."""
        row = self.one(selectors.computer_object, guid)
        self.seen("computer_object", str(row.object_guid), row.name, row.organisation_id)
        context = {
            "row": row,
            "live": selectors.live_state(row),
            "asked_at": timezone.now(),
            "machine": selectors.machine_of(self.user, row),
            "history": selectors.history_of(self.user, row)[:100],
            "applications": selectors.applications_of(self.user, row.organisation_id, row.name)[:20],
            "offers": selectors.offers(self.user, row.organisation, row),
        }
        return render(request, "requests/computer_object.html", context)
