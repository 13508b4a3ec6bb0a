"""The rows of the downloads."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from django.utils.translation import gettext as _

from accounts.dormancy.models import DormantLine, DormantReview
from accounts.dormancy.selectors import Report
from portal.common.time import plain_moment


def line_header() -> list[str]:
    """The columns of a list."""
    return [
        _("Login name"),
        _("Name"),
        _("Department"),
        _("Kind of account"),
        _("Made in AD"),
        _("Last logon"),
        _("According to"),
        _("Not confirmed by these domain controllers"),
        _("Initial password"),
        _("Last month's answer"),
        _("Answer"),
        _("Reason"),
        _("Answered by"),
        _("Answered"),
        _("Delete application"),
        _("Remark"),
    ]


def line_rows(review: DormantReview, lines: Iterable[DormantLine]) -> Iterator[list[Any]]:
    """One row for each account."""
    missing = ", ".join(review.missing)
    for line in lines:
        earlier = line.previous
        yield [
            line.login_name,
            line.display_name,
            line.department,
            _("administrator account") if line.is_administrator else _("Windows user account"),
            plain_moment(line.made_at),
            plain_moment(line.last_logon) or _("never"),
            line.last_logon_from,
            missing,
            _("never used") if line.must_change else "",
            f"{earlier.get_answer_display()} {earlier.reason}".strip() if earlier and earlier.answer else "",
            line.get_answer_display(),
            line.reason,
            line.answered_by.display_name if line.answered_by else "",
            plain_moment(line.answered_at),
            line.application.number if line.application else "",
            line.get_left_display(),
        ]


def report_header() -> list[str]:
    """The columns of the monthly report."""
    return [
        _("Organisation"),
        _("Dormant accounts"),
        _("never logged on"),
        _("Kept"),
        _("Deletion applied for"),
        _("Deleted"),
        _("No answer needed any more"),
        _("Not answered"),
        _("Answer until"),
        _("Status"),
        _("Not confirmed by these domain controllers"),
    ]


def report_rows(report: Report) -> Iterator[list[Any]]:
    """One row for each organisation."""
    for row in report.rows:
        counts, review = row.counts, row.review
        yield [
            review.organisation.name,
            counts.total,
            counts.never,
            counts.kept,
            counts.deleting,
            counts.deleted,
            counts.left,
            counts.waiting,
            f"{review.due_on:%Y-%m-%d}" if counts.total else "",
            review.get_status_display() if counts.total else "",
            ", ".join(review.missing),
        ]
