"""The columns of the list of alerts."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from devices.alerts.models import DeviceAlert
from portal.common import columns, tables
from portal.common.tables import Column, Table
from portal.common.templatetags.portal import short_moment
from portal.common.time import JST


def _link(alert: DeviceAlert) -> Any:
    address = reverse("alert_detail", args=[alert.pk])
    words = '<a class="u-num u-nowrap" href="{}">{}<span class="u-vh"> {}</span></a>'
    return format_html(words, address, short_moment(alert.at), alert.computer_name)


def _moment(value: dt.datetime | None) -> str:
    return f"{value.astimezone(JST):%Y-%m-%d %H:%M:%S}" if value else ""


def _what(alert: DeviceAlert) -> Any:
    return format_html('<b>{}</b><span class="u-sub">{}</span>', alert.get_kind_display(), alert.title)


ALERTS: Table[DeviceAlert] = tables.register(
    Table(
        name="alerts",
        url_name="alert_list",
        columns=(
            Column(name="at", label=_("Time"), text=lambda a: _moment(a.at), cell=_link),
            Column(
                name="kind",
                label=_("Kind of alert"),
                text=lambda a: a.get_kind_display(),
                cell=_what,
                css="who",
            ),
            Column(name="device", label=_("Device"), text=lambda a: a.title, default=False),
            Column(
                name="number",
                label=_("Device number"),
                text=lambda a: a.device.number if a.device else "",
                css="u-mono u-nowrap",
            ),
            Column(name="computer", label=_("Computer name"), text=lambda a: a.computer_name, css="u-mono"),
            columns.organisation(),
            Column(
                name="covered",
                label=_("Permit"),
                text=lambda a: gettext("permitted") if a.covered else gettext("no permit for this"),
            ),
            Column(name="person", label=_("Who used it"), text=lambda a: a.seen.get("person", "")),
            Column(name="detail", label=_("Detail"), text=lambda a: a.seen.get("detail", ""), default=False),
            columns.state(),
            Column(name="answer", label=_("Answer"), text=lambda a: a.get_answer_display()),
            Column(name="reason", label=_("What was found out"), text=lambda a: a.reason, default=False),
            Column(
                name="answered_by",
                label=_("Answered by"),
                text=lambda a: a.answered_by.display_name if a.answered_by else "",
                default=False,
            ),
            Column(
                name="answered_at", label=_("Answered"), text=lambda a: _moment(a.answered_at), default=False
            ),
        ),
    )
)
