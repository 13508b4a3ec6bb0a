"""A mapping on a page: one form for the file, and one for each column."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar

from django import forms
from django.utils.translation import gettext_lazy

from portal.common.forms import PortalForm
from portal.fulfilment.mappings import Column

DELIMITERS = {",": gettext_lazy("Comma"), "\t": gettext_lazy("Tab"), ";": gettext_lazy("Semicolon")}
_SPARE_COLUMNS = 3


class ColumnForm(PortalForm):
    """One column of the file. Without a value it is no column."""

    position = forms.IntegerField(label=gettext_lazy("Order"), min_value=1, max_value=99, required=False)
    heading = forms.CharField(label=gettext_lazy("Heading"), max_length=60, required=False)
    field = forms.ChoiceField(label=gettext_lazy("Value"), required=False)
    format = forms.CharField(label=gettext_lazy("Format"), max_length=60, required=False, strip=False)

    def __init__(self, *args: Any, offered: Iterable[tuple[str, Any]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["field"].choices = [("", gettext_lazy("(no column)")), *offered]  # type: ignore[attr-defined]

    def column(self) -> Column | None:
        """The column of a checked form; None for no column."""
        data = self.cleaned_data
        if not data["field"]:
            return None
        return Column(heading=data["heading"], field=data["field"], format=data["format"])


class FileForm(PortalForm):
    """All of a mapping but the columns; a room adds what its files have."""

    encoding = forms.ChoiceField(label=gettext_lazy("Encoding"))
    delimiter = forms.ChoiceField(label=gettext_lazy("Delimiter"), choices=list(DELIMITERS.items()))
    has_header = forms.BooleanField(label=gettext_lazy("The first line holds the headings"), required=False)
    quote_all = forms.BooleanField(label=gettext_lazy("Put every value in double quotes"), required=False)


class MappingForms:
    """The whole mapping: what the layout says when a page is opened, or what was typed."""

    file_form: ClassVar[type[PortalForm]]
    most_columns: ClassVar[int]
    offered: ClassVar[list[tuple[str, Any]]]  # the values that a column may hold, with their labels

    def __init__(self, *, layout: Any = None, data: Any = None) -> None:
        if layout is None:
            self.file = self.file_form(data)
            count = sum(f"c{n}-field" in data for n in range(self.most_columns))
            self.columns = [ColumnForm(data, prefix=f"c{n}", offered=self.offered) for n in range(count)]
            return
        self.file = self.file_form(initial=self.initial(layout))
        rows: list[dict[str, Any]] = [
            {"position": n, "heading": c.heading, "field": c.field, "format": c.format}
            for n, c in enumerate(layout.columns, start=1)
        ]
        rows = [*rows, *([{}] * _SPARE_COLUMNS)][: self.most_columns]
        self.columns = [
            ColumnForm(initial=row, prefix=f"c{n}", offered=self.offered) for n, row in enumerate(rows)
        ]

    def initial(self, layout: Any) -> dict[str, Any]:
        """What the file's form shows of a layout."""
        return {name: getattr(layout, name) for name in ("encoding", "delimiter", "has_header", "quote_all")}

    def made(self, columns: tuple[Column, ...], values: dict[str, Any]) -> Any:
        """The layout of checked forms."""
        raise NotImplementedError

    def layout(self) -> Any:
        """The layout of what was typed; None while single fields are wrong."""
        valid = [form.is_valid() for form in (self.file, *self.columns)]  # each, so that every error shows
        if not all(valid):
            return None
        self._ordered = [form for form in self.columns if form.column() is not None]
        self._ordered.sort(key=lambda form: form.cleaned_data["position"] or 100)
        columns = tuple(column for form in self._ordered if (column := form.column()))
        return self.made(columns, self.file.cleaned_data)

    def show_columns(self, problems: dict[int, str]) -> None:
        """Put the problem of each column at its place; `layout` was called before."""
        for index, text in problems.items():
            form = self._ordered[index]
            form.add_error("heading" if not form.cleaned_data["heading"] else "format", text)

    @property
    def problems(self) -> list[Any]:
        """Every error, for the summary above."""
        return [problem for form in (self.file, *self.columns) for problem in form.error_summary]
