"""The columns of the list of applications."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.utils.html import format_html
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from portal.common import columns, tables
from portal.common.tables import Column, Table, link
from portal.common.templatetags.portal import due, due_state, short_date, short_moment, status_chip
from portal.workflow import kinds
from portal.workflow.models import Application, Status


def _link(application: Application) -> Any:
    return link("application_detail", application.number, application.number)


def _kind(application: Application) -> str:
    try:
        return str(kinds.get(application.kind).label)
    except KeyError:  # a kind that is no longer installed
        return application.kind


def _more(application: Application) -> str:
    """How many stand in it beside the first: a name alone would hide fifty others from a person in a hurry."""
    n = application.line_count - 1
    return ngettext("and %(n)s more", "and %(n)s more", n) % {"n": n} if n > 0 else ""


def _subject(application: Application) -> str:
    return f"{application.subject} {_more(application)}".strip()


def _who(application: Application) -> Any:
    subject = application.subject or gettext("(not entered yet)")
    words = f"{subject} {_more(application)}".strip()
    return format_html("<b>{}</b>{}", words, application.applicant.display_name)


def _due_on(application: Application) -> dt.date | None:
    return application.due_on if application.status == Status.IN_REVIEW else None


def _due(application: Application) -> Any:
    day = _due_on(application)
    if day is None:
        return None
    words = due_state(day), short_date(day), due(day)
    return format_html('<span class="c-due" data-s="{}">{}<small>{}</small></span>', *words)


APPLICATIONS: Table[Application] = tables.register(
    Table(
        name="applications",
        url_name="application_list",
        columns=(
            Column(
                name="number",
                label=_("Application number"),
                text=lambda a: a.number,
                cell=_link,
                reads=("number",),
            ),
            Column(name="kind", label=_("Kind"), text=_kind, reads=("kind",)),
            Column(
                name="subject",
                label=_("Subject"),
                text=_subject,
                cell=_who,
                css="who",
                reads=("subject", "line_count", "applicant__display_name"),
            ),
            Column(
                name="lines",
                label=_("Number of lines"),
                text=lambda a: a.line_count,
                reads=("line_count",),
                default=False,
                css="u-num",
            ),
            columns.organisation(),
            Column(
                name="applicant",
                label=_("Applicant"),
                text=lambda a: a.applicant.display_name,
                reads=("applicant__display_name",),
                default=False,
            ),
            Column(
                name="status",
                label=_("Status"),
                text=lambda a: a.status_label,
                cell=lambda a: status_chip(a.status, a.status_label),
                css="st",
                reads=("status", "report__reached_at"),
            ),
            Column(
                name="due_on",
                label=_("Due date"),
                text=lambda a: _due_on(a) or "",
                cell=_due,
                reads=("due_on", "status"),
            ),
            Column(
                name="desired_on",
                label=_("Effective date"),
                text=lambda a: a.desired_on or "",
                cell=lambda a: short_date(a.desired_on),
                reads=("desired_on",),
                default=False,
                css="u-num u-nowrap",
            ),
            *(
                columns.moment(name, label, short=short_moment, default=name == "submitted_at")
                for name, label in (
                    ("submitted_at", _("Submitted")),
                    ("decided_at", _("Decided")),
                    ("completed_at", _("Completed")),
                )
            ),
        ),
    )
)

USUAL = APPLICATIONS.with_columns(
    None
)  # the short lists of the home page and the inbox are the same for everybody


def _edit(application: Application) -> Any:
    return link("application_edit", application.number, application.number)


DRAFTS = Table(
    name="drafts",
    url_name="draft_list",
    columns=(
        Column(
            name="number",
            label=_("Application number"),
            text=lambda a: a.number,
            cell=_edit,
            reads=("number",),
        ),
        *APPLICATIONS.columns[1:],
    ),
).with_columns(None)
