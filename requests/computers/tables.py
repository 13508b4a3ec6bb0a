"""The columns of the register of computer objects."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _

from portal.common import columns, tables
from portal.common.tables import Column, Table, link
from portal.common.templatetags.portal import short_date
from requests.computers.models import ComputerObject


def _link(row: ComputerObject) -> Any:
    return link("computer_object", row.object_guid, row.name)


COMPUTER_OBJECTS: Table[ComputerObject] = tables.register(
    Table(
        name="computer_objects",
        url_name="computer_object_list",
        columns=(
            Column(
                name="name",
                label=_("Computer name"),
                text=lambda r: r.name,
                cell=_link,
                css="u-mono u-nowrap",
                reads=("name", "object_guid"),
            ),
            columns.organisation(),
            Column(
                name="description",
                label=_("Description"),
                text=lambda r: r.description,
                reads=("description",),
            ),
            Column(
                name="system",
                label=_("Operating system"),
                text=lambda r: r.operating_system,
                reads=("operating_system",),
            ),
            columns.state(),
            Column(
                name="remove_on",
                label=_("To be removed on"),
                text=lambda r: r.remove_on.isoformat() if r.remove_on else "",
                cell=lambda r: short_date(r.remove_on) if r.remove_on else "",
                css="u-num u-nowrap",
                reads=("remove_on",),
            ),
            Column(
                name="made_by",
                label=_("Made by"),
                text=lambda r: _("the portal") if r.made_by_portal else _("others"),
                default=False,
                reads=("made_by_portal",),
            ),
            Column(
                name="place",
                label=_("Container"),
                text=lambda r: r.container_dn,
                default=False,
                css="u-mono",
                reads=("distinguished_name",),
            ),
            Column(
                name="application",
                label=_("Last application"),
                text=lambda r: r.application_number,
                default=False,
                reads=("last_line__application__number",),
                css="u-num u-nowrap",
            ),
            columns.moment("last_logon_at", _("Last logon (up to 14 days late)")),
            columns.moment("verified_at", _("Last read"), default=False),
        ),
    )
)
