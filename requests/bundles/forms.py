"""The forms of bundles: one row for each machine, made of the fields that the linked applications ask for themselves."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from functools import cached_property
from types import SimpleNamespace
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from portal.common.forms import IdentifierField, PortalForm, Problem
from portal.orgs.models import Organisation
from portal.workflow import kinds
from portal.workflow.bulk.columns import Column, columns_of
from portal.workflow.forms import HeaderForm
from portal.workflow.kinds import LineContext
from requests.bundles import composing
from requests.bundles.models import Action, Bundle, BundleMachine
from requests.bundles.services import Draft, most_machines

SHOWN = 20  # machines on the screen; more come by a file and are corrected there
_OPTIONAL_IN_EXCHANGE = (
    "kind",
    "operating_system",
    "business_system",
    "segment",
    "department",
    "place",
    "ip",
)
_PAIRS = (
    ("old_name", "name"),
    ("kind", "operating_system"),
    ("business_system", "segment"),
    ("department", "place"),
    ("mac", "ip"),
)


class RowForm(PortalForm):
    """One machine. `row_form` makes the subclass with the fields of one action."""

    action = ""
    required_by_others = frozenset({"operating_system", "ip"})

    def clean(self) -> dict[str, Any]:
        """What cannot be without another value; everything else is said by the linked applications."""
        cleaned = super().clean() or self.cleaned_data
        if self.action == Action.INSTALL and not cleaned.get("ip") and "ip" not in self.errors:
            needing = [name for name in ("mac", "dns", "monitoring") if cleaned.get(name)]
            if needing:
                self.add_error("ip", _("Enter the IP address."))
        if (
            self.action == Action.REPLACE
            and cleaned.get("name")
            and cleaned["name"] == cleaned.get("old_name")
        ):
            text = _(
                "Give the new machine a name of its own. The old name becomes free when the old machine is taken away."
            )
            self.add_error("name", text)
        return cleaned

    @property
    def values(self) -> dict[str, Any]:
        """What is kept of the row: corrected where it is good, as typed where it is not."""
        if self.is_valid():
            found = {name: value for name, value in self.cleaned_data.items() if value not in (None, "", [])}
        else:
            typed = {name: self[name].value() for name in self.fields}
            found = {name: value for name, value in typed.items() if value not in (None, "", [], False)}
        return found


def row_form(action: str, organisation: Organisation, context: LineContext) -> type[RowForm]:
    """The form of a row of this action, for this organisation today. Made once for all rows of a page."""
    entry = kinds.get(composing.REGISTER).form_class(context=context).fields  # type: ignore[call-arg]
    fields: dict[str, Any] = {}
    if action == Action.REPLACE:
        fields["old_name"] = deepcopy(entry["name"])
        fields["old_name"].label, fields["old_name"].help_text = _("Machine that goes"), ""
    fields["name"] = deepcopy(entry["name"])
    if action == Action.REPLACE:
        fields["name"].label = _("Machine that comes")
    if action != Action.REMOVE:
        fields |= _new_machine(action, entry)
    pairs = [pair for pair in _PAIRS if set(pair) <= set(fields)]
    attributes = {
        "action": action,
        "side_by_side": pairs,
        **fields,
    }
    return type("BundleRowForm", (RowForm,), attributes)


def _new_machine(action: str, entry: Mapping[str, Any]) -> dict[str, Any]:
    """What is asked of a machine that comes."""
    made = (
        "kind",
        "operating_system",
        "business_system",
        "has_own_skysea",
        "segment",
        "agents",
        "department",
        "place",
    )
    found: dict[str, Any] = {name: deepcopy(entry[name]) for name in made}
    own = ("ANTIVIRUS", "MONITORING")  # asked below, because applications of their own hang on them
    found["agents"].choices = [choice for choice in found["agents"].choices if choice[0] not in own]
    net = kinds.get(composing.WHITELIST).form_class.base_fields
    found["mac"], found["ip"] = deepcopy(net["mac"]), deepcopy(net["ip"])
    found["mac"].required = found["ip"].required = False
    found["mac"].help_text = _("For the whitelist. Empty for a server: the guard does not cover it.")
    found["ip"].help_text = _("In a segment of your organisation.")
    if action == Action.REPLACE:
        for name in _OPTIONAL_IN_EXCHANGE:
            found[name].required = False
            found[name].help_text = _("Empty: as the machine that goes.")
        found["has_own_skysea"].help_text = ""
        for name in ("kind", "operating_system", "business_system", "segment"):
            found[name].choices = [("", _("as the machine that goes")), *list(found[name].choices)[1:]]
    return found | _switches(action)


def _switches(action: str) -> dict[str, Any]:
    """Which further applications are opened; those whose room this installation lacks are not offered."""
    exchange = action == Action.REPLACE
    offered = {
        "computer_object": (composing.OBJECT_ADD, _("Make a computer object in Active Directory"), True),
        "antivirus": (composing.ANTIVIRUS, _("Put it under the antivirus service"), True),
        "monitoring": (composing.MONITORING, _("Monitor it (servers)"), False),
        "dns": (composing.DNS, _("DNS follows") if exchange else _("Register a DNS name"), exchange),
    }
    present = {kind.code for kind in kinds.all_kinds()}
    found: dict[str, Any] = {
        name: forms.BooleanField(label=label, required=False, initial=initial)
        for name, (code, label, initial) in offered.items()
        if code in present
    }
    if exchange and "dns" in found:
        found["dns"].help_text = _("Without the tick the names of the machine that goes are deleted.")
    found["dns_name"] = IdentifierField(
        label=pgettext_lazy("bundle", "DNS name"),
        required=False,
        max_length=253,
        help_text=_("Empty: proposed from the computer name; you see it before you submit."),
    )
    return found


@dataclass
class RowEditor:
    """One row on the page."""

    position: int
    form: RowForm

    @property
    def number(self) -> int:
        """As people count."""
        return self.position + 1


class Editor:
    """The header and one form for each machine of a draft, bound to `data` (a POST) or showing what is stored."""

    def __init__(
        self,
        bundle: Bundle,
        context: LineContext,
        rows: Sequence[BundleMachine],
        *,
        data: Any = None,
        stored: bool = False,
    ) -> None:
        self.bundle = bundle
        self._form = row_form(bundle.action, bundle.organisation, context)
        self._kept = [dict(row.values) for row in rows]
        self.is_long = len(self._kept) > SHOWN
        self._unplaced: list[Problem] = []
        if data is not None:
            self.header = HeaderForm(data)
            self.rows = [] if self.is_long else [self._row(n, data=data) for n in range(_count(data))]
            return
        initial = {"reason": bundle.reason, "desired_on": bundle.desired_on}
        self.header = HeaderForm(initial) if stored else HeaderForm(initial=initial)
        shown = [] if self.is_long else self._kept or [{}]
        self.rows = [self._row(n, values=values, stored=stored) for n, values in enumerate(shown)]

    def _row(
        self, n: int, *, data: Any = None, values: Mapping[str, Any] | None = None, stored: bool = False
    ) -> RowEditor:
        prefix = f"rows-{n}"
        if stored and values is not None:
            data = {f"{prefix}-{name}": value for name, value in values.items()}
        return RowEditor(n, self._form(data=data, initial=self._initial(values), prefix=prefix))

    def _initial(self, values: Mapping[str, Any] | None) -> dict[str, Any] | None:
        if not values:
            return None
        # A tick that was taken out is not in the stored values: without this the field's own proposal would come back.
        ticks = {n: False for n, f in self._form.base_fields.items() if isinstance(f, forms.BooleanField)}
        return ticks | dict(values)

    def draft(self, *, without: int | None = None, more: bool = False) -> Draft:
        """What was written."""
        self.header.is_valid()
        cleaned = self.header.cleaned_data
        rows: list[Mapping[str, Any]] = (
            list(self._kept)
            if self.is_long
            else [row.form.values for row in self.rows if row.position != without]
        )
        if more and len(rows) < SHOWN:
            rows.append({})
        return Draft(
            reason=cleaned.get("reason", str(self.header["reason"].value() or "")),
            desired_on=cleaned.get("desired_on", self.bundle.desired_on),
            rows=rows,
        )

    def is_valid(self) -> bool:
        """Whether every form is filled in well; the review checks more than this."""
        return all([self.header.is_valid(), *(row.form.is_valid() for row in self.rows)])

    @property
    def can_add(self) -> bool:
        """Whether one more fits on the screen."""
        return not self.is_long and len(self.rows) < SHOWN

    def add_errors(
        self, header: Mapping[str, Iterable[str]], by_row: Mapping[int, Mapping[str, Iterable[str]]]
    ) -> None:
        """Put what the linked applications refuse at the fields."""
        self.is_valid()
        for name, texts in header.items():
            for text in texts:
                if name in self.header.fields:
                    if text not in self.header.errors.get(name, []):
                        self.header.add_error(name, text)
                else:
                    self._unplaced.append(Problem("", text))
        for row in self.rows:
            for name, texts in by_row.get(row.position, {}).items():
                field = name if name in row.form.fields else None
                for text in texts:
                    known = list(row.form.errors.get(field, ())) if field else row.form.non_field_errors()
                    if text not in known:
                        row.form.add_error(field, text)

    @cached_property
    def problems(self) -> list[Problem]:
        """Every error for the summary, in the order of the page."""
        found = list(self._unplaced)
        for row in self.rows:
            for problem in row.form.error_summary if row.form.is_bound else ():
                text = problem.text
                if len(self.rows) > 1:
                    text = _("No. %(number)d: %(text)s") % {"number": row.number, "text": text}
                found.append(Problem(problem.target or f"row-{row.number}", text))
        return found + (self.header.error_summary if self.header.is_bound else [])


def _count(data: Mapping[str, Any]) -> int:
    sent = str(data.get("rows-count", "1"))
    return min(int(sent), SHOWN) if sent.isascii() and sent.isdigit() and len(sent) < 5 else 1


def table_kind(bundle: Bundle, context: LineContext) -> Any:
    """What the tables of the bulk need to know to write and read a file of rows (portal.workflow.bulk.files)."""
    made = row_form(bundle.action, bundle.organisation, context)
    return SimpleNamespace(
        form_class=lambda context: made(), proposed_fields=frozenset(), max_bulk_lines=most_machines()
    )


def columns(bundle: Bundle, context: LineContext) -> list[Column]:
    """The columns of a file of rows."""
    return columns_of(table_kind(bundle, context), context)


class NewForm(PortalForm):
    """What shall happen, and where."""

    action = forms.ChoiceField(
        label=pgettext_lazy("bundle", "What happens"), choices=Action.choices, widget=forms.RadioSelect
    )
    organisation = forms.ChoiceField(label=gettext_lazy("Organisation"))

    def __init__(self, *args: Any, places: Sequence[Organisation], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["organisation"].choices = [(o.code, o.name) for o in places]  # type: ignore[attr-defined]
        if len(places) == 1:
            self.fields["organisation"].widget = forms.HiddenInput()
            self.fields["organisation"].initial = places[0].code


class FilterForm(PortalForm):
    """The filter bar of the list; its state is the URL."""

    q = forms.CharField(label=gettext_lazy("Keyword"), required=False)
    state = forms.ChoiceField(label=gettext_lazy("State"), required=False)
    action = forms.ChoiceField(label=pgettext_lazy("bundle", "What happens"), required=False)
    owed = forms.ChoiceField(label=pgettext_lazy("bundle", "To be done"), required=False)
    organisation = forms.ChoiceField(label=gettext_lazy("Organisation"), required=False)

    def __init__(self, *args: Any, organisations: Sequence[Organisation], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        every = ("", _("All"))
        self.fields["q"].widget.attrs["placeholder"] = _("Number, computer name, MAC or IP address")
        self.fields["state"].choices = [every, *Bundle.State.choices]  # type: ignore[attr-defined]
        self.fields["action"].choices = [every, *Action.choices]  # type: ignore[attr-defined]
        asked = [every, ("1", _("waits for the federation")), ("old", _("open for long"))]
        self.fields["owed"].choices = asked  # type: ignore[attr-defined]
        if len(organisations) > 1:
            self.fields["organisation"].choices = [every, *((o.code, o.short_name) for o in organisations)]  # type: ignore[attr-defined]
        else:
            del self.fields["organisation"]


class PartsForm(PortalForm):
    """What is to be done with the chosen parts of a board."""

    STEPS = ("again", "leave_out", "call_off")

    step = forms.ChoiceField(choices=[(name, name) for name in STEPS])
    reason = forms.CharField(required=False, max_length=500)
    parts = forms.TypedMultipleChoiceField(coerce=int, required=False)

    def __init__(self, *args: Any, ids: Iterable[int], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["parts"].choices = [(str(pk), str(pk)) for pk in ids]  # type: ignore[attr-defined]
