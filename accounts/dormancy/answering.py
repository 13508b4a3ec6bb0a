"""The federation's answer to each line: keep with a reason, or delete (ACC-14)."""

from __future__ import annotations

import enum
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.dormancy import deletions, evidence
from accounts.dormancy.errors import InvalidAnswer, ListClosed
from accounts.dormancy.evidence import Evidence
from accounts.dormancy.listing import close
from accounts.dormancy.models import DormantLine, DormantReview
from portal.common.time import today
from portal.orgs.models import Membership, User
from portal.orgs.permissions import ANSWER_DORMANT, APPLY, Permission
from portal.trail import services as trail
from portal.workflow.content import text_problem
from portal.workflow.errors import NotAllowed

REASON_LENGTH = 200


class What(enum.Enum):
    """What became of one decision."""

    ANSWERED = "answered"
    LEFT = "left"
    """The account needs no answer any more; the line says why."""
    CHANGED = "changed"
    """Somebody else was quicker: the line shows who."""
    SAME = "same"
    """This person has given this answer already: a click that came twice."""
    REFUSED = "refused"
    """The answer cannot be changed any more; `text` says why."""


@dataclass(frozen=True, kw_only=True)
class Decision:
    """One answer to one line as the person saw it (`version`)."""

    line_id: int
    version: int
    answer: str
    reason: str = ""


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """One decision and what became of it."""

    line: DormantLine
    what: What
    text: str = ""


def answer(*, review_id: int, decisions: Sequence[Decision], actor: User, now: datetime) -> list[Outcome]:
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
    review_id: int, wanted: dict[int, Decision], seen: Evidence, actor: User, now: datetime
) -> list[Outcome]:
    rows = DormantReview.system.select_for_update(of=("self",)).select_related("run", "organisation")
    review = rows.get(pk=review_id)
    _require_may_answer(review, wanted.values(), actor, now)
    if review.status == DormantReview.Status.SUPERSEDED or _is_replaced(review):
        raise ListClosed
    locked = review.lines.select_for_update(of=("self",)).select_related("answered_by", "organisation")
    lines = list(locked.filter(pk__in=wanted).order_by("pk"))
    outcomes = [_take(review, line, wanted[line.pk], seen, actor, now) for line in lines]
    answered = [outcome.line for outcome in outcomes if outcome.what is What.ANSWERED]
    to_delete = [
        line for line in answered if line.answer == DormantLine.Answer.DELETE and not line.application_id
    ]
    deletions.open_for(review, to_delete, actor=actor, now=now)
    for outcome in outcomes:
        if outcome.what in (What.ANSWERED, What.LEFT):
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


def may(actor: User, permission: Permission, organisation_id: int, now: datetime) -> bool:
    """Whether a membership of today gives the permission, read fresh."""
    held = Membership.system.valid_on(today(now)).filter(user_id=actor.pk, organisation_id=organisation_id)
    return held.filter(
        role__in=permission.roles,
        organisation__kind__in=permission.kinds,
        user__is_active=True,
        user__is_break_glass=False,
    ).exists()


def _require_may_answer(
    review: DormantReview, decisions: Iterable[Decision], actor: User, now: datetime
) -> None:
    if not may(actor, ANSWER_DORMANT, review.organisation_id, now):
        raise NotAllowed(_("Applicants and security managers of the organisation answer its list."))
    deletes = any(decision.answer == DormantLine.Answer.DELETE for decision in decisions)
    if deletes and not may(actor, APPLY, review.organisation_id, now):
        raise NotAllowed(_("Only an applicant can answer “delete”, because it opens a delete application."))


def _checked(decision: Decision) -> Decision:
    """The decision with its reason trimmed. Raises InvalidAnswer."""
    reason = decision.reason.strip()
    if decision.answer not in DormantLine.Answer.values:
        raise InvalidAnswer({"answer": _("Choose keep or delete.")})
    if decision.answer == DormantLine.Answer.KEEP and not reason:
        raise InvalidAnswer({"reason": _("Write why the account is still needed.")})
    if problem := text_problem(reason, REASON_LENGTH):
        raise InvalidAnswer({"reason": problem})
    return Decision(line_id=decision.line_id, version=decision.version, answer=decision.answer, reason=reason)


def _is_replaced(review: DormantReview) -> bool:
    later = DormantReview.system.filter(organisation=review.organisation_id)
    return later.filter(run__period__gt=review.run.period).exists()


def _take(
    review: DormantReview, line: DormantLine, decision: Decision, seen: Evidence, actor: User, now: datetime
) -> Outcome:
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
        return Outcome(line=line, what=What.LEFT)
    taken_back = line.application_id is not None and decision.answer == DormantLine.Answer.KEEP
    if taken_back and (problem := deletions.take_out(line, actor=actor, now=now)):
        return Outcome(line=line, what=What.REFUSED, text=problem)
    line.answer, line.reason = decision.answer, decision.reason
    line.answered_by, line.answered_at = actor, now
    line.evidence = seen.to_json(line.object_guid)
    return Outcome(line=line, what=What.ANSWERED)


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
