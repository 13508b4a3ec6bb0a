"""The forms of the ledgers. One of a work serves the screen and every row of a file."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from audit.ledgers.models import WorkEntry, Worker
from audit.ledgers.numbering import NUMBER_LENGTH
from audit.ledgers.selectors import LABELS, SHOWN
from audit.ledgers.services import WorkValues
from audit.ledgers.types import NewVersion
from portal.common.choices import listed
from portal.common.filters import FilterForm
from portal.common.forms import (
    ClockField,
    IdentifierField,
    NormalisingField,
    PortalForm,
    ReasonField,
    WarekiDateField,
)
from portal.common.text import ascii_identifier, has_control_characters, person_name, squeeze
from portal.common.time import JST
from portal.orgs.models import Organisation
from requests.enquiries.forms import RefusableForm

NAME_LENGTH, OBJECT_LENGTH = 100, 200
_SEVERAL = gettext_lazy("Several on a line each, or with 、 between them.")


class NamesField(forms.CharField):
    """Several names in one text box; each is corrected, the same one twice counts once."""

    widget = forms.Textarea

    def __init__(self, *, normalise: Callable[[str], str], longest: int = NAME_LENGTH, **kwargs: Any) -> None:
        kwargs.setdefault("help_text", _SEVERAL)
        super().__init__(**kwargs)
        self._normalise, self._longest = normalise, longest
        self.widget.attrs["rows"] = 2

    def to_python(self, value: Any) -> Any:
        """The names in the order of the text."""
        return list(dict.fromkeys(map(self._normalise, listed(value))))

    def validate(self, value: Any) -> None:
        """None is empty, none too long, none with characters that nobody sees."""
        super().validate(value)
        for name in value or []:
            if len(name) > self._longest:
                text = _("Shorten %(name)s to %(most)d characters.")
                raise ValidationError(text % {"name": f"{name[:20]}…", "most": self._longest})
            if has_control_characters(name):
                raise ValidationError(_("Remove line breaks, tabs and other invisible characters."))

    def run_validators(self, value: Any) -> None:
        """Nothing beyond `validate`."""

    def prepare_value(self, value: Any) -> Any:
        """One on a line."""
        return "\n".join(value) if isinstance(value, list | tuple) else value


class WorkForm(RefusableForm):
    """A work to be entered. Leave the number empty to have one proposed."""

    differs_by_data_alone = True
    side_by_side = (
        ("work_type", "worker"),
        ("planned_from_on", "planned_from_clock"),
        ("planned_until_on", "planned_until_clock"),
        ("actual_from_on", "actual_from_clock"),
        ("actual_until_on", "actual_until_clock"),
        ("expected_rows", "expected_files"),
    )

    organisation = forms.ChoiceField(label=gettext_lazy("Federation"))
    work_number = NormalisingField(
        label=gettext_lazy("Work number"),
        max_length=NUMBER_LENGTH,
        required=False,
        help_text=gettext_lazy("Leave it empty to have one proposed."),
    )
    application_number = NormalisingField(label=LABELS["application_number"], max_length=40, required=False)
    work_type = forms.ChoiceField(label=LABELS["work_type"])
    worker = forms.ChoiceField(
        label=LABELS["worker"], choices=[("", gettext_lazy("Choose")), *Worker.choices]
    )
    planned_from_on = WarekiDateField(label=gettext_lazy("Planned from (day)"))
    planned_from_clock = ClockField(label=gettext_lazy("Planned from (time)"))
    planned_until_on = WarekiDateField(label=gettext_lazy("Planned until (day)"))
    planned_until_clock = ClockField(label=gettext_lazy("Planned until (time)"))
    actual_from_on = WarekiDateField(label=gettext_lazy("Done from (day)"), required=False)
    actual_from_clock = ClockField(label=gettext_lazy("Done from (time)"), required=False)
    actual_until_on = WarekiDateField(label=gettext_lazy("Done until (day)"), required=False)
    actual_until_clock = ClockField(label=gettext_lazy("Done until (time)"), required=False)
    persons = NamesField(label=LABELS["persons"], normalise=person_name)
    accounts = NamesField(
        label=LABELS["accounts"],
        normalise=ascii_identifier,
        help_text=gettext_lazy("Accounts of the database or of Windows. Several on a line each."),
    )
    hosts = NamesField(
        label=LABELS["hosts"],
        normalise=ascii_identifier,
        help_text=gettext_lazy("The servers and PCs whose logs show the work. Several on a line each."),
    )
    objects_touched = NamesField(
        label=LABELS["objects_touched"],
        normalise=squeeze,
        longest=OBJECT_LENGTH,
        required=False,
        help_text=gettext_lazy(
            "Leave it empty when the work is not limited to some. A * at an end stands for anything. Several on a line each."
        ),
    )
    medium_serial = IdentifierField(label=LABELS["medium_serial"], max_length=100, required=False)
    text = ReasonField(label=LABELS["text"])
    expected_rows = forms.IntegerField(
        label=LABELS["expected_rows"], required=False, min_value=0, max_value=10**15
    )
    expected_files = forms.IntegerField(
        label=LABELS["expected_files"], required=False, min_value=0, max_value=10**9
    )
    approved_by_name = NormalisingField(label=LABELS["approved_by_name"], max_length=100, required=False)

    def __init__(
        self,
        *args: Any,
        organisations: Iterable[Organisation],
        types: Iterable[tuple[str, str]],
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self._places = {place.code: place for place in organisations}
        named = [(code, place.short_name) for code, place in self._places.items()]
        if len(named) == 1:
            del self.fields["organisation"]
        else:
            self.fields["organisation"].choices = [("", _("Choose")), *named]  # type: ignore[attr-defined]
        self.fields["work_type"].choices = [("", _("Choose")), *types]  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        """Moments in Japan; a time without its day is told."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        for name in ("planned_from", "planned_until", "actual_from", "actual_until"):
            day, clock = cleaned.get(f"{name}_on"), cleaned.get(f"{name}_clock")
            cleaned[name] = dt.datetime.combine(day, clock, JST) if day and clock not in ("", None) else None
            if name.startswith("actual") and bool(day) != (clock not in ("", None)):
                for part, given in (("on", day), ("clock", clock not in ("", None))):
                    if not given and f"{name}_{part}" not in self.errors:
                        self.add_error(f"{name}_{part}", _("Enter day and time, or neither."))
        return cleaned

    def values(self) -> WorkValues:
        """What the service takes, of a valid form."""
        return WorkValues(**{name: self.cleaned_data[name] for name in WorkValues.__dataclass_fields__})

    def place(self) -> Organisation:
        """The federation, of a valid form."""
        code = self.cleaned_data.get("organisation") or next(iter(self._places))
        return self._places[code]

    def add_error(self, field: str | None, error: Any) -> None:
        """What is said of a moment stands at its day."""
        named = f"{field}_on" if field and f"{field}_on" in self.fields else field
        super().add_error(named if named in self.fields else None, error)

    def refuse(self, refused: Any) -> None:
        """Show the reason where it belongs."""
        self.add_error(refused.field or None, refused.reason)


