"""The forms of the exchange: the mapping, column by column, and an acknowledgement that a person brings."""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from portal.common.forms import PortalForm
from portal.fulfilment.mapping_forms import DELIMITERS, FileForm, MappingForms
from portal.fulfilment.mappings import Column
from portal.gateways.exchange_folder import LARGEST_ANSWER
from portal.gateways.two_factor import Action
from portal.two_factor.layout import ENCODINGS, FIELDS, Answers, Layout
from portal.two_factor.mappings import InvalidMapping
from portal.two_factor.sheets import ACTIONS


class LayoutForm(FileForm):
    """All of the mapping but the columns."""

    prefix_text = forms.RegexField(
        r"^[A-Za-z0-9_\-]{1,30}$",
        label=gettext_lazy("Beginning of the file name"),
        help_text=gettext_lazy("The number of the batch and .csv follow."),
        error_messages={"invalid": gettext_lazy("Use half-width letters, digits, hyphens and underscores.")},
    )
    encoding = forms.ChoiceField(label=gettext_lazy("Encoding"), choices=list(ENCODINGS.items()))
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
    field_order = ("prefix_text",)
    side_by_side = (
        ("encoding", "delimiter"),
        ("add", "change"),
        ("disable", "enable"),
        ("answer_encoding", "answer_delimiter"),
        ("key", "result"),
        ("done", "refused"),
    )

    def layout(self, columns: tuple[Column, ...]) -> Layout:
        """The layout of a checked form."""
        data = self.cleaned_data
        return Layout(
            prefix=data["prefix_text"],
            encoding=data["encoding"],
            delimiter=data["delimiter"],
            has_header=data["has_header"],
            quote_all=data["quote_all"],
            columns=columns,
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


class ExchangeMappingForms(MappingForms):
    """The whole mapping of the exchange."""

    file_form, most_columns = LayoutForm, 40
    offered: ClassVar = [(name, field.label) for name, field in FIELDS.items()]

    def initial(self, layout: Layout) -> dict[str, Any]:
        """With the answers and the kinds of change."""
        return super().initial(layout) | _initial(layout)

    def made(self, columns: tuple[Column, ...], values: dict[str, Any]) -> Layout:
        """The layout of checked forms."""
        found: Layout = self.file.layout(columns)  # type: ignore[attr-defined]
        return found

    def show(self, problems: InvalidMapping) -> None:
        """Put each problem at its place; `layout` was called before."""
        self.show_columns(problems.columns)
        for name, text in problems.fields.items():
            place = {"actions": "add", "": None}.get(name, name)
            self.file.add_error(place, text)


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
