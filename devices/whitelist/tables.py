"""The columns of the whitelist: those of the guard's screen (図2-13), and what is known about each entry (MAC-07)."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from devices.computers.models import Agent
from devices.whitelist import oui
from devices.whitelist.models import WhitelistEntry
from portal.common import columns, tables
from portal.common.tables import Column, Table, link
from portal.common.templatetags.portal import short_date


def _link(entry: WhitelistEntry) -> Any:
    return link("whitelist_entry", entry.uid, entry.shown_mac)


def _agent(entry: WhitelistEntry) -> str:
    """図2-13: whether the machine has the quarantine agent; printers have none (MAC-03)."""
    if not entry.computer.kind.has_system:
        return "－"
    return "○" if Agent.QUARANTINE in entry.computer.agents else "×"


def _system(entry: WhitelistEntry) -> str:
    system = entry.computer.operating_system
    return system.name if system else ""


WHITELIST: Table[WhitelistEntry] = tables.register(
    Table(
        name="whitelist",
        url_name="whitelist_list",
        columns=(
            Column(
                name="mac",
                label=_("MAC address"),
                text=lambda e: e.shown_mac,
                cell=_link,
                reads=("mac", "uid"),
            ),
            Column(
                name="ip", label=_("IP address"), text=lambda e: e.ip, css="u-mono u-nowrap", reads=("ip",)
            ),
            Column(
                name="computer",
                label=_("Computer name"),
                text=lambda e: e.computer.name,
                reads=("computer__name",),
                css="u-mono u-nowrap",
            ),
            Column(
                name="kind",
                label=_("Kind of machine"),
                text=lambda e: e.computer.kind.name,
                default=False,
                reads=("computer__kind__name",),
            ),
            Column(
                name="system",
                label=_("Operating system"),
                text=_system,
                default=False,
                reads=("computer__operating_system__name",),
            ),
            Column(
                name="agent",
                label=_("Quarantine agent"),
                text=_agent,
                reads=("computer__agents", "computer__kind__has_system"),
            ),
            columns.organisation(),
            Column(
                name="segment",
                label=_("Segment"),
                text=lambda e: e.segment.network,
                reads=("segment__network",),
                default=False,
                css="u-mono u-nowrap",
            ),
            Column(
                name="vendor",
                label=pgettext_lazy("network card", "Maker"),
                text=lambda e: oui.vendor(e.mac),
                reads=("mac",),
                default=False,
            ),
            columns.state(),
            Column(
                name="valid_until",
                label=_("Valid until"),
                text=lambda e: e.valid_until.isoformat() if e.valid_until else "",
                cell=lambda e: short_date(e.valid_until),
                reads=("valid_until",),
                default=False,
                css="u-num u-nowrap",
            ),
            *(
                columns.moment(name, label, default=shown)
                for name, label, shown in (
                    ("approved_at", pgettext_lazy("whitelist", "Permitted"), True),
                    ("exported_at", pgettext_lazy("whitelist", "Exported"), False),
                    ("verified_at", pgettext_lazy("whitelist", "Verified"), True),
                    ("ended_at", pgettext_lazy("whitelist", "Ended"), False),
                    ("removal_verified_at", pgettext_lazy("whitelist", "Removal verified"), False),
                )
            ),
            Column(
                name="application",
                label=_("Last application"),
                text=lambda e: e.last_line.application.number,
                default=False,
                reads=("last_line__application__number",),
                css="u-num u-nowrap",
            ),
        ),
    )
)
