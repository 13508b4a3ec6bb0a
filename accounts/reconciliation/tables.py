"""The columns of the list of findings."""

from __future__ import annotations

from typing import Any

from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.reconciliation.models import Finding
from accounts.reconciliation.snapshot import FIELDS
from portal.common import columns, tables
from portal.common.tables import Column, Table
from portal.common.templatetags.portal import short_moment


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
            columns.organisation(),
            Column(name="differences", label=_("Differences"), text=_differences),
            columns.state(),
            Column(name="answer", label=_("Answer"), text=_answer, default=False),
            Column(name="reason", label=_("Reason"), text=lambda f: f.reason, default=False),
            Column(name="answered_by", label=_("Answered by"), text=_answered_by, default=False),
            *(
                columns.moment(name, label, short=short_moment)
                for name, label in (("first_seen_at", _("First seen")), ("last_seen_at", _("Last seen")))
            ),
            Column(name="number", label=_("Number"), text=lambda f: f.pk, default=False, css="u-num"),
        ),
    )
)
