"""The columns of the register of allotments."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from portal.common import tables
from portal.common.tables import Column, Table, link
from portal.common.templatetags.portal import short_date
from requests.networks.models import Allotment

ALLOTMENTS: Table[Allotment] = tables.register(
    Table(
        name="allotments",
        url_name="network_list",
        columns=(
            Column(name="network", label=_("Network"), text=lambda r: r.network, css="u-mono"),
            Column(name="vlan", label=_("VLAN"), text=lambda r: str(r.vlan), css="u-num"),
            Column(
                name="organisation",
                label=_("Organisation"),
                text=lambda r: r.organisation.name,
                cell=lambda r: r.organisation.short_name,
            ),
            Column(name="use", label=pgettext_lazy("network", "Use"), text=lambda r: r.get_use_display()),
            Column(name="purpose", label=_("System and purpose"), text=lambda r: r.purpose),
            Column(
                name="valid_from",
                label=_("Valid from"),
                text=lambda r: r.valid_from.isoformat(),
                cell=lambda r: short_date(r.valid_from),
                css="u-num u-nowrap",
            ),
            Column(
                name="valid_until",
                label=_("Last day"),
                text=lambda r: r.valid_until.isoformat() if r.valid_until else "",
                cell=lambda r: short_date(r.valid_until) if r.valid_until else "",
                css="u-num u-nowrap",
            ),
            Column(
                name="application",
                label=_("Application"),
                text=lambda r: r.application_number,
                cell=lambda r: link("application_detail", r.application_number, r.application_number),
            ),
            Column(name="allotted_by", label=_("Allotted by"), text=lambda r: r.allotted_by.display_name),
        ),
    )
)
