"""The numbers of the menu and of the home page. They stand on every page, so they cost two statements."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection

from portal.common.pagination import COUNT_LIMIT
from portal.common.time import today
from portal.jobs import selectors as jobs
from portal.orgs.models import User
from portal.orgs.permissions import READ_OPERATIONS
from portal.workflow import scope

UNREAD_LIMIT = 99

# What the person began and got back, what needs operations, failing jobs, notices, and whether anybody made them a deputy. Each part
# reads few rows of an index, within what the person sees (ORG-02). Constants only; every value is a parameter.
_OWN = f"""
    SELECT count(*) FILTER (WHERE own.status IN ('DRAFT', 'PULLED_BACK')),
           count(*) FILTER (WHERE own.status = 'RETURNED'),
           count(*) FILTER (WHERE own.status = 'IN_REVIEW'),
           count(*) FILTER (WHERE own.status = 'NEEDS_ATTENTION'),
           (SELECT count(*) FROM (
                SELECT FROM workflow_application one
                WHERE %(operations)s AND one.status = 'NEEDS_ATTENTION'
                  AND (%(everything)s OR one.organisation_id = ANY(%(organisations)s)) LIMIT %(limit)s) stuck),
           CASE WHEN %(operations)s THEN ({jobs.FAILING}) ELSE 0 END,
           (SELECT count(*) FROM (
                SELECT FROM notices_notice notice
                WHERE notice.to_user_id = %(person)s AND notice.read_at IS NULL
                  AND (%(everything)s OR notice.organisation_id = ANY(%(organisations)s)) LIMIT %(unread)s) unread),
           EXISTS (SELECT FROM orgs_deputy deputy
                   WHERE deputy.deputy_id = %(person)s AND deputy.valid_until >= %(today)s)
    FROM workflow_application own
    WHERE own.applicant_id = %(person)s
      AND (%(everything)s OR own.organisation_id = ANY(%(organisations)s))
"""  # noqa: S608


@dataclass(frozen=True, kw_only=True)
class WorkCounts:
    """The numbers of the home page and the navigation."""

    inbox: int
    overdue: int  # of the inbox
    drafts: int  # own, with those pulled back
    returned: int  # own
    in_review: int  # own
    attention: int  # of all that the person sees for operations, else own
    failing_jobs: int  # for operations
    unread_notices: int  # to this person, at most UNREAD_LIMIT


def work_counts(user: User, now: datetime) -> WorkCounts:
    """What waits for this person.

    What others wait for is counted up to COUNT_LIMIT + 1, the earliest due first: nobody reads more, and a million
    applications cost what a thousand cost.
    """
    day, operations = today(now), user.may(READ_OPERATIONS)
    values: dict[str, Any] = {
        "person": user.pk,
        "everything": user.scope.everything,
        "organisations": list(user.scope.organisation_ids),
        "operations": operations,
        "jobs": jobs.job_names(),
        "limit": COUNT_LIMIT + 1,
        "unread": UNREAD_LIMIT,
        "today": day,
    }
    with connection.cursor() as cursor:
        cursor.execute(_OWN, values)
        drafts, returned, in_review, own, stuck, failing, unread, is_deputy = cursor.fetchone()
    # An application in review has exactly one open stage, so the stages tell, over their own small index.
    stages = scope.decidable(user, is_deputy=is_deputy).order_by("due_on")
    waiting = stages.values_list("due_on", flat=True)[: COUNT_LIMIT + 1]
    return WorkCounts(
        inbox=len(waiting),
        overdue=sum(due_on is not None and due_on < day for due_on in waiting),
        drafts=drafts,
        returned=returned,
        in_review=in_review,
        attention=stuck if operations else own,
        failing_jobs=failing,
        unread_notices=unread,
    )
