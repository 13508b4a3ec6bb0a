"""The form of one line about a machine: what a person types becomes a checked payload."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from copy import copy
from dataclasses import fields
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from devices.computers import lookups
from devices.computers.models import Agent, Computer
from devices.computers.payloads import ChangeComputer, RegisterComputer, RetireComputer
from devices.fields import NOT_OFFERED, ReasonedChoiceField, WordsField, folded, listed
from devices.reference import DatedEntry, chosen
from portal.common.computer_names import ComputerNameField, computer_name
from portal.common.forms import NormalisingField, PortalForm
from portal.workflow.kinds import LineContext

TRANSMISSION_CLIENT = gettext_lazy(
    "A 伝送クライアント of prefectures and insurers is not offered here: device control, the connection guard and quarantine do not cover it (CNS ③(e))."
)
# What people call what cannot be registered at all (DEV-11, ORG-06).
_REFUSED_KINDS = {folded(word): TRANSMISSION_CLIENT for word in ("伝送クライアント", "transmission_client")}


def is_transmission_client(*words: str) -> bool:
    """Whether a word names what cannot be registered at all."""
    return any(folded(word) in _REFUSED_KINDS for word in words)


class ComputerLineForm(PortalForm):
    """What all lines about machines share."""

    name = ComputerNameField(
        label=gettext_lazy("Computer name"),
        help_text=gettext_lazy(
            "Up to 15 half-width letters, digits and hyphens. One name exists once in the whole common network."
        ),
    )

    def __init__(self, *args: Any, context: LineContext, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.context = context


class RegisterComputerForm(ComputerLineForm):
    """One machine that comes."""

    differs_by_data_alone = True
    side_by_side = (("kind", "operating_system"), ("department", "place"))
    required_by_others = frozenset({"operating_system"})

    kind = ReasonedChoiceField(label=gettext_lazy("Kind of machine"), unknown=NOT_OFFERED)
    operating_system = ReasonedChoiceField(
        label=gettext_lazy("Operating system"),
        required=False,
        help_text=gettext_lazy("Empty for printers."),
    )
    business_system = ReasonedChoiceField(label=gettext_lazy("Business system"))
    has_own_skysea = forms.BooleanField(
        label=gettext_lazy("The system has a SKYSEA of its own"),
        required=False,
        help_text=gettext_lazy("Only for a federation's own system. Its devices are not handled here then."),
    )
    segment = ReasonedChoiceField(
        label=gettext_lazy("Segment"),
        required=False,
        help_text=gettext_lazy("The segments that operations registered for your organisation."),
    )
    agents = WordsField(
        label=gettext_lazy("Agents"),
        required=False,
        choices=Agent.choices,
        widget=forms.CheckboxSelectMultiple,
    )
    department = NormalisingField(label=gettext_lazy("Department"), required=False, max_length=64)
    place = NormalisingField(label=gettext_lazy("Place"), required=False, max_length=100)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.known = lookups.choices(self.context.organisation, self.context.today)
        self.offer(())

    def offer(self, kept: Iterable[DatedEntry]) -> None:
        """The entries that are valid today, and those that the machine has already."""
        held = {(type(entry), entry.code) for entry in kept}

        def entries(rows: Sequence[DatedEntry], empty: str) -> list[tuple[str, str]]:
            shown = [
                (row.code, row.name)
                for row in rows
                if row.is_valid_on(self.context.today) or (type(row), row.code) in held
            ]
            return [("", empty), *shown]

        none, choose = _("None"), _("Choose")
        self._choices("kind", entries(self.known.kinds, choose))
        self._choices("operating_system", entries(self.known.systems, none))
        self._choices("business_system", entries(self.known.business, choose))
        networks = dict.fromkeys(segment.network for segment in self.known.segments)
        labels = {s.network: f"{s.network} {s.get_purpose_display()}" for s in self.known.segments}
        self._choices("segment", [("", none), *((network, labels[network]) for network in networks)])
        kind = self.fields["kind"]
        assert isinstance(kind, ReasonedChoiceField)
        kind.refusals = _REFUSED_KINDS

    def _choices(self, name: str, choices: list[tuple[str, str]]) -> None:
        field = self.fields[name]
        assert isinstance(field, forms.ChoiceField)
        field.choices = choices
        field.error_messages["invalid_choice"] = NOT_OFFERED

    def clean(self) -> dict[str, Any]:
        """What does not go together (DEV-11, MAC-03)."""
        cleaned = super().clean() or self.cleaned_data
        kind = chosen(self.known.kinds, cleaned.get("kind", ""))
        if kind is not None and kind.has_system and "operating_system" in cleaned:
            if not cleaned["operating_system"]:
                self.add_error("operating_system", _("Choose the operating system."))
        elif kind is not None and not kind.has_system:
            if cleaned.get("operating_system"):
                self.add_error("operating_system", _("A printer has no operating system. Leave it empty."))
            if cleaned.get("agents"):
                self.add_error("agents", _("A printer cannot run an agent (T 2-43). Leave it empty."))
        business = chosen(self.known.business, cleaned.get("business_system", ""))
        if cleaned.get("has_own_skysea") and business is not None and not business.is_own:
            self.add_error("has_own_skysea", _("Only a federation's own system can have its own SKYSEA."))
        return cleaned

    def to_payload(self) -> RegisterComputer:
        """The checked payload; call it on a valid form."""
        return RegisterComputer(**self.cleaned_data)


def unknown_computer() -> str:
    """Says nothing about other organisations (ORG-02)."""
    return _("There is no such machine in use in your organisation.")


class RetireComputerForm(ComputerLineForm):
    """One machine that goes."""

    replaced_by = ComputerNameField(
        label=gettext_lazy("Replaced by"),
        required=False,
        help_text=gettext_lazy("Only if another machine takes its place: the name of that one."),
    )

    def clean(self) -> dict[str, Any]:
        """The machine is the organisation's own."""
        cleaned = super().clean() or self.cleaned_data
        if (name := cleaned.get("name")) and lookups.own(self.context, name) is None:
            self.add_error("name", ValidationError(unknown_computer(), code="unknown"))
        return cleaned

    def to_payload(self) -> RetireComputer:
        """The checked payload; call it on a valid form."""
        return RetireComputer(**self.cleaned_data)


