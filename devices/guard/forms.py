"""The forms of the guard: the mode of a federation, and the mapping of the CSV file column by column."""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms
from django.utils.translation import gettext_lazy

from devices.guard.layout import ENCODINGS, FIELDS, Layout
from devices.guard.mappings import InvalidMapping
from devices.guard.models import Mode
from portal.common.forms import NormalisingField, PortalForm, WarekiDateField
from portal.fulfilment.mapping_forms import FileForm, MappingForms
from portal.fulfilment.mappings import Column
from portal.orgs.models import Organisation
from portal.orgs.permissions import FEDERATIONS


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


class GuardFileForm(FileForm):
    """All of the mapping but the columns."""

    encoding = forms.ChoiceField(label=gettext_lazy("Encoding"), choices=list(ENCODINGS.items()))
    side_by_side = (("encoding", "delimiter"),)


class GuardMappingForms(MappingForms):
    """The whole mapping of the CSV file."""

    file_form, most_columns = GuardFileForm, 30
    offered: ClassVar = [(name, field.label) for name, field in FIELDS.items()]

    def made(self, columns: tuple[Column, ...], values: dict[str, Any]) -> Layout:
        """The layout of checked forms."""
        return Layout(columns=columns, **values)

    def show(self, problems: InvalidMapping) -> None:
        """Put each problem at its place; `layout` was called before."""
        self.show_columns(problems.columns)
        if problems.whole:
            self.file.add_error(None, problems.whole)
