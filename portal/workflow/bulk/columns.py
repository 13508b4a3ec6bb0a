"""The columns of a kind's table, made from the form of one line: the same labels, choices and hints as on the screen."""

from __future__ import annotations

import datetime as dt
import re
import unicodedata
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from django import forms
from django.utils.translation import gettext as _

from portal.common import xlsx
from portal.common.forms import ClockField, WarekiDateField
from portal.workflow.bulk.cells import Cell
from portal.workflow.kinds import ApplicationKind, LineContext

_MARKS = re.compile(r"[\s*＊※:：()（）「」\[\]【】]|必須|required", re.IGNORECASE)
_ZEROS = re.compile(r"0{2,20}")
_SERIALS = range(20_000, 80_000)  # 1954 to 2119
_LISTED = re.compile(r"[、;；\n]")
_YES = frozenset({"1", "true", "yes", "y", "はい", "○", "〇", "有"})
_NO = frozenset({"0", "false", "no", "n", "いいえ", "×", "無"})


@dataclass(frozen=True, kw_only=True)
class Column:
    """One column: a field of the line's form."""

    name: str
    label: str
    required: bool
    help_text: str
    is_date: bool
    is_list: bool
    is_yes_no: bool
    choices: tuple[tuple[str, str], ...]  # value, label
    text_only: bool = False  # a number in such a cell has lost its leading zeros (MAC-06)
    is_time: bool = False

    @property
    def heading(self) -> str:
        """The label with the required mark, as the template writes it."""
        return f"{self.label}{_('※required')}" if self.required else self.label


def columns_of(kind: ApplicationKind[Any], context: LineContext) -> list[Column]:
    """The columns of a kind."""
    form = kind.form_class(context=context)  # type: ignore[call-arg]
    return columns_of_form(form, proposed=kind.proposed_fields)


def columns_of_form(form: forms.Form, *, proposed: Collection[str] = ()) -> list[Column]:
    """The columns in the order of a form; hidden fields are none. `proposed` are filled in where a row leaves them empty."""
    return [
        _column(name, field, is_proposed=name in proposed)
        for name, field in form.fields.items()
        if not field.widget.is_hidden
    ]


def _column(name: str, field: forms.Field, *, is_proposed: bool) -> Column:
    choices: Any = getattr(field, "choices", ())
    hints = [str(field.help_text or ""), _("Leave it empty to have one proposed.") if is_proposed else ""]
    return Column(
        name=name,
        label=str(field.label or name),
        required=field.required and not is_proposed,
        help_text=" ".join(filter(None, hints)),
        is_date=isinstance(field, WarekiDateField | forms.DateField),
        is_list=isinstance(field, forms.MultipleChoiceField),
        is_yes_no=isinstance(field, forms.BooleanField),
        choices=tuple((str(value), str(label)) for value, label in _flat(choices) if value not in ("", None)),
        text_only=getattr(field, "text_only", False),
        is_time=isinstance(field, ClockField),
    )


def _flat(choices: Any) -> list[tuple[Any, Any]]:
    found: list[tuple[Any, Any]] = []
    for value, label in choices:
        found += list(label) if isinstance(label, list | tuple) else [(value, label)]
    return found


def folded(text: str) -> str:
    """A heading or a choice without width, case, spaces and marks."""
    return _MARKS.sub("", unicodedata.normalize("NFKC", text).casefold())


def by_heading(columns: list[Column]) -> Mapping[str, Column]:
    """The columns by everything that may stand above them: the label or the technical name."""
    found = {folded(column.label): column for column in columns}
    return {folded(column.name): column for column in columns} | found


def typed(column: Column, cell: Cell) -> tuple[Any, str]:
    """The cell as somebody would have typed it into the form, and what is wrong with it ("" when nothing)."""
    if cell.problem:
        return "", cell.problem
    value = cell.value
    if isinstance(value, dt.datetime | dt.date):
        day = value.date() if isinstance(value, dt.datetime) else value
        if column.is_date:
            return day.isoformat(), ""
        return "", _("Excel made a date of this. Format the cell as text and enter the value again.")
    if isinstance(value, dt.time) and column.is_time:
        return f"{value:%H:%M}", ""
    if isinstance(value, dt.time | dt.timedelta):
        return "", _("Excel made a time of this. Format the cell as text and enter the value again.")
    if column.text_only and isinstance(value, int | float):  # a truth value too
        return "", _(
            "Excel made a number of this; leading zeros may be lost. Format the cell as text and enter the value again."
        )
    text = _text(value, cell.number_format)
    if column.is_date and isinstance(value, int | float) and int(value) in _SERIALS:
        moment: Any = xlsx.from_excel(int(value))
        return moment.date().isoformat(), ""
    return chosen(column, text), ""


def _text(value: Any, number_format: str) -> str:
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, int) and not isinstance(value, bool) and _ZEROS.fullmatch(number_format):
        return str(value).zfill(len(number_format))  # shown as 00123, so 00123 is meant
    return "" if value is None else str(value).strip()


def chosen(column: Column, text: str) -> Any:
    """What the form takes for this text: the value behind a label, a list, yes or no; else the text itself."""
    if column.is_yes_no:
        return "on" if folded(text) in _YES else "" if folded(text) in _NO else text
    if not column.choices:
        return text
    if column.is_list:
        return [_value(column, part.strip()) for part in _LISTED.split(text) if part.strip()]
    if not text and len(column.choices) == 1 and column.required:
        return column.choices[0][0]  # as the form on the screen offers it
    return _value(column, text)


def _value(column: Column, text: str) -> str:
    wanted = folded(text)
    for value, label in column.choices:
        address = label.rpartition("<")[2].rstrip(">") if "<" in label else label
        if wanted in (folded(label), folded(value), folded(address)):
            return value
    return text


def shown(column: Column, value: Any) -> str:
    """A value as a cell of the template shows it: the label of a choice."""
    if isinstance(value, list | tuple):
        return "、".join(shown(column, part) for part in value)
    if value is None:
        return ""
    if column.is_yes_no:
        return str(_("yes")) if value in (True, "on", "true", "True") else ""
    return next((label for known, label in column.choices if known == str(value)), str(value))
