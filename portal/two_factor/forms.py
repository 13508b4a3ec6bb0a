"""The forms of the exchange: the mapping, column by column, and an acknowledgement that a person brings."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from portal.common.forms import PortalForm
from portal.gateways.exchange_folder import LARGEST_ANSWER
from portal.gateways.two_factor import Action
from portal.two_factor.layout import DELIMITERS, ENCODINGS, FIELDS, Answers, Column, Layout
from portal.two_factor.mappings import InvalidMapping
from portal.two_factor.sheets import ACTIONS

SPARE_COLUMNS = 3
MOST_COLUMNS = 40


class ColumnForm(PortalForm):
    """One column of the batch file. Without a value it is no column."""

    position = forms.IntegerField(label=gettext_lazy("Order"), min_value=1, max_value=99, required=False)
    heading = forms.CharField(label=gettext_lazy("Heading"), max_length=60, required=False)
    field = forms.ChoiceField(
        label=gettext_lazy("Value"),
        required=False,
        choices=[("", gettext_lazy("(no column)")), *((name, field.label) for name, field in FIELDS.items())],
    )
    format = forms.CharField(label=gettext_lazy("Format"), max_length=60, required=False, strip=False)

    def column(self) -> Column | None:
        """The column of a checked form; None for no column."""
        data = self.cleaned_data
        if not data["field"]:
            return None
        return Column(heading=data["heading"], field=data["field"], format=data["format"])


class LayoutForm(PortalForm):
    """All of the mapping but the columns."""

    prefix_text = forms.RegexField(
        r"^[A-Za-z0-9_\-]{1,30}$",
        label=gettext_lazy("Beginning of the file name"),
        help_text=gettext_lazy("The number of the batch and .csv follow."),
        error_messages={"invalid": gettext_lazy("Use half-width letters, digits, hyphens and underscores.")},
    )
    encoding = forms.ChoiceField(label=gettext_lazy("Encoding"), choices=list(ENCODINGS.items()))
    delimiter = forms.ChoiceField(label=gettext_lazy("Delimiter"), choices=list(DELIMITERS.items()))
    has_header = forms.BooleanField(label=gettext_lazy("The first line holds the headings"), required=False)
    quote_all = forms.BooleanField(label=gettext_lazy("Put every value in double quotes"), required=False)
    add = forms.CharField(label=ACTIONS[Action.ADD], max_length=20)
    change = forms.CharField(label=ACTIONS[Action.CHANGE], max_length=20)
    disable = forms.CharField(label=ACTIONS[Action.DISABLE], max_length=20)
    enable = forms.CharField(label=ACTIONS[Action.ENABLE], max_length=20)
    remove = forms.CharField(label=ACTIONS[Action.REMOVE], max_length=20)
    answer_encoding = forms.ChoiceField(
        label=gettext_lazy("Encoding of the acknowledgement"), choices=list(ENCODINGS.items())
    )
    answer_delimiter = forms.ChoiceField(
        label=gettext_lazy("Delimiter of the acknowledgement"), choices=list(DELIMITERS.items())
    )
    answer_has_header = forms.BooleanField(
        label=gettext_lazy("The first line of the acknowledgement holds the headings"), required=False
    )
    key = forms.CharField(
        label=gettext_lazy("Column of the reference"),
        max_length=60,
        help_text=gettext_lazy("The heading, or the number of the column where there are no headings."),
    )
    result = forms.CharField(label=gettext_lazy("Column of the result"), max_length=60)
    reason = forms.CharField(label=gettext_lazy("Column of the reason"), max_length=60, required=False)
    done = forms.CharField(
        label=gettext_lazy("Results that mean done"),
        max_length=200,
        help_text=gettext_lazy("Several are separated by commas."),
    )
    refused = forms.CharField(
        label=gettext_lazy("Results that mean refused"),
        max_length=200,
        help_text=gettext_lazy("Several are separated by commas."),
    )
    side_by_side = (
        ("encoding", "delimiter"),
        ("add", "change"),
        ("disable", "enable"),
        ("answer_encoding", "answer_delimiter"),
        ("key", "result"),
        ("done", "refused"),
    )

    def layout(self, columns: list[Column]) -> Layout:
        """The layout of a checked form."""
        data = self.cleaned_data
        return Layout(
            prefix=data["prefix_text"],
            encoding=data["encoding"],
            delimiter=data["delimiter"],
            has_header=data["has_header"],
            quote_all=data["quote_all"],
            columns=tuple(columns),
            actions={action.value: data[action.value] for action in Action},
            answers=Answers(
                encoding=data["answer_encoding"],
                delimiter=data["answer_delimiter"],
                has_header=data["answer_has_header"],
                key=data["key"],
                result=data["result"],
                reason=data["reason"],
                done=_values(data["done"]),
                refused=_values(data["refused"]),
            ),
        )


class MappingForms:
    """The whole mapping on a page: one form for the file, one per column."""

    def __init__(self, *, layout: Layout | None = None, data: Any = None) -> None:
        if layout is not None:
            self.file = LayoutForm(initial=_initial(layout))
            rows = [
                {"position": n, "heading": c.heading, "field": c.field, "format": c.format}
                for n, c in enumerate(layout.columns, start=1)
            ]
            rows += [{}] * SPARE_COLUMNS
            self.columns = [
                ColumnForm(initial=row, prefix=f"c{n}") for n, row in enumerate(rows[:MOST_COLUMNS])
            ]
            return
        self.file = LayoutForm(data)
        count = sum(f"c{n}-field" in data for n in range(MOST_COLUMNS))
        self.columns = [ColumnForm(data, prefix=f"c{n}") for n in range(count)]

    def layout(self) -> Layout | None:
        """The layout of what was typed; None while single fields are wrong."""
        valid = [
            form.is_valid() for form in (self.file, *self.columns)
        ]  # every form, so that every error shows
        if not all(valid):
            return None
        self._ordered = [form for form in self.columns if form.column() is not None]
        self._ordered.sort(key=lambda form: form.cleaned_data["position"] or 100)
        return self.file.layout([column for form in self._ordered if (column := form.column())])

    def show(self, problems: InvalidMapping) -> None:
        """Put each problem at its place; `layout` was called before."""
        for index, text in problems.columns.items():
            form = self._ordered[index]
            form.add_error("heading" if not form.cleaned_data["heading"] else "format", text)
        for name, text in problems.fields.items():
            place = {"actions": "add", "": None}.get(name, name)
            self.file.add_error(place, text)

    @property
    def problems(self) -> list[Any]:
        """Every error, for the summary above."""
        return [problem for form in (self.file, *self.columns) for problem in form.error_summary]


class AnswerForm(PortalForm):
    """An acknowledgement file that a person brings."""

    file = forms.FileField(
        label=gettext_lazy("Acknowledgement file"),
        help_text=gettext_lazy(
            "Only when it cannot come through the folder. It is read with the mapping in force."
        ),
        error_messages={"required": gettext_lazy("Choose a file.")},
    )

    def clean_file(self) -> Any:
        """At most as large as a file of the folder."""
        found = self.cleaned_data["file"]
        if found.size > LARGEST_ANSWER:
            raise ValidationError(_("The file is too large to be an acknowledgement."))
        return found


def _initial(layout: Layout) -> dict[str, Any]:
    answers = layout.answers
    return {
        "prefix_text": layout.prefix,
        "encoding": layout.encoding,
        "delimiter": layout.delimiter,
        "has_header": layout.has_header,
        "quote_all": layout.quote_all,
        **layout.actions,
        "answer_encoding": answers.encoding,
        "answer_delimiter": answers.delimiter,
        "answer_has_header": answers.has_header,
        "key": answers.key,
        "result": answers.result,
        "reason": answers.reason,
        "done": ", ".join(answers.done),
        "refused": ", ".join(answers.refused),
    }


def _values(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.replace("、", ",").split(",") if part.strip())
