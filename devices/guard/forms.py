"""The forms of the guard: the mode of a federation, and the mapping of the CSV file column by column."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy

from devices.guard.layout import DELIMITERS, ENCODINGS, FIELDS, Column, Layout
from devices.guard.mappings import InvalidMapping
from devices.guard.models import Mode
from portal.common.forms import NormalisingField, PortalForm, WarekiDateField
from portal.orgs.models import Organisation
from portal.orgs.permissions import FEDERATIONS

SPARE_COLUMNS = 3
MOST_COLUMNS = 30


class ModeForm(PortalForm):
    """From which day on a federation is watched only or cut off (MAC-04)."""

    organisation = forms.ModelChoiceField(
        Organisation.objects.filter(kind__in=FEDERATIONS),
        to_field_name="code",
        label=gettext_lazy("Organisation"),
        empty_label=gettext_lazy("Choose"),
    )
    mode = forms.ChoiceField(label=gettext_lazy("Mode"), choices=Mode.choices)
    valid_from = WarekiDateField(label=gettext_lazy("Valid from"))
    reason = NormalisingField(label=gettext_lazy("Reason"), max_length=300)


class ColumnForm(PortalForm):
    """One column of the file. Without a value it is no column."""

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


class FileForm(PortalForm):
    """All of the mapping but the columns."""

    encoding = forms.ChoiceField(label=gettext_lazy("Encoding"), choices=list(ENCODINGS.items()))
    delimiter = forms.ChoiceField(label=gettext_lazy("Delimiter"), choices=list(DELIMITERS.items()))
    has_header = forms.BooleanField(label=gettext_lazy("The first line holds the headings"), required=False)
    quote_all = forms.BooleanField(label=gettext_lazy("Put every value in double quotes"), required=False)
    side_by_side = (("encoding", "delimiter"),)


class MappingForms:
    """The whole mapping on a page: one form for the file, one per column."""

    def __init__(self, *, layout: Layout | None = None, data: Any = None) -> None:
        if layout is not None:
            names = ("encoding", "delimiter", "has_header", "quote_all")
            self.file = FileForm(initial={name: getattr(layout, name) for name in names})
            rows = [
                {"position": n, "heading": c.heading, "field": c.field, "format": c.format}
                for n, c in enumerate(layout.columns, start=1)
            ]
            rows += [{}] * SPARE_COLUMNS
            self.columns = [
                ColumnForm(initial=row, prefix=f"c{n}") for n, row in enumerate(rows[:MOST_COLUMNS])
            ]
            return
        self.file = FileForm(data)
        count = sum(f"c{n}-field" in data for n in range(MOST_COLUMNS))
        self.columns = [ColumnForm(data, prefix=f"c{n}") for n in range(count)]

    def layout(self) -> Layout | None:
        """The layout of what was typed; None while single fields are wrong."""
        valid = [form.is_valid() for form in (self.file, *self.columns)]  # each, so that every error shows
        if not all(valid):
            return None
        self._ordered = [form for form in self.columns if form.column() is not None]
        self._ordered.sort(key=lambda form: form.cleaned_data["position"] or 100)
        columns = tuple(column for form in self._ordered if (column := form.column()))
        return Layout(columns=columns, **self.file.cleaned_data)

    def show(self, problems: InvalidMapping) -> None:
        """Put each problem at its place; `layout` was called before."""
        for index, text in problems.columns.items():
            form = self._ordered[index]
            form.add_error("heading" if not form.cleaned_data["heading"] else "format", text)
        if problems.whole:
            self.file.add_error(None, problems.whole)

    @property
    def problems(self) -> list[Any]:
        """Every error, for the summary above."""
        return [problem for form in (self.file, *self.columns) for problem in form.error_summary]
