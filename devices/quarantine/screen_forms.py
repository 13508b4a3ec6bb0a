"""The forms of the quarantine screens: search, the file, and the mapping."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from devices.fields import listed
from devices.quarantine.layout import FIELDS, Layout
from devices.quarantine.models import Inspection
from devices.quarantine.selectors import RESULTS
from portal.common.filters import FilterForm
from portal.common.forms import PortalForm

LARGEST_FILE = 20 * 1024 * 1024
_WORDS = {
    "fit": gettext_lazy("Words for fit"),
    "unfit": gettext_lazy("Words for unfit"),
    "good": gettext_lazy("Words for a check that passed"),
    "bad": gettext_lazy("Words for a check that failed"),
}


class QuarantineFilterForm(FilterForm):
    """Its state is the URL."""

    q = forms.CharField(label=gettext_lazy("Name, department or place"), required=False, max_length=200)
    result = forms.ChoiceField(label=gettext_lazy("Result"), required=False)
    failed = forms.ChoiceField(label=gettext_lazy("Not fit because of"), required=False)

    def offered(self) -> dict[str, Iterable[Any]]:
        """See FilterForm."""
        return {
            "result": RESULTS.items(),
            "failed": Inspection.choices,
        }


class FileForm(PortalForm):
    """A file of the quarantine server."""

    file = forms.FileField(
        label=gettext_lazy("File of the quarantine server"),
        help_text=gettext_lazy("CSV or Excel. It is read with the mapping in force."),
        error_messages={"required": gettext_lazy("Choose a file.")},
    )

    def clean_file(self) -> Any:
        """Not larger than the whole country needs."""
        found = self.cleaned_data["file"]
        if found.size > LARGEST_FILE:
            raise ValidationError(_("The file is too large. Split it."))
        return found


class MappingForm(PortalForm):
    """The headings of the columns, and what their words mean."""

    def __init__(self, *args: Any, layout: Layout | None = None, **kwargs: Any) -> None:
        if layout is not None:
            words = {name: "、".join(getattr(layout, name)) for name in _WORDS}
            kwargs["initial"] = {**layout.headings, **words}
        super().__init__(*args, **kwargs)
        for name, label in FIELDS.items():
            text = _("Heading: %(label)s") % {"label": label}
            self.fields[name] = forms.CharField(label=text, required=False, max_length=60)
        for name, label in _WORDS.items():
            self.fields[name] = forms.CharField(
                label=label, max_length=200, help_text=_("Several with 、 between them.")
            )
        for field in self.fields.values():
            field.widget.attrs["class"] = "c-input"

    def layout(self) -> Layout:
        """The layout of a checked form."""
        data = self.cleaned_data
        words = {name: tuple(listed(data[name])) for name in _WORDS}
        return Layout(headings={name: data[name].strip() for name in FIELDS}, **words)
