"""The columns of the register of DNS records."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from portal.common import tables
from portal.common.tables import Column, Table
from portal.common.templatetags.portal import short_date
from portal.common.time import JST
from requests.zones.models import DnsRecord

RECORDS: Table[DnsRecord] = tables.register(
    Table(
        name="dns_records",
        url_name="dns_record_list",
        columns=(
            Column(name="name", label=pgettext_lazy("dns", "Name"), text=lambda r: r.name, css="u-mono"),
            Column(
                name="type",
                label=pgettext_lazy("dns", "Type"),
                text=lambda r: r.type,
                css="u-mono u-nowrap",
            ),
            Column(name="value", label=pgettext_lazy("dns", "Value"), text=lambda r: r.value, css="u-mono"),
            Column(name="ttl", label=_("TTL (seconds)"), text=lambda r: str(r.ttl), css="u-num u-nowrap"),
            Column(name="zone", label=_("Zone"), text=lambda r: r.zone.name, default=False, css="u-mono"),
            Column(
                name="organisation",
                label=_("Organisation"),
                text=lambda r: r.organisation.name,
                cell=lambda r: r.organisation.short_name,
            ),
            Column(
                name="seen_at",
                label=_("Last read"),
                text=lambda r: f"{r.seen_at.astimezone(JST):%Y-%m-%d %H:%M}",
                cell=lambda r: short_date(r.seen_at),
                default=False,
                css="u-num u-nowrap",
            ),
        ),
    )
)
