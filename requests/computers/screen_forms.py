"""The search above the list of computer objects."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy

from portal.common.filters import FilterForm
from requests.computers.models import ComputerObject


class ObjectFilterForm(FilterForm):
    """Its state is the URL."""

    q = forms.CharField(label=gettext_lazy("Name, description or system"), required=False, max_length=200)
    state = forms.ChoiceField(label=gettext_lazy("State"), required=False)
    made = forms.ChoiceField(label=gettext_lazy("Made by"), required=False)

    def offered(self) -> dict[str, Iterable[Any]]:
        """See FilterForm."""
        made = (("portal", gettext_lazy("the portal")), ("others", gettext_lazy("others")))
        return {"state": ComputerObject.State.choices, "made": made}
