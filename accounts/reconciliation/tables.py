"""The columns of the list of findings."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.reconciliation.models import Finding
from accounts.reconciliation.snapshot import FIELDS
from portal.common import tables
from portal.common.tables import Column, Table
from portal.common.templatetags.portal import short_moment, status_chip
from portal.common.time import JST


def _link(finding: Finding) -> Any:
    address = reverse("finding_detail", args=[finding.pk])
    words = '<a class="u-mono u-nowrap" href="{}">{}<span class="u-vh"> {}</span></a>'
    return format_html(words, address, finding.login_name, finding.get_kind_display())


def _kind(finding: Finding) -> Any:
    return format_html('<b>{}</b><span class="u-sub">{}</span>', finding.get_kind_display(), finding.name)


def _differences(finding: Finding) -> str:
    return "、".join(gettext(FIELDS[difference["field"]][0]) for difference in finding.differences)


def _answer(finding: Finding) -> str:
    return finding.get_answer_display() if finding.answer else ""


def _answered_by(finding: Finding) -> str:
    return finding.answered_by.display_name if finding.answered_by else ""


def _moment(value: dt.datetime) -> str:
    return f"{value.astimezone(JST):%Y-%m-%d %H:%M}"


FINDINGS: Table[Finding] = tables.register(
    Table(
        name="findings",
        url_name="finding_list",
        columns=(
            Column(name="login_name", label=_("Login name"), text=lambda f: f.login_name, cell=_link),
            Column(
                name="kind", label=_("Finding"), text=lambda f: f.get_kind_display(), cell=_kind, css="who"
            ),
            Column(name="name", label=_("Name"), text=lambda f: f.name, default=False),
            Column(
                name="organisation",
                label=_("Organisation"),
                text=lambda f: f.organisation.name,
                cell=lambda f: f.organisation.short_name,
            ),
            Column(name="differences", label=_("Differences"), text=_differences),
            Column(
                name="state",
                label=_("State"),
                text=lambda f: f.get_state_display(),
                cell=lambda f: status_chip(f.state, f.get_state_display()),
                css="st",
            ),
            Column(name="answer", label=_("Answer"), text=_answer, default=False),
            Column(name="reason", label=_("Reason"), text=lambda f: f.reason, default=False),
            Column(name="answered_by", label=_("Answered by"), text=_answered_by, default=False),
            *(
                Column(
                    name=name,
                    label=label,
                    text=lambda f, name=name: _moment(getattr(f, name)),  # type: ignore[misc]
                    cell=lambda f, name=name: short_moment(getattr(f, name)),  # type: ignore[misc]
                    css="u-num u-nowrap",
                )
                for name, label in (("first_seen_at", _("First seen")), ("last_seen_at", _("Last seen")))
            ),
            Column(name="number", label=_("Number"), text=lambda f: f.pk, default=False, css="u-num"),
        ),
    )
)
