"""The columns of the list of consoles, as a file and on paper."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from devices.stations.models import ConsoleStation
from portal.common import tables
from portal.common.tables import Column, Table, link

STATIONS: Table[ConsoleStation] = tables.register(
    Table(
        name="stations",
        url_name="station_list",
        columns=(
            Column(
                name="computer",
                label=_("Computer name"),
                text=lambda s: s.computer.name,
                cell=lambda s: link("computer_detail", s.computer.uid, s.computer.name),
            ),
            Column(
                name="organisation",
                label=_("Organisation"),
                text=lambda s: s.organisation.name,
                cell=lambda s: s.organisation.short_name,
            ),
            Column(name="valid_from", label=_("Valid from"), text=lambda s: s.valid_from.isoformat()),
            Column(
                name="valid_until",
                label=_("Last day"),
                text=lambda s: s.valid_until.isoformat() if s.valid_until else "",
            ),
            Column(name="note", label=pgettext_lazy("remark", "Note"), text=lambda s: s.note),
            Column(name="end_reason", label=_("Why it ended"), text=lambda s: s.end_reason),
            Column(
                name="designated_by", label=_("Designated by"), text=lambda s: s.designated_by.display_name
            ),
        ),
    )
)
