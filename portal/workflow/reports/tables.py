"""The columns of the list of result reports."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _

from portal.common import columns, tables
from portal.common.tables import Column, Table, link
from portal.common.templatetags.portal import short_moment, status_chip
from portal.workflow.reports.models import ResultReport


def _number(report: ResultReport) -> Any:
    return link("application_detail", report.application_number, report.application_number)


def _mail(report: ResultReport) -> str:
    if report.notice is None:
        return str(_("the applicant has no mail address"))
    words = str(report.notice.get_status_display())
    return f"{words} {report.notice.error_message}".strip()


REPORTS: Table[ResultReport] = tables.register(
    Table(
        name="result_reports",
        url_name="report_list",
        columns=(
            Column(
                name="number",
                label=_("Application number"),
                text=lambda r: r.application_number,
                cell=_number,
            ),
            columns.organisation(),
            Column(name="recipient", label=_("Applicant"), text=lambda r: r.recipient.display_name),
            Column(
                name="outcome",
                label=_("Result"),
                text=lambda r: r.application.get_status_display(),
                cell=lambda r: status_chip(r.application.status, r.application.get_status_display()),
                css="st",
            ),
            columns.moment("issued_at", _("Reported"), short=short_moment),
            Column(name="mail", label=_("Mail"), text=_mail),
            columns.moment("reached_at", _("Arrived"), short=short_moment),
            Column(
                name="how",
                label=_("How it arrived"),
                text=lambda r: r.get_reached_how_display() if r.reached_how else "",
                default=False,
            ),
            Column(
                name="reached_by",
                label=_("By"),
                text=lambda r: r.reached_by.display_name if r.reached_by else "",
                default=False,
            ),
        ),
    )
)
