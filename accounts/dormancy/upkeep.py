"""What happens to the lists by the clock: months that AD held up, answers without a result, reminders (ACC-14)."""

from __future__ import annotations

from datetime import date, datetime

from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from accounts.dormancy import listing, mailing
from accounts.dormancy.answering import settle
from accounts.dormancy.models import DormantLine, DormantReview
from portal.common.time import is_business_day, today
from portal.gateways.directory import DirectoryError
from portal.trail import services as trail
from portal.workflow.rounds import reminding
from portal.workflow.rounds.drafts import WITHOUT_RESULT

REMIND_BEFORE = (7, 3)  # business days
_OVERDUE_AGAIN = 5  # business days between two mails about a list that is overdue


def look_after(*, now: datetime) -> str:
    """Each morning: finish months that were begun, ask again where a deletion came to nothing, remind."""
    try:
        finished = listing.finish_lists(now=now)
        text = _("%(count)d months finished") % {"count": finished}
    except DirectoryError as error:
        text = _("Active Directory did not answer (%(code)s)") % {"code": error.code}
    asked = ask_again(now=now)
    reminded = remind(now=now)
    return _("%(text)s; %(asked)d asked again; %(reminded)d reminded") % {
        "text": text,
        "asked": asked,
        "reminded": reminded,
    }


def ask_again(*, now: datetime) -> int:
    """Open the lines whose delete application was withdrawn, rejected or closed; how many."""
    ended = DormantLine.system.filter(
        answer=DormantLine.Answer.DELETE, application__status__in=WITHOUT_RESULT
    ).exclude(review__status=DormantReview.Status.SUPERSEDED)
    return sum(_ask_again(review_id, now) for review_id in set(ended.values_list("review_id", flat=True)))


def remind(*, now: datetime) -> int:
    """Mail about open lists: 7 and 3 business days before the date, and after it; never twice on one day."""
    day = today(now)
    if not is_business_day(day):
        return 0
    return sum(_remind(pk, now) for pk in list(_open(day).values_list("pk", flat=True)))


def _open(day: date) -> QuerySet[DormantReview]:
    rows = DormantReview.system.filter(status=DormantReview.Status.OPEN)
    return rows.exclude(reminded_on=day).order_by("pk")


@transaction.atomic
def _ask_again(review_id: int, now: datetime) -> int:
    review = DormantReview.system.select_for_update(of=("self",)).select_related("run").get(pk=review_id)
    if review.status == DormantReview.Status.SUPERSEDED:
        return 0
    rows = review.lines.select_for_update(of=("self",)).select_related("application")
    lines = list(
        rows.filter(answer=DormantLine.Answer.DELETE, application__status__in=WITHOUT_RESULT).order_by("pk")
    )
    for line in lines:
        number = line.application.number if line.application else ""
        line.answer, line.reason, line.application = "", "", None
        line.answered_by, line.answered_at = None, None
        line.version += 1
        line.save()
        trail.record(
            action="dormant.ask_again",
            now=now,
            actor=None,
            object_type="accounts.dormancy.dormantline",
            object_id=line.pk,
            object_label=line.login_name,
            object_organisation_id=line.organisation_id,
            detail={"application": number},
        )
    settle(review, now)
    return len(lines)


@transaction.atomic
def _remind(review_id: int, now: datetime) -> int:
    day = today(now)
    rows = _open(day).select_for_update(of=("self",)).select_related("run")
    review = rows.filter(pk=review_id).first()
    if review is None or not _is_due(review, day):
        return 0  # answered, or another run was first
    waiting = review.lines.filter(answer="", left="").count()
    if day > review.due_on:
        mailing.tell_overdue(review, waiting, now)
    else:
        mailing.remind(review, waiting, now)
    review.reminded_on = day
    review.save(update_fields=["reminded_on"])
    trail.record(
        action="dormant.remind",
        now=now,
        actor=None,
        object_type="accounts.dormancy.dormantreview",
        object_id=review.pk,
        object_label=str(review),
        object_organisation_id=review.organisation_id,
    )
    return 1


def _is_due(review: DormantReview, day: date) -> bool:
    return reminding.is_owed(
        day,
        due=review.due_on,
        last=review.reminded_on,
        told=today(review.created_at),
        before=REMIND_BEFORE,
        again_after=_OVERDUE_AGAIN,
    )
