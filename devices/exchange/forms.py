"""The forms of the exchange: a list that a person brings, the answer to a finding, and the mapping."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from devices.exchange.answers import answers_to
from devices.exchange.layout import DELIMITERS, ENCODINGS, FIELDS, FILES, LABELS, WORDS, Column, Layout
from devices.exchange.mappings import InvalidMapping
from devices.exchange.models import SkyseaFinding
from devices.exchange.reading import LARGEST
from devices.fields import listed
from portal.common.filters import FilterForm
from portal.common.forms import NormalisingField, PortalForm, WarekiDateField
from portal.common.time import JST
from portal.orgs.models import Organisation


class FederationForm(PortalForm):
    """For which federation; who has but one is not asked."""

    organisation = forms.ChoiceField(label=gettext_lazy("Organisation"))

    def __init__(self, *args: Any, organisations: Iterable[Organisation], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._found = {organisation.code: organisation for organisation in organisations}
        choices = [(code, organisation.short_name) for code, organisation in self._found.items()]
        self.fields["organisation"].choices = [("", _("Choose")), *choices]  # type: ignore[attr-defined]
        if len(choices) == 1:
            del self.fields["organisation"]

    @property
    def chosen(self) -> Organisation:
        """The federation of a checked form."""
        code = self.cleaned_data.get("organisation") or next(iter(self._found))
        return self._found[code]


class FileForm(FederationForm):
    """A file that a person brings."""

    file = forms.FileField(
        label=gettext_lazy("File"),
        help_text=gettext_lazy("CSV or Excel, as SKYSEA writes it."),
        error_messages={"required": gettext_lazy("Choose a file.")},
    )

    def clean_file(self) -> Any:
        """Not larger than what is read."""
        found = self.cleaned_data["file"]
        if found.size > LARGEST:
            raise ValidationError(_("This file is too large. Split it."))
        return found


class ListForm(FileForm):
    """A list of SKYSEA, and when it was taken."""

    taken_on = WarekiDateField(label=gettext_lazy("The list was taken on"))
    taken_at = forms.TimeField(
        label=gettext_lazy("Time of the list"), widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M")
    )
    complete = forms.BooleanField(
        label=gettext_lazy("It lists every device of the organisation"),
        help_text=gettext_lazy("Only then is a device that it does not name reported as missing."),
        required=False,
    )
    side_by_side = (("taken_on", "taken_at"),)
    field_order = ("organisation", "file", "taken_on", "taken_at", "complete")

    @classmethod
    def empty(cls, organisations: Iterable[Organisation]) -> ListForm:
        """As it stands before anybody typed."""
        now = timezone.localtime()
        initial = {"taken_on": now.date(), "taken_at": now.strftime("%H:%M"), "complete": True}
        return cls(organisations=organisations, initial=initial)

    @property
    def as_of(self) -> dt.datetime:
        """When the list was taken."""
        moment = dt.datetime.combine(self.cleaned_data["taken_on"], self.cleaned_data["taken_at"])
        return moment.replace(tzinfo=JST)


class FindingFilterForm(FilterForm):
    """Its state is the URL."""

    q = forms.CharField(label=gettext_lazy("Device, model or serial number"), required=False, max_length=200)
    state = forms.ChoiceField(label=gettext_lazy("State"), required=False)
    kind = forms.ChoiceField(label=gettext_lazy("Finding"), required=False)

    def offered(self) -> dict[str, Iterable[Any]]:
        """See FilterForm."""
        return {
            "state": SkyseaFinding.State.choices,
            "kind": SkyseaFinding.Kind.choices,
        }


class AnswerForm(PortalForm):
    """The answer to one finding; `digest` is what the person saw."""

    digest = forms.CharField(widget=forms.HiddenInput, max_length=64)
    answer = forms.ChoiceField(label=gettext_lazy("Answer"), widget=forms.RadioSelect)
    reason = NormalisingField(
        label=gettext_lazy("Reason or remark"),
        max_length=500,
        required=False,
        widget=forms.Textarea(attrs={"rows": 2}),
    )
    confirms_reason = forms.BooleanField(
        label=gettext_lazy("I asked the user for the reason for writing and confirm it"), required=False
    )

    def __init__(self, *args: Any, finding: SkyseaFinding, **kwargs: Any) -> None:
        super().__init__(*args, initial={"digest": finding.digest}, **kwargs)
        # Answered meanwhile: the service says so, not the form that a code is wrong.
        possible = answers_to(finding) or SkyseaFinding.Answer.values
        labels = dict(SkyseaFinding.Answer.choices)
        self.fields["answer"].choices = [(code, labels[code]) for code in possible]  # type: ignore[attr-defined]
        asks = "RECORDED" in possible and finding.permit is not None and finding.permit.needs_confirmation
        if not asks:
            del self.fields["confirms_reason"]


class MappingForm(PortalForm):
    """The whole mapping: the heading of each column of each file with its place, and the words."""

    encoding = forms.ChoiceField(
        label=gettext_lazy("Encoding of files for SKYSEA"), choices=list(ENCODINGS.items())
    )
    delimiter = forms.ChoiceField(
        label=gettext_lazy("Delimiter of files for SKYSEA"), choices=list(DELIMITERS.items())
    )
    separator = forms.CharField(label=gettext_lazy("Between several machines"), max_length=3, strip=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for of, names in FIELDS.items():
            for name in names:
                self.fields[f"{of}-{name}"] = forms.CharField(
                    label=LABELS[name], max_length=60, required=False
                )
                self.fields[f"{of}-{name}-place"] = forms.IntegerField(
                    label=gettext_lazy("Order"), min_value=1, max_value=99, required=False
                )
        for of, (_label, codes) in WORDS.items():
            for code, label in codes.items():
                self.fields[f"words-{of}-{code}"] = forms.CharField(
                    label=label, max_length=200, required=False
                )
        for field in self.fields.values():
            if not isinstance(field, forms.ChoiceField):
                field.widget.attrs["class"] = "c-input"

    @classmethod
    def of(cls, layout: Layout) -> MappingForm:
        """The form that shows a layout."""
        initial: dict[str, Any] = {
            "encoding": layout.encoding,
            "delimiter": layout.delimiter,
            "separator": layout.separator,
        }
        for of, columns in layout.columns.items():
            for place, column in enumerate(columns, start=1):
                initial[f"{of}-{column.field}"] = column.heading
                initial[f"{of}-{column.field}-place"] = place
        for of, words in layout.words.items():
            initial |= {f"words-{of}-{code}": "、".join(found) for code, found in words.items()}
        return cls(initial=initial)

    def layout(self) -> Layout:
        """The layout of a checked form."""
        data = self.cleaned_data
        columns = {}
        for of, names in FIELDS.items():
            found = [(data[f"{of}-{name}-place"] or 100, name, data[f"{of}-{name}"]) for name in names]
            ordered = sorted((place, n, name, heading) for n, (place, name, heading) in enumerate(found))
            columns[of] = tuple(Column(name, heading) for _place, _n, name, heading in ordered if heading)
        words = {
            of: {code: tuple(listed(data[f"words-{of}-{code}"])) for code in codes}
            for of, (_label, codes) in WORDS.items()
        }
        return Layout(
            encoding=data["encoding"],
            delimiter=data["delimiter"],
            separator=data["separator"],
            columns=columns,
            words=words,
        )

    def show(self, problems: InvalidMapping) -> None:
        """Put each problem at its field."""
        for (of, name), text in problems.columns.items():
            self.add_error(f"{of}-{name}", text)
        for (of, code), text in problems.words.items():
            self.add_error(f"words-{of}-{code}", text)

    @property
    def file_groups(self) -> list[tuple[str, Any, list[tuple[Any, Any]]]]:
        """Each file with its fields: heading and place."""
        return [
            (of, FILES[of], [(self[f"{of}-{name}"], self[f"{of}-{name}-place"]) for name in names])
            for of, names in FIELDS.items()
        ]

    @property
    def word_groups(self) -> list[tuple[Any, list[Any]]]:
        """Each group of words with its fields."""
        return [
            (label, [self[f"words-{of}-{code}"] for code in codes]) for of, (label, codes) in WORDS.items()
        ]