class ChangeComputerForm(RegisterComputerForm):
    """A machine as it shall be afterwards. Its present values are filled in as soon as its name is known."""

    new_name = ComputerNameField(
        label=gettext_lazy("New computer name"),
        required=False,
        help_text=gettext_lazy("Only if the name changes. Empty: it stays as it is."),
    )
    field_order = ("name", "new_name")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["name"].label = _("Computer name now")
        self.fields["name"].help_text = _(
            "Type it and save: the form then shows the values that the machine has now."
        )
        self.filled_in = False
        self.computer = self._known_computer()
        if self.computer is not None:
            entries = (self.computer.kind, self.computer.operating_system, self.computer.business_system)
            self.offer([entry for entry in entries if entry is not None])
            if not self._raw("kind") and not self._raw("business_system"):
                self._fill_in(self.computer)

    def clean(self) -> dict[str, Any]:
        """The machine is the organisation's own, and its values were seen."""
        cleaned = super().clean()
        if cleaned.get("name") and self.computer is None:
            self.add_error("name", ValidationError(unknown_computer(), code="unknown"))
        if self.filled_in:
            text = _("The values that the machine has now are filled in below. Change what shall be changed.")
            self.add_error("name", ValidationError(text, code="filled_in"))
        return cleaned

    def to_payload(self) -> ChangeComputer:
        """The checked payload; call it on a valid form."""
        return ChangeComputer(**self.cleaned_data)

    def _known_computer(self) -> Computer | None:
        value = self._raw("name")
        name = computer_name(value) if isinstance(value, str) else ""
        return lookups.own(self.context, name) if name else None

    def _raw(self, name: str) -> Any:
        field = self.fields[name]
        if not self.is_bound:
            return self.get_initial_for_field(field, name)
        return field.widget.value_from_datadict(self.data, self.files, self.add_prefix(name))

    def _fill_in(self, computer: Computer) -> None:
        values = values_of(computer)
        if not self.is_bound:
            self.initial = {**values, **{name: v for name, v in self.initial.items() if v}}
            return
        self.filled_in = True
        data: Any = copy(self.data)
        for field, value in values.items():
            name = self.add_prefix(field)
            if hasattr(data, "setlist"):
                data.setlist(name, listed(value) if isinstance(value, list) else [value])
            else:
                data[name] = value
        self.data = data


def values_of(computer: Computer) -> dict[str, Any]:
    """A machine as the fields of the form hold it."""
    system, segment = computer.operating_system, computer.segment
    values = {
        "name": computer.name,
        "kind": computer.kind.code,
        "operating_system": system.code if system else "",
        "business_system": computer.business_system.code,
        "has_own_skysea": computer.has_own_skysea,
        "segment": segment.network if segment else "",
        "agents": list(computer.agents),
        "department": computer.department,
        "place": computer.place,
    }
    assert set(values) == {field.name for field in fields(RegisterComputer)}
    return values
