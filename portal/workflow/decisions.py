"""Decisions on an application: approve, reject, return. One of two simultaneous deciders wins, the other is told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from portal.common.time import today
from portal.orgs.models import User
from portal.workflow import fulfilling, kinds, people, records, routes
from portal.workflow.comparison import plan_differences, revision_differences
from portal.workflow.content import blocked_reasons, frozen_plans, plan_lines, require_comment
from portal.workflow.errors import (
    AlreadyDecided,
    ContentChanged,
    InvalidApplication,
    MoveNotAllowed,
    NotAllowed,
)
from portal.workflow.models import Application, ApplicationLine, ApprovalStage, StageStatus, Status
from portal.workflow.plans import Plan, combined_digest
from portal.workflow.reports import making
from portal.workflow.verbs import Verb

DECIDED = (StageStatus.APPROVED, StageStatus.REJECTED, StageStatus.RETURNED)


@dataclass(frozen=True, kw_only=True)
class _Decision:
    """What somebody wants to decide, having seen what."""

    stage_id: int
    actor: User
    content_hash: str
    plan_digest: str
    comment: str
    now: datetime


@dataclass(frozen=True, kw_only=True)
class _Turn:
    """A stage that may be decided, under the lock."""

    application: Application
    stage: ApprovalStage
    stages: Sequence[ApprovalStage]
    acts_for: User | None

    def following(self) -> ApprovalStage | None:
        """The next stage of this revision."""
        later = [
            s for s in self.stages if s.revision == self.stage.revision and s.position > self.stage.position
        ]
        return min(later, key=lambda stage: stage.position, default=None)


def approve(
    *,
    application_id: int,
    stage_id: int,
    actor: User,
    content_hash: str,
    plan_digest: str,
    comment: str,
    now: datetime,
) -> Application:
    """Approve the open stage: open the next one, or hand the lines to fulfilment.

    The live plan is read before the lock. It must be the one that the person saw; `plan_digest` "" says that a target was
    unavailable then, so that they saw the frozen plan. While a target is unavailable the frozen plan counts (ACC-12).
    Raises AlreadyDecided, ContentChanged, NotAllowed, MoveNotAllowed, and InvalidApplication with the reasons of blocked
    checks by line or with "comment".
    """
    decision = _Decision(
        stage_id=stage_id,
        actor=actor,
        content_hash=content_hash,
        plan_digest=plan_digest,
        comment=require_comment(comment, required=False),
        now=now,
    )
    seen = Application.system.select_related("organisation", "applicant").get(pk=application_id)
    lines = list(seen.lines.all())
    if not ApprovalStage.system.filter(
        pk=stage_id, application_id=application_id, status=StageStatus.OPEN
    ).exists():
        live: list[Plan] | None = None  # it fails below, with the right words; no need to ask a target
    else:
        live = live_plans(seen, lines, now)
    return _approve_seen(application_id, decision, frozen_plans(lines), live)


def reject(
    *,
    application_id: int,
    stage_id: int,
    actor: User,
    content_hash: str,
    plan_digest: str,
    comment: str,
    now: datetime,
) -> Application:
    """却下: end the application and free its names. Raises as `approve`; a comment is required."""
    decision = _Decision(
        stage_id=stage_id,
        actor=actor,
        content_hash=content_hash,
        plan_digest=plan_digest,
        comment=require_comment(comment, required=True),
        now=now,
    )
    return _turn_down(application_id, decision, Status.REJECTED)


def return_(
    *,
    application_id: int,
    stage_id: int,
    actor: User,
    content_hash: str,
    plan_digest: str,
    comment: str,
    now: datetime,
) -> Application:
    """差戻し: back to the applicant, who keeps the number and the names. Raises as `approve`; a comment is required."""
    decision = _Decision(
        stage_id=stage_id,
        actor=actor,
        content_hash=content_hash,
        plan_digest=plan_digest,
        comment=require_comment(comment, required=True),
        now=now,
    )
    return _turn_down(application_id, decision, Status.RETURNED)


def live_plans(
    application: Application, lines: Sequence[ApplicationLine], now: datetime
) -> list[Plan] | None:
    """What each line would do now; None when a target could not be asked. No lock may be held."""
    plans = plan_lines(kinds.get(application.kind), application, lines, today(now))
    return None if any(plan.unavailable for plan in plans) else plans


@transaction.atomic
def _approve_seen(
    application_id: int, decision: _Decision, frozen: list[Plan], live: list[Plan] | None
) -> Application:
    turn = _take_turn(application_id, decision)
    _require_plan(decision, frozen, live)
    application = turn.application
    _decide(turn, decision, StageStatus.APPROVED)
    following = turn.following()
    if following is not None:
        taken = people.taken_in(turn.stages, application.revision)
        asked = routes.open_stage(following, taken=taken, now=decision.now)
        application.due_on = following.due_on
        records.save(application, "due_on")
        _record(turn, decision, Verb.APPROVED, Status.IN_REVIEW)
        records.ask(application, following, asked.values(), decision.now)
        return application
    application.move_to(Status.FULFILLING)
    application.due_on, application.decided_at = None, decision.now
    records.save(application, "status", "due_on", "decided_at")
    _record(turn, decision, Verb.APPROVED, Status.IN_REVIEW)
    if live is not None and combined_digest(live) != combined_digest(frozen):
        _keep_approved(application, live)
    fulfilling.start(application, decision.now)
    return application


def _keep_approved(application: Application, live: Sequence[Plan]) -> None:
    """From now on the plan of each line is the one that was approved last: a handler carries out that one or nothing."""
    lines = list(application.lines.all())
    for line, plan in zip(lines, live, strict=True):
        line.plan = plan.to_json()
    records.save_lines(lines, "plan")


@transaction.atomic
def _turn_down(application_id: int, decision: _Decision, status: Status) -> Application:
    turn = _take_turn(application_id, decision)
    application = turn.application
    rejected = status == Status.REJECTED
    _decide(turn, decision, StageStatus.REJECTED if rejected else StageStatus.RETURNED)
    application.move_to(status)
    application.due_on = None
    if rejected:
        application.decided_at = decision.now
        application.lines.update(is_open=False)  # frees the names (ACC-06)
        _report_rejection(turn, decision)
    else:
        records.tell(application, "application_returned", [application.applicant], decision.now)
    cancel_stages(application)
    records.save(application, "status", "due_on", "decided_at", "report")
    _record(turn, decision, Verb.REJECTED if rejected else Verb.RETURNED, Status.IN_REVIEW)
    return application


def _report_rejection(turn: _Turn, decision: _Decision) -> None:
    """The end by a decision has a result report too: who, when, why (REQ-12)."""
    application = turn.application
    notice = records.tell_one(application, "application_rejected", application.applicant, decision.now)
    said = making.rejection(
        by=decision.actor,
        acted_for=turn.acts_for,
        stage_label=turn.stage.label,
        comment=decision.comment,
        now=decision.now,
    )
    making.issue(application, lines=[], notice=notice, now=decision.now, decision=said)


def cancel_stages(application: Application) -> None:
    """Nobody decides the remaining stages any more."""
    open_ones = application.stages.filter(status__in=(StageStatus.OPEN, StageStatus.WAITING))
    open_ones.update(status=StageStatus.CANCELLED)


def _take_turn(application_id: int, decision: _Decision) -> _Turn:
    """Lock the application and make sure that this person may decide this stage of what they saw.

    Raises AlreadyDecided, MoveNotAllowed, NotAllowed, ContentChanged.
    """
    application = records.lock(application_id)
    stages = list(application.stages.select_related("decided_by", "acted_for", "organisation"))
    stage = next((stage for stage in stages if stage.pk == decision.stage_id), None)
    if stage is not None and stage.status in DECIDED:
        raise AlreadyDecided(stage)
    if application.status != Status.IN_REVIEW or stage is None or stage.status != StageStatus.OPEN:
        raise MoveNotAllowed(application.number, application.status, Status.FULFILLING)
    taken = people.taken_in(stages, application.revision)
    standing = people.standing(stage, decision.actor, today(decision.now), taken)
    if not standing.may_decide:
        raise NotAllowed(standing.why_not)
    if decision.content_hash != application.content_hash:
        raise ContentChanged(revision_differences(application))
    return _Turn(application=application, stage=stage, stages=stages, acts_for=standing.acts_for)


def _require_plan(decision: _Decision, frozen: list[Plan], live: list[Plan] | None) -> None:
    """The plan that would be carried out is the one that the person saw, and nothing in it is blocked.

    Raises ContentChanged or InvalidApplication.
    """
    seen = decision.plan_digest or combined_digest(frozen)
    if live is not None and combined_digest(live) != seen:
        raise ContentChanged(plan_differences(frozen, live))
    blocked = blocked_reasons(live if live is not None else frozen)
    if blocked:
        raise InvalidApplication(blocked)


def _decide(turn: _Turn, decision: _Decision, status: StageStatus) -> None:
    stage = turn.stage
    stage.status = status
    stage.decided_by, stage.acted_for = decision.actor, turn.acts_for
    stage.decided_at, stage.comment = decision.now, decision.comment
    stage.content_hash, stage.plan_digest = decision.content_hash, decision.plan_digest
    stage.save()


def _record(turn: _Turn, decision: _Decision, verb: Verb, before: Status) -> None:
    records.record(
        turn.application,
        verb,
        actor=decision.actor,
        acted_for=turn.acts_for,
        now=decision.now,
        from_status=before,
        comment=decision.comment,
        data={
            "stage": turn.stage.position,
            "stage_label": turn.stage.label,
            "content_hash": decision.content_hash,
            "plan_digest": decision.plan_digest,
        },
    )
