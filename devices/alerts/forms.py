"""The forms of the alerts."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy

from devices.alerts.models import DeviceAlert
from portal.common.filters import FilterForm
from portal.common.forms import NormalisingField, PortalForm


class AlertFilterForm(FilterForm):
    """Its state is the URL."""

    q = forms.CharField(
        label=gettext_lazy("Machine, device, model or serial number"), required=False, max_length=200
    )
    state = forms.ChoiceField(label=gettext_lazy("State"), required=False)
    kind = forms.ChoiceField(label=gettext_lazy("Kind of alert"), required=False)
    month = forms.CharField(label=gettext_lazy("Month (such as 2026-11)"), required=False, max_length=7)

    def offered(self) -> dict[str, Iterable[Any]]:
        """See FilterForm."""
        return {
            "state": DeviceAlert.State.choices,
            "kind": DeviceAlert.Kind.choices,
        }


class AlertAnswerForm(PortalForm):
    """What was found out."""

    answer = forms.ChoiceField(label=gettext_lazy("Answer"), widget=forms.RadioSelect)
    reason = NormalisingField(
        label=gettext_lazy("What was found out"),
        max_length=500,
        widget=forms.Textarea(attrs={"rows": 2}),
    )

    def __init__(self, *args: Any, possible: Iterable[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        labels = dict(DeviceAlert.Answer.choices)
        self.fields["answer"].choices = [(code, labels[code]) for code in possible]  # type: ignore[attr-defined,index]
