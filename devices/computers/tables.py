"""The columns of the register of machines."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from devices.computers.models import Computer
from portal.common import tables
from portal.common.tables import Column, Table, link
from portal.common.templatetags.portal import short_date, status_chip
from portal.common.time import JST


def _link(computer: Computer) -> Any:
    return link("computer_detail", computer.uid, computer.name)


def _what(computer: Computer) -> Any:
    system = computer.operating_system
    return format_html(
        '<b>{}</b><span class="u-sub">{}</span>', computer.kind.name, system.name if system else ""
    )


def _moment(value: dt.datetime | None) -> str:
    return f"{value.astimezone(JST):%Y-%m-%d %H:%M}" if value else ""


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
            Column(
                name="organisation",
                label=_("Organisation"),
                text=lambda c: c.organisation.name,
                cell=lambda c: c.organisation.short_name,
                reads=("organisation__name", "organisation__short_name"),
            ),
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
            Column(
                name="state",
                label=_("State"),
                text=lambda c: c.get_state_display(),
                cell=lambda c: status_chip(c.state, c.get_state_display()),
                reads=("state",),
                css="st",
            ),
            Column(
                name="application",
                label=_("Last application"),
                text=lambda c: c.last_line.application.number,
                default=False,
                reads=("last_line__application__number",),
                css="u-num u-nowrap",
            ),
            Column(
                name="created_at",
                label=_("Registered"),
                text=lambda c: _moment(c.created_at),
                cell=lambda c: short_date(c.created_at),
                reads=("created_at",),
                css="u-num u-nowrap",
            ),
            Column(
                name="retired_at",
                label=_("Taken away on"),
                text=lambda c: _moment(c.retired_at),
                cell=lambda c: short_date(c.retired_at),
                reads=("retired_at",),
                default=False,
                css="u-num u-nowrap",
            ),
        ),
    )
)
