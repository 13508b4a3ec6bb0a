"""The columns of sessions in files and in print, and those of the list of incidents."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from audit.reconciliation.models import Incident, Mismatch, Side
from portal.common import columns, tables
from portal.common.tables import Column, Table, link
from portal.common.time import plain_moment


def permitted(row: Mismatch) -> str:
    """Whether the medium was permitted on that day; "" where none was used."""
    if row.medium_permitted is None:
        return ""
    return str(_("permitted that day")) if row.medium_permitted else str(_("not permitted that day"))


def _plain(name: str, label: Any) -> Column[Mismatch]:
    return Column(name=name, label=label, text=lambda row: getattr(row, name))


def _reason(side: Side, label: Any) -> Column[Mismatch]:
    def said(row: Any) -> str:
        reason = getattr(row, f"{side.lower()}_reason")
        return f"{reason.get_code_display()}：{reason.text}（{reason.given_by_name}）" if reason else ""

    return Column(name=f"{side.lower()}_reason", label=label, text=said)


# Not registered: nobody chooses its columns, every file of a report looks alike.
SESSIONS: Table[Mismatch] = Table(
    name="audit_sessions",
    url_name="audit_report_list",
    columns=(
        Column(
            name="code",
            label=pgettext_lazy("mismatch", "Finding"),
            text=lambda row: str(row.get_code_display()),
        ),
        Column(
            name="first_at",
            label=pgettext_lazy("mismatch", "From"),
            text=lambda row: plain_moment(row.first_at),
        ),
        Column(
            name="last_at",
            label=pgettext_lazy("mismatch", "Until"),
            text=lambda row: plain_moment(row.last_at),
        ),
        _plain("host", pgettext_lazy("mismatch", "Machine")),
        _plain("account", pgettext_lazy("mismatch", "Account")),
        _plain("client", pgettext_lazy("mismatch", "Client")),
        Column(
            name="object_name",
            label=pgettext_lazy("mismatch", "Object"),
            text=lambda row: row.object_shown,  # type: ignore[attr-defined]
        ),
        _plain("actions", pgettext_lazy("mismatch", "Actions")),
        _plain("row_count", pgettext_lazy("mismatch", "Rows")),
        _plain("volume", pgettext_lazy("mismatch", "Volume")),
        _plain("medium_serial", pgettext_lazy("mismatch", "Medium")),
        Column(name="permitted", label=_("Permit of the medium"), text=permitted),
        _plain("work_number", _("Work number")),
        _reason(Side.CENTRAL, _("Reason of 中央会")),
        _reason(Side.FEDERATION, _("Reason of the federation")),
    ),
)

INCIDENTS: Table[Incident] = tables.register(
    Table(
        name="incidents",
        url_name="incident_list",
        columns=(
            Column(
                name="number",
                label=_("Number"),
                text=lambda row: row.number,
                cell=lambda row: link("incident", row.number, row.number),
                reads=("number",),
            ),
            columns.state(),
            columns.organisation(),
            Column(
                name="month",
                label=_("Month"),
                text=lambda row: row.cycle.key,
                css="u-num",
                reads=("cycle__month",),
            ),
            Column(name="text", label=_("Suspicion"), text=lambda row: row.text, reads=("text",)),
            columns.moment("opened_at", pgettext_lazy("incident", "Opened")),
            Column(
                name="opened_by",
                label=pgettext_lazy("incident", "Opened by"),
                text=lambda row: row.opened_by.display_name,
                reads=("opened_by__display_name",),
            ),
            columns.moment("closed_at", pgettext_lazy("incident", "Closed"), default=False),
            Column(
                name="result",
                label=pgettext_lazy("incident", "Result"),
                text=lambda row: row.result,
                default=False,
                reads=("result",),
            ),
        ),
    )
)
