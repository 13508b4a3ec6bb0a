"""The columns of the list of what does not fit between SKYSEA and the register."""

from __future__ import annotations

from typing import Any

from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from devices.exchange.layout import LABELS
from devices.exchange.models import SkyseaFinding
from portal.common import columns, tables
from portal.common.tables import Column, Table


def _link(finding: SkyseaFinding) -> Any:
    address = reverse("skysea_finding", args=[finding.pk])
    return format_html('<a href="{}">{}</a>', address, finding.title or "–")


def _differences(finding: SkyseaFinding) -> str:
    text = gettext("%(label)s: here “%(here)s”, in SKYSEA “%(there)s”")
    return "、".join(
        text % {"label": LABELS[change["field"]], "here": change["here"], "there": change["there"]}
        for change in finding.differences
    )


FINDINGS: Table[SkyseaFinding] = tables.register(
    Table(
        name="skysea_findings",
        url_name="skysea_findings",
        columns=(
            Column(name="device", label=_("Device"), text=lambda f: f.title, cell=_link),
            Column(name="kind", label=_("Finding"), text=lambda f: f.get_kind_display(), css="who"),
            Column(
                name="number",
                label=_("Device number"),
                text=lambda f: f.device.number if f.device else "",
                css="u-mono u-nowrap",
            ),
            columns.organisation(),
            Column(name="differences", label=_("Difference"), text=_differences),
            columns.state(),
            Column(name="answer", label=_("Answer"), text=lambda f: f.get_answer_display()),
            Column(name="reason", label=_("Reason"), text=lambda f: f.reason, default=False),
            Column(
                name="answered_by",
                label=_("Answered by"),
                text=lambda f: f.answered_by.display_name if f.answered_by else "",
                default=False,
            ),
            columns.moment("last_seen_at", _("Last seen")),
            columns.moment("first_seen_at", _("First seen"), default=False),
        ),
    )
)
