"""The screens of the segments: everybody who reads devices sees theirs, operations register and end them."""

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

from devices import selectors
from devices.computers.models import Segment
from devices.registers import DevicesView
from devices.segments import changing, services
from devices.whitelist.selectors import entries
from portal.common.forms import IdentifierField, NormalisingField, PortalForm
from portal.common.pagination import paginate
from portal.orgs.models import Organisation
from portal.orgs.permissions import FEDERATIONS, MANAGE_SEGMENTS

PAGE_SIZE = 100


class SegmentForm(PortalForm):
    """A new segment."""

    organisation = forms.ModelChoiceField(
        Organisation.objects.filter(kind__in=FEDERATIONS),
        to_field_name="code",
        label=gettext_lazy("Organisation"),
        empty_label=gettext_lazy("Choose"),
    )
    network = IdentifierField(
        label=gettext_lazy("Network"),
        max_length=43,
        help_text=gettext_lazy("For example 10.13.20.0/24, or fd00:13:82::/64 for DNS records of IPv6"),
    )
    purpose = forms.ChoiceField(label=gettext_lazy("Purpose"), choices=Segment.Purpose.choices)
    vlan = forms.IntegerField(label=gettext_lazy("VLAN"), required=False, min_value=1, max_value=4094)
    note = NormalisingField(label=pgettext_lazy("remark", "Note"), required=False, max_length=100)


class ListView(DevicesView):
    """The segments that are valid today, or all."""

    def get(self, request: HttpRequest) -> HttpResponse:
        """With the form for those who may add one."""
        return self.page(request, SegmentForm())

    def post(self, request: HttpRequest) -> HttpResponse:
        """Register one."""
        if not self.user.may(MANAGE_SEGMENTS):
            raise PermissionDenied(_("Only network operations register segments."))
        form = SegmentForm(request.POST)
        if not form.is_valid():
            return self.page(request, form, status=422)
        try:
            services.add_segment(**form.cleaned_data, actor=self.user, now=timezone.now())
        except services.SegmentRefused as error:
            form.add_error(error.field, error.reason)
            return self.page(request, form, status=422)
        messages.success(request, _("The segment was registered."))
        return redirect("segment_list")

    def page(self, request: HttpRequest, form: SegmentForm, status: int = 200) -> HttpResponse:
        """The list and the form."""
        ended = "1" if request.GET.get("ended") == "1" else ""
        context: dict[str, Any] = {
            "page": paginate(
                selectors.segments(self.user, ended=ended), request.GET.get("cursor"), PAGE_SIZE
            ),
            "query": "ended=1" if ended else "",
            "ended": ended,
            "form": form if self.user.may(MANAGE_SEGMENTS) else None,
            "problems": form.error_summary if form.is_bound else [],
            "may_end": self.user.may(MANAGE_SEGMENTS),
        }
        return render(request, "devices/segments.html", context, status=status)


class ChangeForm(PortalForm):
    """What of a segment can be another thing from today on."""

    network = SegmentForm.base_fields["network"]
    purpose = SegmentForm.base_fields["purpose"]
    vlan = SegmentForm.base_fields["vlan"]
    note = SegmentForm.base_fields["note"]
    confirmed = forms.BooleanField(
        label=gettext_lazy("Change it although live entries would lie outside"), required=False
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "confirmed" not in self.data:  # the box is shown when there is something to confirm
            del self.fields["confirmed"]

    def refuse(self, refused: services.SegmentRefused) -> None:
        """Show what stands in the way; what can be confirmed gets its box."""
        if refused.field == "confirmed":
            self.fields["confirmed"] = self.base_fields["confirmed"]
        self.add_error(refused.field, refused.reason)


class ManageView(DevicesView):
    """For people of operations, one segment."""

    def load(self, pk: int) -> Segment:
        """One that the person sees; another federation's is as unknown as none (ORG-02)."""
        try:
            found = selectors.segment(self.user, pk)
        except Segment.DoesNotExist as error:
            raise Http404 from error
        if not self.user.may(MANAGE_SEGMENTS):
            raise PermissionDenied(_("Only network operations register segments."))
        return found


class ChangeView(ManageView):
    """Change a segment from today on; what was in force until now stays in the list of those that ended."""

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        """As it is now."""
        found = self.load(pk)
        initial = {name: getattr(found, name) for name in changing.FIELDS}
        return self.page(found, ChangeForm(initial=initial))

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Change it; asks once more when live entries would lie outside."""
        found, form = self.load(pk), ChangeForm(request.POST)
        if not form.is_valid():
            return self.page(found, form, status=422)
        try:
            values = {"confirmed": False, **form.cleaned_data}
            changing.change_segment(segment_id=found.pk, **values, actor=self.user, now=timezone.now())
        except services.SegmentRefused as error:
            form.refuse(error)
            return self.page(found, form, status=422)
        messages.success(request, _("The segment was changed from today on."))
        return redirect("segment_list")

    def page(self, segment: Segment, form: ChangeForm, status: int = 200) -> HttpResponse:
        """The form, and what a change means."""
        context = {
            "segment": segment,
            "form": form,
            "problems": form.error_summary if form.is_bound else [],
        }
        return render(self.request, "devices/segment_change.html", context, status=status)


class EndView(ManageView):
    """End a segment; asks first, with what stands in it."""

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        """What ending it means."""
        found = self.load(pk)
        context = {
            "segment": found,
            "machines": selectors.computers(self.user, segment=found.network, state="IN_USE").count(),
            "entries": entries(self.user, state="APPROVED", segment=found.network).count(),
        }
        return render(request, "devices/segment_end.html", context)

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        """It is not offered any more; machines keep it."""
        services.end_segment(segment_id=self.load(pk).pk, actor=self.user, now=timezone.now())
        messages.success(request, _("The segment was ended."))
        return redirect("segment_list")
