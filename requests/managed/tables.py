"""The columns of the two registers of machines under a service."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from portal.common import columns, tables
from portal.common.tables import Column, Table, link
from requests.managed.models import ManagedMachine


def _name(label: Any) -> Column[ManagedMachine]:
    return Column(
        name="name",
        label=label,
        text=lambda m: m.name,
        cell=lambda m: link("managed_detail", m.pk, m.name),
        reads=("name",),
    )


_CATEGORY: Column[ManagedMachine] = Column(
    name="category",
    label=_("Kind of machine"),
    text=lambda m: m.get_category_display(),
    reads=("category",),
)


def _rest() -> tuple[Column[ManagedMachine], ...]:
    return (
        columns.organisation(),
        Column(name="place", label=_("Place"), text=lambda m: m.place, reads=("place",)),
        columns.state(),
        columns.moment("since", pgettext_lazy("managed machine", "Since")),
        columns.moment("removed_at", pgettext_lazy("managed machine", "Taken out"), default=False),
        Column(
            name="application",
            label=_("Last application"),
            text=lambda m: m.last_line.application.number,
            default=False,
            reads=("last_line__application__number",),
            css="u-num u-nowrap",
        ),
    )


ANTIVIRUS: Table[ManagedMachine] = tables.register(
    Table(
        name="antivirus_machines",
        url_name="antivirus_list",
        columns=(
            _name(_("Computer name")),
            _CATEGORY,
            Column(
                name="operating_system",
                label=_("Operating system"),
                text=lambda m: m.operating_system,
                reads=("operating_system",),
            ),
            *_rest(),
        ),
    )
)

MONITORING: Table[ManagedMachine] = tables.register(
    Table(
        name="monitored_machines",
        url_name="monitored_list",
        columns=(
            _name(_("Name of the machine")),
            _CATEGORY,
            Column(
                name="address",
                label=_("IP address"),
                text=lambda m: m.address or "",
                css="u-mono u-nowrap",
                reads=("address",),
            ),
            Column(
                name="items",
                label=_("What is monitored"),
                text=lambda m: "、".join(m.item_labels),
                reads=("items",),
            ),
            Column(
                name="settings",
                label=_("Settings"),
                text=lambda m: m.settings,
                default=False,
                reads=("settings",),
            ),
            *_rest(),
        ),
    )
)
