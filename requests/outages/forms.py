"""The forms of the screens of planned outages."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from portal.common.filters import FilterForm
from portal.common.forms import ClockField, NormalisingField, WarekiDateField
from portal.common.time import JST
from portal.orgs.models import Organisation, User
from requests.enquiries.forms import RefusableForm, text_field
from requests.outages.models import Confirmer, Outage, Shown, System
from requests.outages.services import Plan


class ManyBoxes(forms.CheckboxSelectMultiple):
    """Boxes side by side: nobody finds the key with which a list takes several."""

    in_columns = True


class NarrowedBoxes(ManyBoxes):
    """Boxes of hundreds: what is typed above them narrows them, and those that are ticked stay."""

    narrowed = True


class OutageForm(RefusableForm):
    """An outage to be planned or changed."""

    required_by_others = frozenset({"organisations"})
    side_by_side = (("stops_on", "stops_clock"), ("starts_on", "starts_clock"))

    title = NormalisingField(label=pgettext_lazy("outage", "Title"), max_length=100)
    systems = forms.MultipleChoiceField(
        label=gettext_lazy("Systems"), choices=System.choices, widget=forms.CheckboxSelectMultiple
    )
    detail = text_field(gettext_lazy("What stops and what that means for users"))
    stops_on = WarekiDateField(label=gettext_lazy("Day of the stop"))
    stops_clock = ClockField(label=gettext_lazy("Time of the stop"))
    starts_on = WarekiDateField(label=gettext_lazy("Day of the start"))
    starts_clock = ClockField(label=gettext_lazy("Time of the start"))
    everybody = forms.BooleanField(label=gettext_lazy("All organisations"), required=False)
    organisations = forms.MultipleChoiceField(
        label=gettext_lazy("Whom it concerns"),
        widget=ManyBoxes,
        help_text=gettext_lazy("Their people get a mail."),
        required=False,
    )
    confirmers = forms.MultipleChoiceField(
        label=gettext_lazy("Who confirms normality afterwards"),
        widget=NarrowedBoxes,
        help_text=gettext_lazy("It is over when all of them found it normal."),
    )

    def __init__(
        self, *args: Any, organisations: Iterable[Organisation], people: Iterable[User], **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self._places = {place.code: place for place in organisations}
        self._people = {str(person.pk): person for person in people}
        self.fields["organisations"].choices = [  # type: ignore[attr-defined]
            (code, place.short_name) for code, place in self._places.items()
        ]
        self.fields["everybody"].label = _("It concerns all %(count)d organisations") % {
            "count": len(self._places)
        }
        self.fields["confirmers"].choices = [  # type: ignore[attr-defined]
            (key, f"{person.organisation.short_name}　{person.display_name}")
            for key, person in self._people.items()
        ]

    def plan(self) -> Plan:
        """What the service takes, of a valid form."""
        values = self.cleaned_data
        chosen = self._places if values["everybody"] else values["organisations"]
        return Plan(
            title=values["title"],
            systems=values["systems"],
            detail=values["detail"],
            stops_at=datetime.combine(values["stops_on"], values["stops_clock"], tzinfo=JST),
            starts_at=datetime.combine(values["starts_on"], values["starts_clock"], tzinfo=JST),
            organisations=[self._places[code] for code in chosen],
            confirmers=[self._people[key] for key in values["confirmers"]],
        )


class ChangeForm(OutageForm):
    """With what the person has seen."""

    version = forms.IntegerField(widget=forms.HiddenInput, min_value=1, max_value=2**31 - 1)


def shown_values(outage: Outage) -> dict[str, Any]:
    """What the form of a change begins with."""
    stops, starts = outage.stops_at.astimezone(JST), outage.starts_at.astimezone(JST)
    return {
        "version": outage.version,
        "title": outage.title,
        "systems": outage.systems,
        "detail": outage.detail,
        "stops_on": stops.date(),
        "stops_clock": stops.time(),
        "starts_on": starts.date(),
        "starts_clock": starts.time(),
        "organisations": [part.organisation.code for part in outage.parts.select_related("organisation")],
        "confirmers": [str(pk) for pk in outage.confirmers.values_list("person_id", flat=True)],
    }


class CancelForm(RefusableForm):
    """Why it does not take place."""

    version = forms.IntegerField(widget=forms.HiddenInput, min_value=1, max_value=2**31 - 1)
    reason = NormalisingField(label=gettext_lazy("Why it is cancelled"), max_length=500)


class ConfirmForm(RefusableForm):
    """What a named person found."""

    result = forms.ChoiceField(
        label=gettext_lazy("What you found"), choices=Confirmer.Result.choices, widget=forms.RadioSelect
    )
    note = NormalisingField(
        label=gettext_lazy("How you checked, or what does not work"), max_length=500, required=False
    )


class OutageFilterForm(FilterForm):
    """Its state is the URL."""

    q = forms.CharField(label=gettext_lazy("Number, title or description"), required=False, max_length=200)
    state = forms.ChoiceField(label=gettext_lazy("State"), required=False)
    system = forms.ChoiceField(label=gettext_lazy("System"), required=False)
    month = forms.CharField(
        label=gettext_lazy("Month"),
        required=False,
        max_length=7,
        widget=forms.TextInput(attrs={"placeholder": "2026-12"}),
    )

    def offered(self) -> Mapping[str, Iterable[Any]]:
        """See FilterForm."""
        return {"state": Shown.choices, "system": System.choices}
