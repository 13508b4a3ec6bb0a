"""The search above a register."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from portal.common.forms import PortalForm


class FilterForm(PortalForm):
    """Its state is the URL. Every choice may be left open; whoever sees one organisation is not asked which."""

    organisation = forms.ChoiceField(label=gettext_lazy("Organisation"), required=False)

    def __init__(self, *args: Any, organisations: Iterable[Any], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        places = [(organisation.code, organisation.short_name) for organisation in organisations]
        self.fields["organisation"] = self.fields.pop("organisation")  # the last one
        for name, choices in {**self.offered(), "organisation": places}.items():
            self.fields[name].choices = [("", _("All")), *choices]  # type: ignore[attr-defined]
        if len(places) < 2:
            del self.fields["organisation"]

    def offered(self) -> Mapping[str, Iterable[Any]]:
        """What each field of the room offers besides all: values with their labels."""
        raise NotImplementedError
