"""Reading result reports within a person's scope (ORG-02), first of all those that did not arrive."""

from __future__ import annotations

from typing import Any

from django.db.models import Q, QuerySet

from portal.notices.models import NoticeStatus
from portal.notices.selectors import MANY_ATTEMPTS
from portal.orgs.models import User
from portal.orgs.permissions import READ_OPERATIONS, TAKE_REPORTS
from portal.workflow.models import Status
from portal.workflow.reports.models import ResultReport

STUCK, OPEN, ALL = "", "open", "all"


def stuck(rows: Any) -> Any:
    """Of the rows those whose mail was refused, waits for long, or could not be written to anybody."""
    late = Q(notice__status=NoticeStatus.QUEUED, notice__attempts__gte=MANY_ATTEMPTS)
    refused = Q(notice__status__in=(NoticeStatus.FAILED, NoticeStatus.DROPPED))
    return rows.filter(Q(notice=None) | refused | late, reached_at=None)


def undelivered(user: User) -> QuerySet[ResultReport]:
    """The reports that this person should see to: operations those of all, others those of where they work."""
    rows: QuerySet[ResultReport] = stuck(_followed(user))
    return rows


def reports(
    user: User, *, state: str = STUCK, q: str = "", organisation: str = "", outcome: str = ""
) -> QuerySet[ResultReport]:
    """The reports that a person follows. Unknown values count as none."""
    rows: Any = _followed(user)
    if state == OPEN:
        rows = rows.filter(reached_at=None)
    elif state != ALL:
        rows = stuck(rows)
    exact = {
        "organisation__code": organisation,
        "application__status": outcome if outcome in Status.values else "",
    }
    rows = rows.filter(**{name: value for name, value in exact.items() if value})
    if q:
        rows = rows.filter(Q(application_number__iexact=q) | Q(recipient__display_name__icontains=q))
    found: QuerySet[ResultReport] = rows.defer("content")
    return found.select_related("organisation", "recipient", "notice", "application", "reached_by")


def _followed(user: User) -> Any:
    rows = ResultReport.objects.visible_to(user)
    if user.may(READ_OPERATIONS):
        return rows
    return rows.filter(organisation__in=user.organisations_where(TAKE_REPORTS))
