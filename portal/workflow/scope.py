"""Which applications a person reads, and which stages are theirs to decide (ORG-02, ORG-04)."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from portal.common.time import today
from portal.orgs.models import Deputy, Membership, Organisation, User
from portal.orgs.permissions import DECIDE, READ_APPLICATIONS, SEES_EVERYTHING, Role
from portal.workflow import people
from portal.workflow.models import (
    Application,
    ApprovalStage,
    StageStatus,
    Status,
)


def readable(user: User) -> Any:
    """What the person may read: all of the organisations whose applications they read or decide, and their own.

    Somebody else's draft is nobody's business. Where the scope alone says it no condition is added: the index of the
    organisation then gives each page at the same price, however many applications there are.
    """
    rows = Application.objects.visible_to(user).exclude(~Q(applicant=user), status=Status.DRAFT)
    if _reads(user, user.organisations_where(READ_APPLICATIONS)):
        return rows
    readable = [*user.organisations_where(READ_APPLICATIONS), *(row.organisation for row in _deputies(user))]
    if _reads(user, readable):
        return rows
    if not readable:
        return rows.filter(applicant=user)
    return rows.filter(
        Q(applicant=user) | Q(organisation_id__in={organisation.pk for organisation in readable})
    )


def decidable(user: User, *, is_deputy: bool = True) -> QuerySet[ApprovalStage]:
    """The open stages that are the person's to decide, in an own role or for a principal.

    `is_deputy` False: the caller knows that the person is nobody's deputy, so that need not be asked.
    """
    if user.is_break_glass:
        return ApprovalStage.system.none()
    own = Q(pk__in=[])
    for membership in user.current_memberships:
        if membership.role in DECIDE.roles:
            own |= Q(organisation_id=membership.organisation_id, role=membership.role)
    for row in _deputies(user) if is_deputy else ():
        free = ~_taken(row.principal_id) & ~_about(row.principal_id)  # ORG-04 through a deputy
        own |= Q(organisation_id=row.organisation_id, role=row.role) & free
    stages = ApprovalStage.system.filter(own, status=StageStatus.OPEN).exclude(_about(user.pk))
    return stages.exclude(_taken(user.pk))


def may_decide(user: User, application: Application, stages: list[ApprovalStage], now: datetime) -> bool:
    stage = next((stage for stage in stages if stage.status == StageStatus.OPEN), None)
    if stage is None:
        return False
    return people.standing(stage, user, today(now), people.taken_in(stages, application.revision)).may_decide


def _reads(user: User, readable: list[Organisation]) -> bool:
    """Whether those organisations are all that the person's scope holds."""
    if user.scope.everything:
        return any(organisation.kind in SEES_EVERYTHING for organisation in readable)
    return user.scope.organisation_ids <= {organisation.pk for organisation in readable}


def _deputies(user: User) -> list[Deputy]:
    """Today's entries that make the person a deputy: of somebody who still holds the role, where they work themselves."""
    day = timezone.localdate()
    own = [m.organisation_id for m in user.current_memberships if m.role != Role.AUDITOR]
    rows = Deputy.objects.visible_to(user).filter(deputy=user, role__in=DECIDE.roles, organisation_id__in=own)
    rows = rows.filter(
        Q(ended_at=None) | Q(ended_at__date__gt=day), valid_from__lte=day, valid_until__gte=day
    )
    found = list(rows.select_related("organisation"))
    if not found:  # so with nearly everybody, on every page
        return []
    holders = Membership.system.valid_on(day).filter(  # type: ignore[attr-defined]
        user_id__in={row.principal_id for row in found}, user__is_active=True
    )
    held = set(holders.values_list("user_id", "organisation_id", "role"))
    return [row for row in found if (row.principal_id, row.organisation_id, row.role) in held]


def _about(person_id: int) -> Q:
    """Stages of applications that the person made or that are about them."""
    return Q(applicant_id=person_id) | Q(concerned__contains=person_id)


def _taken(person_id: int) -> Exists:
    """Whether the person decided another stage of the same revision, or somebody did for them."""
    same = ApprovalStage.system.filter(
        application_id=OuterRef("application_id"), revision=OuterRef("revision")
    )
    return Exists(same.filter(Q(decided_by_id=person_id) | Q(acted_for_id=person_id)))
