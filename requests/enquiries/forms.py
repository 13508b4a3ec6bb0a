"""The forms of the screens of enquiries."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from django import forms
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from portal.common.files import FilesField
from portal.common.filters import FilterForm
from portal.common.forms import NormalisingField, PortalForm, ReasonField, WarekiDateField
from portal.orgs.models import Organisation, User
from requests.enquiries.errors import Refused
from requests.enquiries.models import Category, Enquiry

TEXT_LENGTH = 5000


def renamed(values: dict[str, Any]) -> dict[str, Any]:
    """Checked values as the services name them: a form keeps `files` for itself."""
    values = dict(values)
    if "attachments" in values:
        values["files"] = values.pop("attachments")
    return values


class RefusableForm(PortalForm):
    """A form that shows what a service refused, at its field."""

    def refuse(self, refused: Refused) -> None:
        """Show the reason where it belongs."""
        self.add_error(refused.field if refused.field in self.fields else None, refused.reason)

    def see(self, version: int) -> None:
        """What was sent is shown again beside a newer state: whoever sends it once more has seen that one."""
        if self.is_bound and "version" in self.fields:
            sent: Any = self.data
            data = sent.copy()  # a QueryDict: "|" would make lists of what was typed
            data[self.add_prefix("version")] = str(version)
            self.data = data


def text_field(label: Any) -> ReasonField:
    """What somebody writes."""
    field = ReasonField(label=label, max_length=TEXT_LENGTH)
    field.widget.attrs["rows"] = 8
    return field


class AskForm(RefusableForm):
    """A new enquiry."""

    organisation = forms.ChoiceField(label=gettext_lazy("Organisation"))
    subject = NormalisingField(label=pgettext_lazy("enquiry", "Subject"), max_length=100)
    category = forms.ChoiceField(
        label=gettext_lazy("Category"), choices=[("", gettext_lazy("Choose")), *Category.choices]
    )
    desk = forms.ChoiceField(
        label=gettext_lazy("Answered by"), choices=Enquiry.Desk.choices, initial=Enquiry.Desk.OPERATIONS
    )
    text = text_field(gettext_lazy("What you would like to know"))
    attachments = FilesField(label=gettext_lazy("Files"), required=False)

    def __init__(self, *args: Any, organisations: Iterable[Organisation], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._places = {place.code: place for place in organisations}
        self.fields["organisation"].choices = [  # type: ignore[attr-defined]
            (code, place.short_name) for code, place in self._places.items()
        ]
        if len(self._places) == 1:
            del self.fields["organisation"]
        self.fields["subject"].widget.attrs |= {
            "autocomplete": "off",
            "hx-get": reverse("faq_suggestions"),
            "hx-trigger": "input changed delay:400ms",
            "hx-target": "#faq-suggestions",
        }

    def values(self) -> dict[str, Any]:
        """What the service takes, of a valid form."""
        values = dict(self.cleaned_data)
        code = values.pop("organisation", "") or next(iter(self._places))
        return renamed(values) | {"organisation": self._places[code]}


class WriteForm(RefusableForm):
    """A message in an enquiry; `version` is what the person has read."""

    version = forms.IntegerField(widget=forms.HiddenInput, min_value=1, max_value=2**31 - 1)
    text = text_field(gettext_lazy("Message"))
    attachments = FilesField(label=gettext_lazy("Files"), required=False)


class CloseForm(RefusableForm):
    """The asker has what they need."""

    version = forms.IntegerField(widget=forms.HiddenInput, min_value=1, max_value=2**31 - 1)


class NoteForm(RefusableForm):
    """A note among those who answer."""

    text = text_field(gettext_lazy("Internal note"))
    attachments = FilesField(label=gettext_lazy("Files"), required=False)


class RouteForm(RefusableForm):
    """Who answers, and until when."""

    version = forms.IntegerField(widget=forms.HiddenInput, min_value=1, max_value=2**31 - 1)
    desk = forms.ChoiceField(label=gettext_lazy("Answered by"), choices=Enquiry.Desk.choices)
    assigned_to = forms.ChoiceField(label=gettext_lazy("Assigned to"), required=False)
    due_on = WarekiDateField(label=pgettext_lazy("enquiry", "To be answered until"))

    def __init__(self, *args: Any, people: Mapping[int, User], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._people = people
        names = [(str(pk), person.display_name) for pk, person in people.items()]
        self.fields["assigned_to"].choices = [("", _("nobody yet")), *names]  # type: ignore[attr-defined]

    def clean_assigned_to(self) -> User | None:
        """The person."""
        chosen = self.cleaned_data["assigned_to"]
        return self._people[int(chosen)] if chosen else None


class EnquiryFilterForm(FilterForm):
    """Its state is the URL."""

    q = forms.CharField(label=gettext_lazy("Number, subject, text or person"), required=False, max_length=200)
    state = forms.ChoiceField(label=gettext_lazy("State"), required=False)
    category = forms.ChoiceField(label=gettext_lazy("Category"), required=False)
    desk = forms.ChoiceField(label=gettext_lazy("Answered by"), required=False)
    whose = forms.ChoiceField(label=pgettext_lazy("enquiry", "Which"), required=False)

    def offered(self) -> Mapping[str, Iterable[Any]]:
        """See FilterForm."""
        return {
            "state": Enquiry.State.choices,
            "category": Category.choices,
            "desk": Enquiry.Desk.choices,
            "whose": [
                ("mine", _("mine")),
                ("nobody", _("assigned to nobody")),
                ("late", pgettext_lazy("enquiry", "overdue")),
            ],
        }
