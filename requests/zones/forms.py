"""The forms of the screens of zones and records."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from portal.common.forms import IdentifierField, PortalForm
from portal.gateways.dns import RecordType
from portal.orgs.models import Organisation
from portal.orgs.permissions import FEDERATIONS
from requests.zones.models import DnsZone


class ZoneForm(PortalForm):
    """A zone to be registered."""

    name = IdentifierField(
        label=gettext_lazy("Zone"),
        max_length=253,
        help_text=gettext_lazy("As the DNS servers hold it, such as kokuho.pr or 10.in-addr.arpa."),
    )
    organisation = forms.ModelChoiceField(
        Organisation.objects.filter(kind__in=FEDERATIONS),
        to_field_name="code",
        label=gettext_lazy("Organisation"),
        required=False,
        empty_label=gettext_lazy("common to all"),
    )
    is_open = forms.BooleanField(label=gettext_lazy("Open for tickets"), required=False, initial=True)


class RecordFilterForm(PortalForm):
    """Its state is the URL."""

    q = forms.CharField(
        label=gettext_lazy("Name, type, value or organisation"), required=False, max_length=200
    )
    zone = forms.ChoiceField(label=gettext_lazy("Zone"), required=False)
    type = forms.ChoiceField(label=pgettext_lazy("dns", "Type"), required=False)
    organisation = forms.ChoiceField(label=gettext_lazy("Organisation"), required=False)

    def __init__(
        self, *args: Any, zones: Iterable[DnsZone], organisations: Iterable[Organisation], **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        found = [(organisation.code, organisation.short_name) for organisation in organisations]
        offered: dict[str, Iterable[Any]] = {
            "zone": [(zone.name, zone.name) for zone in zones],
            "type": [(kind.value, kind.value) for kind in RecordType],
            "organisation": found,
        }
        for name, choices in offered.items():
            self.fields[name].choices = [("", _("All")), *choices]  # type: ignore[attr-defined]
        if len(found) < 2:
            del self.fields["organisation"]
