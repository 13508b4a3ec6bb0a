"""What can be chosen for a machine: everybody who reads devices sees it, operations add entries and end them."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from devices.choices import services
from devices.permits.source import TABLE_2_33, TABLE_2_34, DeviceKind
from devices.reference import DatedEntry
from devices.registers import DevicesView
from portal.common.forms import IdentifierField, NormalisingField, PortalForm, WarekiDateField
from portal.orgs.permissions import MANAGE_REFERENCE


class ChoiceForm(PortalForm):
    """A new choice."""

    of = forms.ChoiceField(
        label=gettext_lazy("List"), choices=[(name, label) for name, (_m, label) in services.LISTS.items()]
    )
    code = IdentifierField(
        label=gettext_lazy("Code"),
        max_length=30,
        help_text=gettext_lazy("For files and REST. Never used again for something else."),
    )
    name = NormalisingField(label=pgettext_lazy("choice", "Name"), max_length=80)
    valid_from = WarekiDateField(label=gettext_lazy("Valid from"))
    takes_devices = forms.BooleanField(
        label=gettext_lazy("Device control covers it (kinds and operating systems)"), required=False
    )
    has_system = forms.BooleanField(label=gettext_lazy("Has an operating system (kinds)"), required=False)
    is_own = forms.BooleanField(
        label=gettext_lazy("Is a federation's own system (business systems)"), required=False
    )


class EndForm(PortalForm):
    """The last day of a choice."""

    valid_until = WarekiDateField(label=gettext_lazy("Last day"), help_text="")


class ListView(DevicesView):
    """All choices with their days, and the tables of devices that nobody changes."""

    def get(self, request: HttpRequest) -> HttpResponse:
        """With the form for those who may add one."""
        return self.page(request, ChoiceForm(initial={"valid_from": timezone.localdate()}))

    def post(self, request: HttpRequest) -> HttpResponse:
        """Add one."""
        require_manager(self)
        form = ChoiceForm(request.POST)
        if not form.is_valid():
            return self.page(request, form, status=422)
        values = dict(form.cleaned_data)
        named = {name: values.pop(name) for name in ("of", "code", "name", "valid_from")}
        try:
            services.add_choice(**named, flags=values, actor=self.user, now=timezone.now())
        except services.ChoiceRefused as error:
            form.add_error(error.field, error.reason)
            return self.page(request, form, status=422)
        messages.success(request, _("The entry was added."))
        return redirect("choice_list")

    def page(self, request: HttpRequest, form: ChoiceForm, status: int = 200) -> HttpResponse:
        """The lists and the form."""
        may_change = self.user.may(MANAGE_REFERENCE)
        lists = [
            {"name": name, "label": label, "entries": model.objects.all()}
            for name, (model, label) in services.LISTS.items()
        ]
        context: dict[str, Any] = {
            "lists": lists,
            "table_2_33": [(row, DeviceKind(kind).label) for kind, row in TABLE_2_33.items()],
            "table_2_34": TABLE_2_34,
            "form": form if may_change else None,
            "problems": form.error_summary if form.is_bound else [],
        }
        return render(request, "devices/choices.html", context, status=status)


class EndView(DevicesView):
    """Give one choice its last day."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Only for operations."""
        if request.user.is_authenticated:
            require_manager(self)
        return super().dispatch(request, *args, **kwargs)

    def get(self, request: HttpRequest, of: str, code: str) -> HttpResponse:
        """Ask for the day."""
        entry = self.load(of, code)
        return self.page(request, entry, EndForm(initial={"valid_until": entry.valid_until}))

    def post(self, request: HttpRequest, of: str, code: str) -> HttpResponse:
        """End it; machines keep what they have."""
        entry = self.load(of, code)
        form = EndForm(request.POST)
        if not form.is_valid():
            return self.page(request, entry, form, status=422)
        try:
            services.end_choice(
                of=of,
                code=code,
                valid_until=form.cleaned_data["valid_until"],
                actor=self.user,
                now=timezone.now(),
            )
        except services.ChoiceRefused as error:
            form.add_error(error.field, error.reason)
            return self.page(request, entry, form, status=422)
        messages.success(request, _("The last day was set."))
        return redirect("choice_list")

    def load(self, of: str, code: str) -> DatedEntry:
        """The entry."""
        model = services.LISTS[of][0] if of in services.LISTS else None
        entry: DatedEntry | None = model.objects.filter(code=code).first() if model else None
        if entry is None:
            raise Http404
        return entry

    def page(self, request: HttpRequest, entry: DatedEntry, form: EndForm, status: int = 200) -> HttpResponse:
        """The form."""
        context = {"entry": entry, "form": form, "problems": form.error_summary if form.is_bound else []}
        return render(request, "devices/choice_end.html", context, status=status)


def require_manager(view: DevicesView) -> None:
    """403 for everybody but operations."""
    if not view.user.may(MANAGE_REFERENCE):
        raise PermissionDenied(_("Only network operations change what can be chosen."))
