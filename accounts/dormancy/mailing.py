"""Mail about the lists, without a name in it: the list itself is read in the portal (ACC-04, ACC-14)."""

from __future__ import annotations

from datetime import datetime

from accounts.dormancy.models import DormantReview
from portal.common.time import today
from portal.notices import services as notices
from portal.orgs.models import User
from portal.orgs.permissions import ANSWER_DORMANT, Role
from portal.workflow import people

LIST, REMINDER, OVERDUE = "dormant_list", "dormant_reminder", "dormant_overdue"


def tell_about_list(review: DormantReview, waiting: int, now: datetime) -> None:
    """The list is there: to everybody who may answer it."""
    _send(
        LIST, review, waiting, people.members(review.organisation_id, ANSWER_DORMANT.roles, today(now)), now
    )


def remind(review: DormantReview, waiting: int, now: datetime) -> None:
    """Some days are left: to everybody who may answer."""
    _send(
        REMINDER,
        review,
        waiting,
        people.members(review.organisation_id, ANSWER_DORMANT.roles, today(now)),
        now,
    )


def tell_overdue(review: DormantReview, waiting: int, now: datetime) -> None:
    """The date has passed: to the security manager (else to whoever may answer) and to network operations."""
    day = today(now)
    own = people.members(review.organisation_id, {Role.SECURITY_MANAGER}, day) or people.members(
        review.organisation_id, ANSWER_DORMANT.roles, day
    )
    _send(OVERDUE, review, waiting, (own | people.operators(day)), now)


def _send(template: str, review: DormantReview, waiting: int, to: dict[int, User], now: datetime) -> None:
    for person in to.values():
        notices.queue(
            template=template,
            now=now,
            organisation_id=review.organisation_id,
            to_user=person,
            context={
                "review": review.pk,
                "count": waiting,
                "due_on": review.due_on.isoformat(),
                "month_on": review.run.period.isoformat(),
            },
        )
