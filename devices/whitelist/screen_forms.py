"""The forms of the whitelist's screens: search, who had an address, accepting a local address."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from devices.whitelist.fields import MacField
from devices.whitelist.models import WhitelistEntry
from devices.whitelist.selectors import PROGRESS
from portal.common.filters import FilterForm
from portal.common.forms import NormalisingField, PortalForm, WarekiDateField
from portal.orgs.models import Organisation
from portal.orgs.permissions import FEDERATIONS


class WhitelistFilterForm(FilterForm):
    """Its state is the URL."""

    q = forms.CharField(
        label=gettext_lazy("MAC or IP address, machine, place or maker"), required=False, max_length=200
    )
    state = forms.ChoiceField(label=gettext_lazy("State"), required=False)
    progress = forms.ChoiceField(label=gettext_lazy("At the guard"), required=False)
    ends = forms.ChoiceField(label=gettext_lazy("Validity"), required=False)

    def offered(self) -> dict[str, Iterable[Any]]:
        """See FilterForm."""
        return {
            "state": WhitelistEntry.State.choices,
            "progress": PROGRESS.items(),
            "ends": [("soon", _("ends within 30 days"))],
        }


class HolderForm(PortalForm):
    """Whose address was it?"""

    address = forms.CharField(label=gettext_lazy("MAC or IP address"), max_length=60)
    day = WarekiDateField(label=gettext_lazy("On which day"))


class LocalAddressForm(PortalForm):
    """An address that operations accept."""

    organisation = forms.ModelChoiceField(
        Organisation.objects.filter(kind__in=FEDERATIONS),
        to_field_name="code",
        label=gettext_lazy("Organisation"),
        empty_label=gettext_lazy("Choose"),
    )
    mac = MacField(label=gettext_lazy("MAC address"))
    reason = NormalisingField(
        label=gettext_lazy("Reason"),
        max_length=200,
        help_text=gettext_lazy("Why the machine has no fixed address. The people who decide read it."),
    )
