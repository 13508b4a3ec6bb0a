"""The forms of the pages of an audit report."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from audit.cycles.models import AuditCycle
from audit.reports.models import ReportEnquiry, ReportStatus
from portal.common.files import FilesField
from portal.common.filters import FilterForm
from portal.common.forms import IdentifierField, NormalisingField, ReasonField, WarekiDateField
from requests.enquiries.forms import RefusableForm, renamed, text_field
from requests.enquiries.models import Enquiry


class StepForm(RefusableForm):
    """A step of the report as the person saw it."""

    version = forms.IntegerField(widget=forms.HiddenInput, min_value=1, max_value=2**31 - 1)

    def values(self) -> dict[str, Any]:
        """What the service takes, of a valid form."""
        return renamed(self.cleaned_data)


class SendBackForm(StepForm):
    """The federation may prove that the files it holds are the originals."""

    attachments = FilesField(
        label=gettext_lazy("Files that your organisation holds"),
        required=False,
        help_text=gettext_lazy(
            "Not necessary: the portal sends its own originals. Files that you choose are compared with them."
        ),
    )


class PresentForm(StepForm):
    """To whom the report was presented and when, or that it is not presented (AUD-06)."""

    side_by_side = (("to", "on"),)
    presented = forms.TypedChoiceField(
        label=gettext_lazy("Was it presented?"),
        choices=[
            ("yes", pgettext_lazy("presentation", "It was presented")),
            ("no", pgettext_lazy("presentation", "It is not presented this time")),
        ],
        coerce=lambda value: value == "yes",
        widget=forms.RadioSelect,
    )
    to = NormalisingField(label=gettext_lazy("To whom"), max_length=200, required=False)
    on = WarekiDateField(label=gettext_lazy("On which day"), required=False)
    reason = NormalisingField(label=gettext_lazy("Reason or note"), max_length=300, required=False)


class SupplementForm(StepForm):
    """Logs came late (AUD-10)."""

    reason = ReasonField(label=gettext_lazy("Which logs came late and why"), max_length=500)


class CorrectForm(StepForm):
    """Something was wrong: a new revision (AUD-10)."""

    reason = ReasonField(label=gettext_lazy("What is corrected and why"), max_length=500)
    enquiry = IdentifierField(label=gettext_lazy("Number of the enquiry"), max_length=40)
    central_too = forms.BooleanField(
        label=gettext_lazy("The check of 中央会 is concerned too"),
        required=False,
        help_text=gettext_lazy(
            "The new revision then begins with step 2. Without it, it begins with step 4, unless logs or ledgers changed."
        ),
    )


class CarryOverForm(StepForm):
    """The federation confirms although an enquiry is open."""

    enquiry = forms.ChoiceField(label=gettext_lazy("Enquiry"))
    reason = NormalisingField(
        label=gettext_lazy("Why the report can be confirmed before the answer"), max_length=300
    )

    def __init__(self, *args: Any, open_enquiries: Iterable[ReportEnquiry] = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        numbers = [(link.enquiry.number, str(link.enquiry)) for link in open_enquiries]
        self.fields["enquiry"].choices = numbers  # type: ignore[attr-defined]


class AskForm(StepForm):
    """An enquiry about the report (AUD-05)."""

    desk = forms.ChoiceField(
        label=gettext_lazy("Answered by"), choices=Enquiry.Desk.choices, initial=Enquiry.Desk.CENTRAL
    )
    subject = NormalisingField(label=pgettext_lazy("enquiry", "Subject"), max_length=100)
    text = text_field(gettext_lazy("What you would like to know"))
    attachments = FilesField(label=gettext_lazy("Files"), required=False)


class DownloadForm(RefusableForm):
    """Taking a file along leaves a trace with its reason (SEC-02)."""

    file = forms.IntegerField(widget=forms.HiddenInput, min_value=1, max_value=2**62)
    reason = NormalisingField(label=gettext_lazy("What you need the file for"), max_length=200)


class ReportFilterForm(FilterForm):
    """Its state is the URL."""

    month = forms.ChoiceField(label=gettext_lazy("Month"), required=False)
    status = forms.ChoiceField(label=gettext_lazy("State"), required=False)
    whose = forms.ChoiceField(label=pgettext_lazy("audit report", "Which"), required=False)

    def __init__(self, *args: Any, months: Iterable[AuditCycle], **kwargs: Any) -> None:
        self._months = [(month.key, month.key) for month in months]
        super().__init__(*args, **kwargs)

    def offered(self) -> Mapping[str, Iterable[Any]]:
        """See FilterForm."""
        return {
            "month": self._months,
            "status": ReportStatus.choices,
            "whose": [("mine", _("waits for me")), ("late", pgettext_lazy("audit report", "late"))],
        }
