"""Mail about the lists, without a name in it: the list itself is read in the portal (ACC-04, ACC-14)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime

from accounts.dormancy.models import DormantReview
from portal.common.time import today
from portal.notices import services as notices
from portal.orgs.models import Membership, User
from portal.orgs.permissions import ANSWER_DORMANT, Role
from portal.workflow import people

LIST, REMINDER, OVERDUE = "dormant_list", "dormant_reminder", "dormant_overdue"


def tell_about_list(review: DormantReview, waiting: int, now: datetime) -> None:
    """The list is there: to everybody who may answer it."""
    _send(LIST, review, waiting, _holders(review, ANSWER_DORMANT.roles, today(now)), now)


def remind(review: DormantReview, waiting: int, now: datetime) -> None:
    """Some days are left: to everybody who may answer."""
    _send(REMINDER, review, waiting, _holders(review, ANSWER_DORMANT.roles, today(now)), now)


def tell_overdue(review: DormantReview, waiting: int, now: datetime) -> None:
    """The date has passed: to the security manager (else to whoever may answer) and to network operations."""
    day = today(now)
    own = _holders(review, {Role.SECURITY_MANAGER}, day) or _holders(review, ANSWER_DORMANT.roles, day)
    _send(OVERDUE, review, waiting, (own | people.operators(day)), now)


def _holders(review: DormantReview, roles: Iterable[str], day: date) -> dict[int, User]:
    rows = Membership.system.valid_on(day).filter(
        organisation_id=review.organisation_id,
        role__in=list(roles),
        user__is_active=True,
        user__is_break_glass=False,
    )
    return {row.user_id: row.user for row in rows.select_related("user").order_by("user_id")}


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
