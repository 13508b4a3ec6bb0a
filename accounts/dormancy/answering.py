"""The federation's answer to each line: keep with a reason, or delete (ACC-14)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.dormancy import deletions, evidence
from accounts.dormancy.errors import ListClosed
from accounts.dormancy.evidence import Evidence
from accounts.dormancy.listing import close
from accounts.dormancy.models import DormantLine, DormantReview
from portal.common.time import today
from portal.orgs.models import User
from portal.orgs.permissions import ANSWER_DORMANT
from portal.trail import services as trail
from portal.workflow import people
from portal.workflow.errors import NotAllowed
from portal.workflow.rounds.answers import Answer, InvalidAnswer, Outcome, What


def answer(
    *, review_id: int, decisions: Sequence[Answer], actor: User, now: datetime
) -> list[Outcome[DormantLine]]:
    """Take answers to lines of one list. AD is asked again first: whoever logged on since is off the list.

    Each line is judged by itself, and what somebody else has answered meanwhile stays. Raises NotAllowed, InvalidAnswer,
    ListClosed; then nothing was answered.
    """
    review = DormantReview.system.get(pk=review_id)
    _require_may_answer(review, decisions, actor, now)
    wanted = {decision.line_id: _checked(decision) for decision in decisions}
    guids = review.lines.filter(pk__in=wanted).values_list("object_guid", flat=True)
    seen = evidence.look(list(guids))
    return _answer_locked(review_id, wanted, seen, actor, now)


@transaction.atomic
def _answer_locked(
    review_id: int, wanted: dict[int, Answer], seen: Evidence, actor: User, now: datetime
) -> list[Outcome[DormantLine]]:
    rows = DormantReview.system.select_for_update(of=("self",)).select_related("run", "organisation")
    review = rows.get(pk=review_id)
    _require_may_answer(review, wanted.values(), actor, now)
    if review.status == DormantReview.Status.SUPERSEDED or _is_replaced(review):
        raise ListClosed
    locked = review.lines.select_for_update(of=("self",)).select_related("answered_by", "organisation")
    lines = list(locked.filter(pk__in=wanted).order_by("pk"))
    outcomes = [_take(review, line, wanted[line.pk], seen, actor, now) for line in lines]
    answered = [outcome.line for outcome in outcomes if outcome.what is What.TAKEN]
    to_delete = [
        line for line in answered if line.answer == DormantLine.Answer.DELETE and not line.application_id
    ]
    deletions.open_for(review, to_delete, actor=actor, now=now)
    for outcome in outcomes:
        if outcome.what in (What.TAKEN, What.OVER):
            _save(review, outcome.line, actor, now)
    settle(review, now)
    return outcomes


def settle(review: DormantReview, now: datetime) -> None:
    """Close a list without open lines, open one that has some again; under the list's lock."""
    waiting = review.lines.filter(answer="", left="").exists()
    if not waiting and review.status == DormantReview.Status.OPEN:
        close(review, DormantReview.Status.ANSWERED, now)
    elif waiting and review.status == DormantReview.Status.ANSWERED:
        review.status, review.closed_at = DormantReview.Status.OPEN, None
        review.save(update_fields=["status", "closed_at"])


def _require_may_answer(
    review: DormantReview, decisions: Iterable[Answer], actor: User, now: datetime
) -> None:
    day = today(now)
    if not people.may(actor, ANSWER_DORMANT, review.organisation_id, day):
        raise NotAllowed(_("Applicants and security managers of the organisation answer its list."))
    deletes = any(decision.answer == DormantLine.Answer.DELETE for decision in decisions)
    if deletes and not people.may_apply(actor, review.organisation_id, day):
        raise NotAllowed(_("Only an applicant can answer “delete”, because it opens a delete application."))


def _checked(given: Answer) -> Answer:
    """The answer with its reason trimmed. Raises InvalidAnswer."""
    found = given.checked(DormantLine.Answer.values, field="answer", unknown=_("Choose keep or delete."))
    if found.answer == DormantLine.Answer.KEEP and not found.reason:
        raise InvalidAnswer({"reason": _("Write why the account is still needed.")})
    return found


def _is_replaced(review: DormantReview) -> bool:
    later = DormantReview.system.filter(organisation=review.organisation_id)
    return later.filter(run__period__gt=review.run.period).exists()


def _take(
    review: DormantReview, line: DormantLine, decision: Answer, seen: Evidence, actor: User, now: datetime
) -> Outcome[DormantLine]:
    """Judge one line and change it in memory."""
    same = (line.answer, line.reason) == (decision.answer, decision.reason)
    if line.version != decision.version or line.left:
        own = same and line.answered_by_id == actor.pk
        return Outcome(line=line, what=What.SAME if own else What.CHANGED)
    left = seen.left_of(line.object_guid, review.run.cut_off)
    # An account whose deletion is on its way is decided there; here its answer can still be taken back.
    if left and line.application_id is None:
        line.left, line.evidence = left, seen.to_json(line.object_guid)
        line.answer, line.reason, line.answered_by, line.answered_at = "", "", None, None
        return Outcome(line=line, what=What.OVER)
    taken_back = line.application_id is not None and decision.answer == DormantLine.Answer.KEEP
    if taken_back and (problem := deletions.take_out(line, actor=actor, now=now)):
        return Outcome(line=line, what=What.REFUSED, text=problem)
    line.answer, line.reason = decision.answer, decision.reason
    line.answered_by, line.answered_at = actor, now
    line.evidence = seen.to_json(line.object_guid)
    return Outcome(line=line, what=What.TAKEN)


def _save(review: DormantReview, line: DormantLine, actor: User, now: datetime) -> None:
    line.version += 1
    line.save()
    trail.record(
        action="dormant.left" if line.left else "dormant.answer",
        now=now,
        actor=actor,
        object_type="accounts.dormancy.dormantline",
        object_id=line.pk,
        object_label=line.login_name,
        object_organisation_id=line.organisation_id,
        detail={
            "list": str(review),
            "answer": line.answer,
            "left": line.left,
            "application": line.application.number if line.application else "",
            "evidence": line.evidence,
        },
    )
