"""The columns of the list of outages."""

from __future__ import annotations

from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from portal.common import tables
from portal.common.tables import Column, Table, link
from portal.common.templatetags.portal import short_moment, status_chip
from requests.outages.models import Outage
from requests.outages.services import moment


def _chip(outage: Outage) -> str:
    shown = outage.shown(timezone.now())
    return status_chip(shown.value, shown.label)


OUTAGES: Table[Outage] = tables.register(
    Table(
        name="outages",
        url_name="outage_list",
        columns=(
            Column(
                name="number",
                label=_("Number"),
                text=lambda r: r.number,
                cell=lambda r: link("outage", r.number, r.number),
            ),
            Column(name="title", label=pgettext_lazy("outage", "Title"), text=lambda r: r.title, css="who"),
            Column(
                name="state",
                label=_("State"),
                text=lambda r: r.shown(timezone.now()).label,
                cell=_chip,
                css="st",
            ),
            Column(
                name="stops_at",
                label=_("Stops"),
                text=lambda r: moment(r.stops_at),
                cell=lambda r: short_moment(r.stops_at),
                css="u-num u-nowrap",
            ),
            Column(
                name="starts_at",
                label=_("Starts again"),
                text=lambda r: moment(r.starts_at),
                cell=lambda r: short_moment(r.starts_at),
                css="u-num u-nowrap",
            ),
            Column(name="systems", label=_("Systems"), text=lambda r: r.system_labels),
            Column(
                name="planned_by",
                label=_("Planned by"),
                text=lambda r: r.planned_by.display_name,
                default=False,
            ),
        ),
    )
)
