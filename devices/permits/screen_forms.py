"""The forms of the device screens: search, and what the officer records."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy, pgettext_lazy

from devices.permits.models import DevicePermit
from devices.permits.selectors import ENDS
from devices.permits.source import DeviceKind
from portal.common.filters import FilterForm
from portal.common.forms import NormalisingField, PortalForm


class DeviceFilterForm(FilterForm):
    """Its state is the URL."""

    q = forms.CharField(
        label=gettext_lazy("Number, maker, model, serial number, user or machine"),
        required=False,
        max_length=200,
    )
    state = forms.ChoiceField(label=gettext_lazy("State"), required=False)
    kind = forms.ChoiceField(label=gettext_lazy("Kind of device"), required=False)
    ends = forms.ChoiceField(label=gettext_lazy("Validity"), required=False)

    def offered(self) -> dict[str, Iterable[Any]]:
        """See FilterForm."""
        return {
            "state": DevicePermit.State.choices,
            "kind": DeviceKind.choices,
            "ends": ENDS.items(),
        }


class RecordForm(PortalForm):
    """What was done in SKYSEA. The reason for writing is confirmed here when no decision confirmed it (DEV-03)."""

    confirms_reason = forms.BooleanField(
        label=gettext_lazy("I asked the user for the reason for writing and confirm it"),
        error_messages={"required": gettext_lazy("Confirm the reason for writing first (T 2-32 no. 1).")},
    )
    note = NormalisingField(
        label=pgettext_lazy("remark", "Note"),
        required=False,
        max_length=500,
        help_text=gettext_lazy("For example the number that SKYSEA gave the device."),
    )

    def __init__(self, *args: Any, permit: DevicePermit, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if permit.state != DevicePermit.State.APPROVED or not permit.needs_confirmation:
            del self.fields["confirms_reason"]
