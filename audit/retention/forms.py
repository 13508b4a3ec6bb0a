"""The forms of the page of keeping times."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from audit.retention.models import RecordKind
from portal.common.forms import NormalisingField, PortalForm


class ProposeForm(PortalForm):
    """Which month of which kind is to go, and why."""

    kind = forms.ChoiceField(label=_("Kind of record"), choices=RecordKind)
    month = forms.DateField(label=_("Month"), input_formats=["%Y-%m"], widget=forms.TextInput)
    reason = NormalisingField(
        label=pgettext_lazy("disposal", "Reason"), max_length=300, help_text=_("Such as: keeping time over.")
    )

    def values(self) -> dict[str, Any]:
        """What the service takes; call it on a valid form."""
        data = self.cleaned_data
        return {"kind": RecordKind(data["kind"]), "month": data["month"], "reason": data["reason"]}


class DecideForm(PortalForm):
    """The word of the second person; a refusal says why."""

    answer = NormalisingField(label=_("Why not (for a refusal)"), max_length=300, required=False)


class HoldForm(PortalForm):
    """What is to stay until further notice."""

    kind = forms.ChoiceField(label=_("Kind of record"), choices=RecordKind)
    month = forms.DateField(
        label=_("Month"),
        input_formats=["%Y-%m"],
        widget=forms.TextInput,
        required=False,
        help_text=_("Such as 2026-09. Empty: every month."),
    )
    reason = NormalisingField(label=pgettext_lazy("disposal", "Reason"), max_length=300)

    def values(self) -> dict[str, Any]:
        """What the service takes; call it on a valid form."""
        data = self.cleaned_data
        return {"kind": RecordKind(data["kind"]), "month": data["month"], "reason": data["reason"]}


class RuleForm(PortalForm):
    """For how many years a kind is kept."""

    kind = forms.ChoiceField(label=_("Kind of record"), choices=RecordKind)
    years = forms.IntegerField(label=_("Years"), min_value=1, max_value=100)
