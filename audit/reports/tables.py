"""The columns of the list of audit reports."""

from __future__ import annotations

from typing import Any

from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from audit.cycles.models import Step
from audit.reports.models import AuditReport
from portal.common import tables
from portal.common.tables import Column, Table
from portal.common.templatetags.portal import short_date, status_chip
from portal.common.time import plain_moment


def address(report: AuditReport) -> str:
    """The page of a revision."""
    return reverse("audit_report", args=[report.cycle.key, report.organisation.code, report.revision])


def _key(report: AuditReport) -> Any:
    return format_html('<a class="u-mono u-nowrap" href="{}">{}</a>', address(report), name(report))


def name(report: AuditReport) -> str:
    """How a revision is called in lists: 2026-09 r1."""
    return f"{report.cycle.key} r{report.revision}"


def _owed(report: Any) -> str:
    return str(Step(report.owed_step).label) if report.owed_step else ""


def _due(report: Any) -> Any:
    """Red where the day has passed; the word says it too."""
    if not report.owed_due:
        return ""
    if report.owed_due < timezone.localdate():
        return format_html(
            '<span class="c-due" data-s="over">{}<small>{}</small></span>',
            short_date(report.owed_due),
            _now("late"),
        )
    return short_date(report.owed_due)


def _moment(field: str, label: Any) -> Column[AuditReport]:
    """When a step was done; shown to who wants it."""
    return Column(
        name=field,
        label=label,
        text=lambda r: plain_moment(getattr(r, field)),
        cell=lambda r: short_date(getattr(r, field)),
        default=False,
        css="u-num u-nowrap",
    )


_MOMENTS = (
    ("made_at", pgettext_lazy("audit report", "Made")),
    ("central_confirmed_at", pgettext_lazy("audit report", "Confirmed by 中央会")),
    ("provided_at", pgettext_lazy("audit report", "Provided")),
    ("federation_confirmed_at", pgettext_lazy("audit report", "Confirmed by the federation")),
    ("returned_at", pgettext_lazy("audit report", "Sent back")),
    ("stored_at", pgettext_lazy("audit report", "Copy kept")),
)
REPORTS: Table[AuditReport] = tables.register(
    Table(
        name="audit_reports",
        url_name="audit_report_list",
        columns=(
            Column(name="name", label=_("Month"), text=name, cell=_key),
            Column(
                name="organisation",
                label=_("Organisation"),
                text=lambda r: r.organisation.name,
                cell=lambda r: r.organisation.short_name,
                css="who",
            ),
            Column(
                name="status",
                label=_("State"),
                text=lambda r: r.get_status_display(),
                cell=lambda r: status_chip(r.status, r.get_status_display()),
                css="st",
            ),
            Column(name="owed", label=pgettext_lazy("audit report", "Next step"), text=_owed),
            Column(
                name="due",
                label=_("Due"),
                text=lambda r: r.owed_due.isoformat() if r.owed_due else "",  # type: ignore[attr-defined]
                cell=_due,
                css="u-num",
            ),
            Column(
                name="missing",
                label=_("Reasons missing"),
                text=lambda r: "" if r.missing_reasons is None else r.missing_reasons,  # type: ignore[attr-defined]
                css="u-num",
            ),
            *(_moment(field, label) for field, label in _MOMENTS),
        ),
    )
)
