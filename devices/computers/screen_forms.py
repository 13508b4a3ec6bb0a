"""The search above the list of machines."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy

from devices.computers.models import Agent, Computer
from devices.reference import BusinessSystem, ComputerKind, OperatingSystem
from portal.common.filters import FilterForm


class ComputerFilterForm(FilterForm):
    """Its state is the URL."""

    q = forms.CharField(label=gettext_lazy("Name, department or place"), required=False, max_length=200)
    state = forms.ChoiceField(label=gettext_lazy("State"), required=False)
    kind = forms.ChoiceField(label=gettext_lazy("Kind of machine"), required=False)
    system = forms.ChoiceField(label=gettext_lazy("Operating system"), required=False)
    business = forms.ChoiceField(label=gettext_lazy("Business system"), required=False)
    without_agent = forms.ChoiceField(label=gettext_lazy("Without the agent"), required=False)

    def offered(self) -> dict[str, Iterable[Any]]:
        """See FilterForm."""
        return {
            "state": Computer.State.choices,
            "kind": ComputerKind.objects.values_list("code", "name"),
            "system": OperatingSystem.objects.values_list("code", "name"),
            "business": BusinessSystem.objects.values_list("code", "name"),
            "without_agent": Agent.choices,
        }
