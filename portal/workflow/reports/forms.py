"""The forms about result reports."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from portal.common.forms import PortalForm
from portal.orgs.models import Organisation
from portal.workflow.models import REPORTED, Status
from portal.workflow.reports import selectors
from portal.workflow.reports.arriving import NOTE_LENGTH


class ToldForm(PortalForm):
    """That the applicant was told."""

    note = forms.CharField(
        label=gettext_lazy("When and how you told the applicant"),
        max_length=NOTE_LENGTH,
        widget=forms.Textarea(attrs={"rows": 2}),
        error_messages={"required": gettext_lazy("Write when and how the applicant was told.")},
    )


class ReportFilterForm(PortalForm):
    """Its state is the URL."""

    q = forms.CharField(label=gettext_lazy("Application number or applicant"), required=False, max_length=200)
    state = forms.ChoiceField(
        label=gettext_lazy("State"),
        required=False,
        choices=(
            (selectors.STUCK, gettext_lazy("did not arrive")),
            (selectors.OPEN, gettext_lazy("not arrived yet")),
            (selectors.ALL, gettext_lazy("all reports")),
        ),
    )
    outcome = forms.ChoiceField(
        label=gettext_lazy("Result"),
        required=False,
    )
    organisation = forms.ChoiceField(label=gettext_lazy("Organisation"), required=False)

    def __init__(self, *args: Any, organisations: Iterable[Organisation], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        found = [(organisation.code, organisation.short_name) for organisation in organisations]
        outcomes = [(status.value, status.label) for status in Status if status in REPORTED]
        self.fields["outcome"].choices = [("", _("All")), *outcomes]  # type: ignore[attr-defined]
        self.fields["organisation"].choices = [("", _("All")), *found]  # type: ignore[attr-defined]
        if len(found) < 2:
            del self.fields["organisation"]
