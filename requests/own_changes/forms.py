"""The forms of a record, the same for the screen and for each row of a file."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import Any, ClassVar

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.text import format_lazy
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from portal.common.choices import ReasonedChoiceField
from portal.common.forms import NormalisingField, PortalForm, ReasonField, WarekiDateField
from portal.common.time import JST
from portal.orgs.models import Organisation
from requests.own_changes.layout import EQUIPMENT, LENGTHS, PARTS
from requests.own_changes.models import Subject


class ChangeForm(PortalForm):
    """One change. What was there before is taken from the record before when it is left empty."""

    subject: ClassVar[Subject]
    parts: ClassVar[tuple[str, ...]]

    changed_on = WarekiDateField(label=gettext_lazy("Day of the change"))
    changed_time = forms.TimeField(
        label=gettext_lazy("Time of day"),
        input_formats=["%H:%M", "%H:%M:%S"],
        help_text=gettext_lazy("For example 14:30"),
        widget=forms.TextInput(attrs={"data-w": "20", "autocomplete": "off"}),
        error_messages={"invalid": gettext_lazy("Enter a time such as 14:30.")},
    )
    changed_by = NormalisingField(label=gettext_lazy("Who did it"), max_length=100)
    equipment = ReasonedChoiceField(
        label=gettext_lazy("Equipment"),
        unknown=gettext_lazy("This is none of the equipment that a federation changes itself."),
    )
    system_name = NormalisingField(
        label=gettext_lazy("Name of the 独自処理システム"),
        required=False,
        max_length=80,
        help_text=gettext_lazy("For which the change was made."),
    )
    differs = forms.BooleanField(
        label=gettext_lazy("What was there before differs from the record before"),
        required=False,
        help_text=gettext_lazy("Only when somebody changed it without a record."),
    )
    reason = ReasonField(label=gettext_lazy("Reason"))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["equipment"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [("", _("Choose")), *((name, name) for name in EQUIPMENT[self.subject])]
        self.order_fields(self.order())

    @classmethod
    def order(cls) -> list[str]:
        """The order of the fields, and of the columns of a file."""
        sides = [f"{side}_{part}" for part in cls.parts for side in ("before", "after")]
        return [
            *("changed_on", "changed_time", "changed_by", "equipment", "item", "system_name"),
            *sides,
            *("differs", "reason"),
        ]

    def clean(self) -> dict[str, Any]:
        """Both sides as the record keeps them; nothing lies in the future."""
        cleaned = super().clean() or self.cleaned_data
        day, hour = cleaned.get("changed_on"), cleaned.get("changed_time")
        if day and hour:
            cleaned["changed_at"] = dt.datetime.combine(day, hour, JST)
            if cleaned["changed_at"] > timezone.now():
                self.add_error("changed_on", _("This lies in the future. Record it when it is done."))
        for side in ("before", "after"):
            cleaned[side] = {part: str(cleaned.get(f"{side}_{part}") or "") for part in self.parts}
            if not any(cleaned[side].values()):
                cleaned[side] = {}
        return cleaned

    def to_values(self) -> dict[str, Any]:
        """What the service takes; call it on a valid form."""
        names = ("equipment", "item", "system_name", "before", "after", "differs", "reason")
        kept = {name: self.cleaned_data[name] for name in (*names, "changed_at", "changed_by")}
        return {"subject": self.subject.value, **kept}


def with_sides(form_class: type[ChangeForm]) -> type[ChangeForm]:
    """Give a form the fields before and after of every part that its records have."""
    pairs = []
    for part, label in PARTS[form_class.subject].items():
        before, after = f"before_{part}", f"after_{part}"
        form_class.base_fields[before] = _side(part, format_lazy(gettext_lazy("{part} (before)"), part=label))
        form_class.base_fields[after] = _side(part, format_lazy(gettext_lazy("{part} (after)"), part=label))
        pairs.append((before, after))
    form_class.parts = tuple(PARTS[form_class.subject])
    form_class.side_by_side = (("changed_on", "changed_time"), *pairs)
    return form_class


def _side(part: str, label: Any) -> forms.Field:
    if part == "vlan":
        return forms.IntegerField(label=label, required=False, min_value=1, max_value=4094)
    return NormalisingField(label=label, required=False, max_length=LENGTHS[part])


@with_sides
class SwitchForm(ChangeForm):
    """A port of an L2 switch (T 2-10)."""

    subject = Subject.L2SW
    item = NormalisingField(
        label=gettext_lazy("Port"), max_length=60, help_text=gettext_lazy("Such as 24 or 1/0/24.")
    )


@with_sides
class PolicyForm(ChangeForm):
    """A communication policy of a 独自処理システム (T 2-27)."""

    subject = Subject.POLICY
    item = NormalisingField(
        label=gettext_lazy("Policy"), max_length=60, help_text=gettext_lazy("Its number or name.")
    )


FORMS: dict[str, type[ChangeForm]] = {"l2sw": SwitchForm, "policy": PolicyForm}


class FileForm(PortalForm):
    """Many changes as a file."""

    file = forms.FileField(
        label=gettext_lazy("File"),
        help_text=gettext_lazy(
            "Excel or CSV with the headings of the template. All rows are recorded, or none."
        ),
    )

    def clean_file(self) -> Any:
        """At most 2 MB."""
        found = self.cleaned_data["file"]
        if found.size > 2 * 1024 * 1024:
            raise ValidationError(_("This file is too large. Split it."), code="too_large")
        return found


class ChangeFilterForm(PortalForm):
    """Its state is the URL."""

    q = forms.CharField(
        label=gettext_lazy("Number, equipment, port, device or organisation"), required=False, max_length=200
    )
    subject = forms.ChoiceField(label=gettext_lazy("What was changed"), required=False)
    organisation = forms.ChoiceField(label=gettext_lazy("Organisation"), required=False)

    def __init__(self, *args: Any, organisations: Iterable[Organisation], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        found = [(organisation.code, organisation.short_name) for organisation in organisations]
        self.fields["subject"].choices = [("", _("All")), *Subject.choices]  # type: ignore[attr-defined]
        self.fields["organisation"].choices = [("", _("All")), *found]  # type: ignore[attr-defined]
        if len(found) < 2:
            del self.fields["organisation"]
