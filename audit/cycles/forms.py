"""The forms of the deadlines: a version with its seven steps, and days that are told apart."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from audit.cycles import dates, rules
from audit.cycles.errors import Refused
from audit.cycles.models import DeadlinePolicy, PolicyStep, Roll, Step, first_of_month
from portal.common.forms import IdentifierField, NormalisingField, PortalForm, Problem, WarekiDateField
from portal.workflow.calendar.pages import month_label

_AHEAD = 36  # months from which a version can begin
_STEP_FIELDS = (
    "month_offset",
    "due_day",
    "roll",
    "min_working_days",
    "together",
    "remind_before",
    "escalate_owner",
    "escalate_supervisor",
    "escalate_central",
)


class DaysField(IdentifierField):
    """Numbers of working days such as "3,1,0"; empty for none."""

    def to_python(self, value: Any) -> Any:
        """The numbers, each once, the largest first."""
        if isinstance(value, list):
            return value
        text = super().to_python(str(value or "").replace("、", ",").replace("，", ","))
        if not text:
            return []
        if not re.fullmatch(r"[0-9]{1,2}(,[0-9]{1,2}){0,4}", text):
            raise ValidationError(_("Enter numbers such as 3,1,0."), code="invalid")
        numbers = sorted({int(part) for part in text.split(",")}, reverse=True)
        if numbers[0] > 20:
            raise ValidationError(_("At most 20 working days before."), code="invalid")
        return numbers

    def validate(self, value: Any) -> None:
        """The text was judged while it was read."""

    def run_validators(self, value: Any) -> None:
        """Nothing beyond to_python."""

    def prepare_value(self, value: Any) -> Any:
        """As people write it."""
        return ",".join(map(str, value)) if isinstance(value, list) else value


def _number(label: Any, least: int, most: int) -> forms.IntegerField:
    return forms.IntegerField(label=label, min_value=least, max_value=most)


class PolicyForm(PortalForm):
    """What a version says of the month as a whole."""

    valid_from = forms.ChoiceField(label=gettext_lazy("Holds from (month)"))
    opens_day = _number(gettext_lazy("Day on which a month opens"), 1, 28)
    covers_from_day = forms.IntegerField(
        label=gettext_lazy("A report covers from this day of the month before"),
        help_text=gettext_lazy("To the day before it in the month itself: 21 means the 21st to the 20th."),
        min_value=1,
        max_value=28,
    )
    note = NormalisingField(
        label=gettext_lazy("Why the deadlines change"),
        max_length=300,
        error_messages={"required": gettext_lazy("Write down the reason.")},
    )

    def __init__(self, *args: Any, today: date, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        first = first_of_month(today)
        later = [dates.add_months(first, n) for n in range(1, _AHEAD + 1)]
        self.fields["valid_from"].choices = [  # type: ignore[attr-defined]
            (f"{month:%Y-%m}", f"{month_label(month)} ({month:%Y-%m})") for month in later
        ]


class StepForm(PortalForm):
    """One step of a version."""

    month_offset = forms.TypedChoiceField(
        label=gettext_lazy("Month of the due day"),
        coerce=int,
        choices=(
            (0, pgettext_lazy("deadline", "same month")),
            (1, pgettext_lazy("deadline", "next month")),
            (2, pgettext_lazy("deadline", "month after next")),
        ),
    )
    due_day = _number(gettext_lazy("Due day"), 1, 28)
    roll = forms.ChoiceField(label=gettext_lazy("When it is a holiday"), choices=Roll.choices)
    min_working_days = _number(gettext_lazy("Least working days"), 1, 20)
    together = forms.BooleanField(label=gettext_lazy("Starts with the step before"), required=False)
    remind_before = DaysField(label=gettext_lazy("Reminders before"), max_length=14, required=False)
    escalate_owner = _number(gettext_lazy("Late: mail to those who owe it"), 1, 60)
    escalate_supervisor = _number(gettext_lazy("Late: mail to those above them"), 1, 60)
    escalate_central = _number(gettext_lazy("Late: red for the central association"), 1, 60)

    def __init__(self, *args: Any, step: Step, **kwargs: Any) -> None:
        super().__init__(*args, prefix=f"s{int(step)}", **kwargs)
        self.step = step
        for field in self.fields.values():  # its label stands in the head of the table
            field.widget.attrs["aria-label"] = _("Step %(number)d: %(field)s") % {
                "number": int(step),
                "field": field.label,
            }

    @property
    def owner(self) -> str:
        """The party that owes it, in words."""
        return str(rules.OWNERS[self.step].label)

    def to_step(self) -> PolicyStep:
        """As it would be kept; call it on a valid form."""
        return PolicyStep(
            step=self.step,
            owner=rules.OWNERS[self.step],
            optional=self.step in rules.OPTIONAL,
            **{name: self.cleaned_data[name] for name in _STEP_FIELDS},
        )


class VersionForms:
    """A version as it is entered: the form of the whole and those of its steps."""

    def __init__(self, data: Mapping[str, Any] | None, *, today: date, like: DeadlinePolicy) -> None:
        rows = {rule.step: rule for rule in like.steps.all()}
        whole = {"opens_day": like.opens_day, "covers_from_day": like.covers_from_day}
        self.whole = PolicyForm(data, today=today, initial=whole)
        self.steps = [
            StepForm(
                data,
                step=step,
                initial={name: getattr(rows[step], name) for name in _STEP_FIELDS} if step in rows else {},
            )
            for step in Step
        ]

    def is_valid(self) -> bool:
        """Each form for itself."""
        return all([self.whole.is_valid(), *(form.is_valid() for form in self.steps)])

    def to_policy(self) -> tuple[DeadlinePolicy, list[PolicyStep]]:
        """What was entered, not saved; call it when all are valid."""
        data = dict(self.whole.cleaned_data)
        first = date.fromisoformat(f"{data.pop('valid_from')}-01")
        return DeadlinePolicy(valid_from=first, **data), [form.to_step() for form in self.steps]

    def refuse(self, refused: Refused) -> None:
        """Show each reason where it belongs."""
        by_prefix = {form.prefix: form for form in self.steps}
        for field, text in refused.problems:
            prefix, _dash, name = field.rpartition("-")
            form: Any = by_prefix.get(prefix, self.whole)
            form.add_error(name if name in form.fields else None, text)

    @property
    def problems(self) -> list[Problem]:
        """Every error, in the order of the page."""
        found: list[Problem] = []
        if not self.whole.is_bound:
            return found
        for form in self.steps:
            label = _("Step %(number)d") % {"number": int(form.step)}
            found += [Problem(p.target, f"{label} {p.text}") for p in form.error_summary]
        return [*self.whole.error_summary, *found]


class ClosureForm(PortalForm):
    """Days that are told apart from the usual calendar."""

    side_by_side = (("first", "last"),)

    first = WarekiDateField(label=gettext_lazy("First day"))
    last = WarekiDateField(
        label=gettext_lazy("Last day"), required=False, help_text=gettext_lazy("Empty: this one day")
    )
    name = NormalisingField(
        label=pgettext_lazy("closure", "Name"),
        max_length=50,
        help_text=gettext_lazy("It stands in the reason when a due day moves, such as 開所記念日."),
    )
    works = forms.ChoiceField(
        label=gettext_lazy("What it is"),
        choices=(
            ("", gettext_lazy("nobody works although others do")),
            ("1", gettext_lazy("people work although it is a holiday")),
        ),
        required=False,
        widget=forms.RadioSelect,
        initial="",
    )

    def refuse(self, refused: Refused) -> None:
        """Show each reason where it belongs."""
        for field, text in refused.problems:
            self.add_error(field if field in self.fields else None, text)

    def values(self) -> dict[str, Any]:
        """What the service takes; call it on a valid form."""
        data = self.cleaned_data
        return {
            "first": data["first"],
            "last": data["last"] or data["first"],
            "name": data["name"],
            "works": bool(data["works"]),
        }
