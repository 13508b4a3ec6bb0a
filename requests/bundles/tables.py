"""The columns of the list of bundles."""

from __future__ import annotations

from typing import Any

from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from portal.common import tables
from portal.common.tables import Column, Table, link
from portal.common.templatetags.portal import short_date, status_chip
from portal.common.time import JST
from requests.bundles.models import Bundle


def _what(bundle: Bundle) -> Any:
    return format_html('<b>{}</b><span class="u-sub">{}</span>', bundle.get_action_display(), bundle.subject)


def _moment(value: Any) -> str:
    return f"{value.astimezone(JST):%Y-%m-%d %H:%M}" if value else ""


BUNDLES: Table[Bundle] = tables.register(
    Table(
        name="bundles",
        url_name="bundle_list",
        columns=(
            Column(
                name="number",
                label=_("Number"),
                text=lambda b: b.number,
                cell=lambda b: link("bundle", b.number, b.number),
            ),
            Column(
                name="state",
                label=_("State"),
                text=lambda b: b.get_state_display(),
                cell=lambda b: status_chip(b.state, b.get_state_display()),
                css="st",
            ),
            Column(
                name="action",
                label=pgettext_lazy("bundle", "What happens"),
                text=lambda b: b.get_action_display(),
                cell=_what,
                css="who",
            ),
            Column(
                name="machines", label=_("Machines"), text=lambda b: b.subject, default=False, css="u-mono"
            ),
            Column(
                name="count",
                label=pgettext_lazy("bundle", "Number of machines"),
                text=lambda b: b.machine_count,
                css="u-num",
            ),
            Column(
                name="organisation",
                label=_("Organisation"),
                text=lambda b: b.organisation.name,
                cell=lambda b: b.organisation.short_name,
            ),
            Column(name="applicant", label=_("Applicant"), text=lambda b: b.applicant.display_name),
            Column(
                name="desired_on",
                label=_("Effective date"),
                text=lambda b: b.desired_on.isoformat() if b.desired_on else "",
                cell=lambda b: short_date(b.desired_on) if b.desired_on else "",
                default=False,
                css="u-num u-nowrap",
            ),
            Column(
                name="submitted_at",
                label=_("Submitted"),
                text=lambda b: _moment(b.submitted_at),
                cell=lambda b: short_date(b.submitted_at) if b.submitted_at else "",
                css="u-num u-nowrap",
            ),
            Column(
                name="finished_at",
                label=_("Finished"),
                text=lambda b: _moment(b.finished_at),
                cell=lambda b: short_date(b.finished_at) if b.finished_at else "",
                css="u-num u-nowrap",
            ),
            Column(name="reason", label=_("Reason"), text=lambda b: b.reason, default=False),
        ),
    )
)
