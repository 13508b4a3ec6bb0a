"""The columns of the register of machines."""

from __future__ import annotations

from typing import Any

from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from devices.computers.models import Computer
from portal.common import columns, tables
from portal.common.tables import Column, Table, link


def _link(computer: Computer) -> Any:
    return link("computer_detail", computer.uid, computer.name)


def _what(computer: Computer) -> Any:
    system = computer.operating_system
    return format_html(
        '<b>{}</b><span class="u-sub">{}</span>', computer.kind.name, system.name if system else ""
    )


COMPUTERS: Table[Computer] = tables.register(
    Table(
        name="computers",
        url_name="computer_list",
        columns=(
            Column(
                name="name",
                label=_("Computer name"),
                text=lambda c: c.name,
                cell=_link,
                reads=("name", "uid"),
            ),
            Column(
                name="kind",
                label=_("Kind of machine"),
                text=lambda c: c.kind.name,
                cell=_what,
                css="who",
                reads=("kind__name", "operating_system__name"),
            ),
            Column(
                name="system",
                label=_("Operating system"),
                text=lambda c: c.operating_system.name if c.operating_system else "",
                reads=("operating_system__name",),
                default=False,
            ),
            columns.organisation(),
            Column(
                name="business",
                label=_("Business system"),
                text=lambda c: c.business_system.name,
                reads=("business_system__name",),
            ),
            Column(
                name="segment",
                label=_("Segment"),
                text=lambda c: c.segment.network if c.segment else "",
                reads=("segment__network",),
                css="u-mono u-nowrap",
            ),
            Column(
                name="agents",
                label=_("Agents"),
                text=lambda c: "、".join(c.agent_labels),
                default=False,
                reads=("agents",),
            ),
            Column(
                name="department", label=_("Department"), text=lambda c: c.department, reads=("department",)
            ),
            Column(name="place", label=_("Place"), text=lambda c: c.place, default=False, reads=("place",)),
            columns.state(),
            Column(
                name="application",
                label=_("Last application"),
                text=lambda c: c.last_line.application.number,
                default=False,
                reads=("last_line__application__number",),
                css="u-num u-nowrap",
            ),
            columns.moment("created_at", _("Registered")),
            columns.moment("retired_at", _("Taken away on"), default=False),
        ),
    )
)