class ChangeForm(WorkForm):
    """With what the person has seen, and why it changes; number and federation stay."""

    differs_by_data_alone = False
    version = forms.IntegerField(widget=forms.HiddenInput, min_value=1, max_value=2**31 - 1)
    reason = NormalisingField(label=gettext_lazy("Why it is changed"), max_length=300)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields.pop("organisation", None)
        del self.fields["work_number"]


def shown_values(entry: WorkEntry) -> dict[str, Any]:
    """What the form of a change begins with."""
    values = {name: getattr(entry, name) for name in WorkValues.__dataclass_fields__}
    for name in ("planned_from", "planned_until", "actual_from", "actual_until"):
        moment = values.pop(name)
        if moment is not None:
            local = moment.astimezone(JST)
            values |= {f"{name}_on": local.date(), f"{name}_clock": local.time()}
    return values | {"version": entry.version}


class CancelForm(RefusableForm):
    """Why it does not take place."""

    version = forms.IntegerField(widget=forms.HiddenInput, min_value=1, max_value=2**31 - 1)
    reason = NormalisingField(label=gettext_lazy("Why it is cancelled"), max_length=300)


class TypeForm(RefusableForm):
    """A new version of a type of work."""

    code = IdentifierField(
        label=gettext_lazy("Code"),
        max_length=40,
        help_text=gettext_lazy("An existing code makes a new version of that type, another one a new type."),
    )
    name = NormalisingField(label=pgettext_lazy("choice", "Name"), max_length=60)
    tolerance_minutes = forms.IntegerField(
        label=gettext_lazy("Tolerance in minutes, before and after"), min_value=0, max_value=1440
    )
    volume_factor = forms.DecimalField(
        label=gettext_lazy("Volume factor"),
        min_value=1,
        max_value=999,
        decimal_places=2,
        help_text=gettext_lazy(
            "How many times the expected rows or files a work may read without a mismatch."
        ),
    )
    offered = forms.BooleanField(label=gettext_lazy("Offered for new works"), required=False, initial=True)
    valid_from = WarekiDateField(label=gettext_lazy("For works planned from"))
    note = NormalisingField(label=gettext_lazy("Why it is changed"), max_length=300)

    def wanted(self) -> NewVersion:
        """What the service takes, of a valid form."""
        return NewVersion(**self.cleaned_data)


class FileForm(PortalForm):
    """Many works as a file."""

    file = forms.FileField(
        label=gettext_lazy("File"), help_text=gettext_lazy("Excel (.xlsx) or CSV, up to 2 MB.")
    )

    def clean_file(self) -> Any:
        """At most 2 MB."""
        found = self.cleaned_data["file"]
        if found.size > 2 * 1024 * 1024:
            raise ValidationError(_("This file is too large. Split it."), code="too_large")
        return found


class WorkFilterForm(FilterForm):
    """Its state is the URL."""

    q = forms.CharField(
        label=gettext_lazy("Number, account, machine, person or work"), required=False, max_length=200
    )
    state = forms.ChoiceField(label=gettext_lazy("State"), required=False)
    work_type = forms.ChoiceField(label=LABELS["work_type"], required=False)
    worker = forms.ChoiceField(label=LABELS["worker"], required=False)
    month = forms.CharField(
        label=gettext_lazy("Month"),
        required=False,
        max_length=7,
        widget=forms.TextInput(attrs={"placeholder": "2026-12"}),
    )

    def __init__(self, *args: Any, types: Iterable[tuple[str, str]], **kwargs: Any) -> None:
        self._types = list(types)
        super().__init__(*args, **kwargs)

    def offered(self) -> Mapping[str, Iterable[Any]]:
        """See FilterForm."""
        return {"state": SHOWN.items(), "work_type": self._types, "worker": Worker.choices}
