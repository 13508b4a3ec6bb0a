"""What the portal looks after by itself: stages that nobody can decide any more, and stages that are overdue."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, datetime

from django.db import transaction
from django.db.models import Q, QuerySet

from portal.common.search import batched
from portal.common.time import add_business_days, is_business_day, today
from portal.workflow import kinds, people, records, routes, subjects
from portal.workflow.drafts import search_text
from portal.workflow.models import Application, ApplicationLine, ApprovalStage, StageStatus, Status
from portal.workflow.verbs import Verb


def check_open_stages(*, now: datetime, organisation_ids: Collection[int] | None = None) -> int:
    """Hand every open stage that nobody can decide any more to network operations; the number of stages moved.

    With `organisation_ids` only stages that are decided there: right after somebody lost a role. A stage that nobody in
    operations can decide either stays as it is and is looked at again the next night.
    """
    rows = _open_stages()
    if organisation_ids is not None:
        rows = rows.filter(organisation__in=organisation_ids)
    orphaned = [stage.application_id for stage in rows.iterator() if not _has_decider(stage, now)]
    return sum(_hand_over(application_id, now) for application_id in orphaned)


def stages_left_alone(*, person_id: int, organisation_id: int, roles: Collection[str], day: date) -> int:
    """How many open stages nobody could decide if this person did not hold these roles there any more."""
    rows = _open_stages().filter(organisation=organisation_id, role__in=roles)
    others = {role: set(people.holders(role, organisation_id, day)) - {person_id} for role in roles}
    return sum(
        not others[stage.role] - {stage.applicant_id, *stage.concerned} - _taken(stage) for stage in rows
    )


def _taken(stage: ApprovalStage) -> set[int]:
    stages = list(stage.application.stages.all()) if stage.position > 1 else []
    return people.taken_in(stages, stage.revision)


def remind_overdue(*, now: datetime) -> int:
    """Mail everybody who can decide an overdue stage, once on each business day; the number of stages reminded."""
    day = today(now)
    if not is_business_day(day):
        return 0
    overdue = _open_stages().filter(Q(reminded_on=None) | Q(reminded_on__lt=day), due_on__lt=day)
    return sum(_remind(stage_id, now) for stage_id in list(overdue.values_list("pk", flat=True)))


def rebuild_search_texts() -> int:
    """Fold the search text of every application anew, after the way of folding or the kinds' terms changed."""
    count = 0
    rows = Application.system.select_related("organisation", "applicant").order_by("pk")
    for batch in batched(rows.prefetch_related("lines").iterator(chunk_size=500), 500):
        for application in batch:
            application.search_text = _folded_anew(application)
        count += Application.system.bulk_update(batch, ["search_text"])
    return count


def name_open_subjects() -> int:
    """Name the subjects of every open line anew, after an upgrade or after a kind names others (portal.workflow.subjects)."""
    count = 0
    rows = ApplicationLine.system.filter(is_open=True).select_related("application").order_by("pk")
    for batch in batched(rows.iterator(chunk_size=500), 500):
        for line in batch:
            try:
                kind = kinds.get(line.application.kind)
                line.subjects = subjects.names_of(kind, kind.load(line.payload, line.payload_version))
            except (KeyError, TypeError, ValueError, AttributeError):
                continue  # a kind that is no longer installed
        count += ApplicationLine.system.bulk_update(batch, ["subjects"])
    return count


def _folded_anew(application: Application) -> str:
    lines = list(application.lines.all())
    terms: list[str] = []
    for line in lines:
        try:
            kind = kinds.get(application.kind)
            terms += kind.search_terms(kind.load(line.payload, line.payload_version))
        except (KeyError, TypeError, ValueError, AttributeError):
            continue  # an incomplete draft, or a kind that is no longer installed: its subject is all there is
    return search_text(application, [line.subject for line in lines], terms)


def _open_stages() -> QuerySet[ApprovalStage]:
    rows = ApprovalStage.system.filter(status=StageStatus.OPEN, application__status=Status.IN_REVIEW)
    return rows.select_related("application", "organisation").order_by("pk")


def _has_decider(stage: ApprovalStage, now: datetime) -> bool:
    """A cheap look without lock: somebody other than the applicant holds the role; who decided before is checked with it."""
    held = people.holders(stage.role, stage.organisation_id, today(now))
    return bool(set(held) - {stage.applicant_id, *stage.concerned} - _taken(stage))


@transaction.atomic
def _hand_over(application_id: int, now: datetime) -> int:
    application = records.lock(application_id)
    stages = list(application.stages.select_related("organisation"))
    stage = next((stage for stage in stages if stage.status == StageStatus.OPEN), None)
    taken = people.taken_in(stages, application.revision)
    if stage is None or people.deciders(stage, today(now), taken):
        return 0  # decided, or somebody came, since the look
    found = routes.hand_to_operations(stage, taken=taken, now=now)
    if not found:
        return 0
    stage.due_on = application.due_on = add_business_days(today(now), stage.business_days)
    stage.save()
    records.save(application, "due_on")
    data = {"stage": stage.position, "stage_label": stage.label}
    records.record(
        application, Verb.HANDED_TO_OPERATIONS, actor=None, now=now, from_status=application.status, data=data
    )
    records.ask(application, stage, found.values(), now)
    return 1


@transaction.atomic
def _remind(stage_id: int, now: datetime) -> int:
    day = today(now)
    due = ApprovalStage.system.filter(pk=stage_id, status=StageStatus.OPEN)
    if not due.filter(Q(reminded_on=None) | Q(reminded_on__lt=day)).update(reminded_on=day):
        return 0  # decided, or another run was first
    stage = ApprovalStage.system.select_related("application", "organisation").get(pk=stage_id)
    taken = people.taken_in(list(stage.application.stages.all()), stage.revision)
    records.ask(stage.application, stage, people.deciders(stage, day, taken).values(), now, reminder=True)
    records.record_action(stage.application, "remind", actor=None, now=now)
    return 1
