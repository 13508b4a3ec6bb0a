"""The filters above the trail."""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms
from django.utils.translation import gettext_lazy as _

from portal.common.forms import NormalisingField, PortalForm, WarekiDateField
from portal.trail.actions import LABELS
from portal.trail.selectors import Filters


class FilterForm(PortalForm):
    """Action, person, subject, period. Unknown values are left aside with a message at the field."""

    action = forms.ChoiceField(label=_("Action"), required=False, choices=[("", _("All")), *LABELS.items()])
    person = NormalisingField(label=_("Person"), required=False, max_length=100)
    subject = NormalisingField(label=_("About"), required=False, max_length=100)
    since = WarekiDateField(label=_("From"), required=False, help_text="")
    until = WarekiDateField(label=_("Until"), required=False, help_text="")
    error_texts: ClassVar = {"order": _("The last day lies before the first day.")}

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or {}
        if data.get("since") and data.get("until") and data["until"] < data["since"]:
            self.add_error("until", self.error_texts["order"])
        return data

    def filters(self) -> Filters:
        """The filters that are well-formed."""
        self.is_valid()
        return Filters(**{name: value for name, value in self.cleaned_data.items() if value})
