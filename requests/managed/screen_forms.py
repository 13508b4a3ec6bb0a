"""The search of the registers of machines under a service. Its state is the URL."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from portal.common.forms import PortalForm
from portal.orgs.models import Organisation
from requests.managed.models import Category, ManagedMachine


class MachineFilterForm(PortalForm):
    """Machines that were taken out are shown when they are asked for."""

    q = forms.CharField(
        label=gettext_lazy("Name, system, address, place or organisation"), required=False, max_length=200
    )
    state = forms.ChoiceField(label=gettext_lazy("State"), required=False)
    category = forms.ChoiceField(label=gettext_lazy("Kind of machine"), required=False)
    organisation = forms.ChoiceField(label=gettext_lazy("Organisation"), required=False)

    def __init__(
        self,
        *args: Any,
        categories: Iterable[Category],
        organisations: Iterable[Organisation],
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        found = [(organisation.code, organisation.short_name) for organisation in organisations]
        removed = ManagedMachine.State.REMOVED
        offered: dict[str, list[tuple[Any, Any]]] = {
            "state": [
                ("", ManagedMachine.State.MANAGED.label),
                (removed.value, removed.label),
                ("all", _("All")),
            ],
            "category": [("", _("All")), *((c.value, c.label) for c in categories)],
            "organisation": [("", _("All")), *found],
        }
        for name, choices in offered.items():
            self.fields[name].choices = choices  # type: ignore[attr-defined]
        if len(found) < 2:
            del self.fields["organisation"]
