"""The forms of the review of mismatches and of incidents."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from audit.reconciliation.models import FITTING, Code, Incident, ReasonCode
from audit.reconciliation.reasons import TEXT_LENGTH
from portal.common.filters import FilterForm
from portal.common.forms import PortalForm, ReasonField
from requests.enquiries.forms import RefusableForm

SHOWN = (
    ("", gettext_lazy("Everything that differs")),
    ("open", gettext_lazy("Without our reason")),
    ("given", gettext_lazy("With our reason")),
    ("fits", gettext_lazy("What fits a work")),
)


class SessionFilterForm(PortalForm):
    """Its state is the URL."""

    q = forms.CharField(
        label=gettext_lazy("Machine, account, object, medium or work number"), required=False, max_length=200
    )
    shown = forms.ChoiceField(label=pgettext_lazy("mismatch", "Show"), required=False, choices=SHOWN)
    code = forms.ChoiceField(label=pgettext_lazy("mismatch", "Finding"), required=False)
    reason = forms.ChoiceField(label=pgettext_lazy("mismatch", "Reason"), required=False)
    host = forms.CharField(label=pgettext_lazy("mismatch", "Machine"), required=False, max_length=100)
    account = forms.CharField(label=pgettext_lazy("mismatch", "Account"), required=False, max_length=100)
    day = forms.CharField(label=pgettext_lazy("mismatch", "Day"), required=False, max_length=20)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        differing = [(code.value, code.label) for code in Code if code not in FITTING]
        self.fields["code"].choices = [("", _("All")), *differing]  # type: ignore[attr-defined]
        self.fields["reason"].choices = [("", _("All")), *ReasonCode.choices]  # type: ignore[attr-defined]


class GiveForm(RefusableForm):
    """One reason for all sessions that were chosen."""

    code = forms.ChoiceField(
        label=pgettext_lazy("mismatch", "Reason"),
        choices=[("", gettext_lazy("Choose")), *ReasonCode.choices],
        help_text=gettext_lazy("“Misuse suspected” opens an incident that the other party sees at once."),
    )
    text = ReasonField(label=gettext_lazy("Explanation"), max_length=TEXT_LENGTH)


class CloseIncidentForm(RefusableForm):
    """What was found out."""

    result = ReasonField(label=gettext_lazy("What was found out"))


class IncidentFilterForm(FilterForm):
    """Its state is the URL."""

    q = forms.CharField(
        label=gettext_lazy("Number, machine, account or text"), required=False, max_length=200
    )
    state = forms.ChoiceField(label=gettext_lazy("State"), required=False)

    def offered(self) -> Mapping[str, Iterable[Any]]:
        """See FilterForm."""
        return {"state": Incident.State.choices}
