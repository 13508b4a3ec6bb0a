"""Who may decide a stage, read fresh from the database: own role, or a deputy within their dates (ORG-03, ORG-04)."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date

from django.db.models import Exists, OuterRef
from django.utils.translation import gettext as _

from portal.orgs.models import Deputy, Membership, Organisation, PeriodQuerySet, User
from portal.orgs.permissions import APPLY, DECIDE, OrganisationKind, Permission, Role
from portal.workflow.models import ApprovalStage


@dataclass(frozen=True, kw_only=True)
class Standing:
    """How a person stands to a stage: they may decide it, for themselves or for a principal, or a sentence why not."""

    may_decide: bool
    acts_for: User | None = None
    why_not: str = ""


def holders(role: str, organisation_id: int, day: date) -> dict[int, User]:
    """The active people who hold a deciding role in an organisation on `day`, by primary key."""
    if role not in DECIDE.roles:
        return {}
    return members(organisation_id, [role], day)


def deciders(stage: ApprovalStage, day: date, taken: Collection[int] = ()) -> dict[int, User]:
    """Everybody who can decide the stage: holders of the role and their deputies, for the mail (ACC-04).

    `taken` are people who cannot: they decided another stage of this revision, or somebody decided it for them.
    """
    excluded = {stage.applicant_id, *stage.concerned, *taken}  # ORG-04
    own = {
        pk: user for pk, user in holders(stage.role, stage.organisation_id, day).items() if pk not in excluded
    }
    rows = (
        _deputies(stage, day)
        .filter(principal_id__in=own)
        .exclude(deputy_id__in=excluded)
        .select_related("deputy")
    )
    return own | {row.deputy_id: row.deputy for row in rows}


def taken_in(stages: Collection[ApprovalStage], revision: int) -> set[int]:
    """The people who already decided a stage of this revision, or for whom a deputy did."""
    decided = [stage for stage in stages if stage.revision == revision]
    return {pk for stage in decided for pk in (stage.decided_by_id, stage.acted_for_id) if pk is not None}


def standing(stage: ApprovalStage, actor: User, day: date, taken: Collection[int]) -> Standing:
    """Whether `actor` may decide the stage on `day`, judged on the memberships as they are in the database now."""
    if actor.pk == stage.applicant_id:  # ORG-04, also for superusers and as somebody's deputy
        return _no(_("You applied for this yourself. Another person decides."))
    if actor.pk in stage.concerned:
        return _no(_("This application is about yourself. Another person decides."))
    if actor.pk in taken:
        return _no(_("You already decided a stage of this application. Another person decides this one."))
    own = holders(stage.role, stage.organisation_id, day)
    if actor.pk in own:
        return Standing(may_decide=True)
    rows = list(_deputies(stage, day).filter(deputy_id=actor.pk).select_related("principal").order_by("pk"))
    rows = [
        row for row in rows if row.principal_id in own
    ]  # never for a principal who lost the role, nor a deputy's deputy
    for row in rows:
        if row.principal_id not in {stage.applicant_id, *stage.concerned, *taken}:
            return Standing(may_decide=True, acts_for=row.principal)
    if any(row.principal_id == stage.applicant_id for row in rows):  # ORG-04 through a deputy
        return _no(_("You stand in for the applicant here. Another person decides."))
    if any(row.principal_id in stage.concerned for row in rows):
        return _no(_("You stand in for the person whom this is about. Another person decides."))
    if rows:
        return _no(
            _(
                "The person you stand in for already decided a stage of this application. Another person decides this one."
            )
        )
    return _no(_("You do not have the role that decides this stage."))


def may(person: User, permission: Permission, organisation_id: int, day: date) -> bool:
    """Whether a membership of that day gives the permission in the organisation, read fresh."""
    rows = _memberships(day).filter(user_id=person.pk, organisation_id=organisation_id)
    return rows.filter(role__in=permission.roles, organisation__kind__in=permission.kinds).exists()


def may_apply(person: User, organisation_id: int, day: date, by: Permission = APPLY) -> bool:
    """Whether the person may apply for the organisation on `day`, read fresh; `by` is what the kind asks for."""
    return may(person, by, organisation_id, day)


def members(organisation_id: int, roles: Iterable[str], day: date) -> dict[int, User]:
    """The active people who hold one of these roles in an organisation on `day`, by primary key: whom to mail."""
    rows = _memberships(day).filter(organisation_id=organisation_id, role__in=list(roles))
    return {row.user_id: row.user for row in rows.select_related("user").order_by("user_id")}


def operators(day: date) -> dict[int, User]:
    """The people of network operations who take what nobody else can decide."""
    return holders(Role.OPERATOR, organisation_of(OrganisationKind.OPERATIONS).pk, day)


def organisation_of(kind: str) -> Organisation:
    """The one organisation of a kind that exists once: operations, central association."""
    return Organisation.objects.get(kind=kind)


def _memberships(day: date) -> PeriodQuerySet:
    rows: PeriodQuerySet = Membership.system.valid_on(day)  # type: ignore[attr-defined]
    # A break-glass account is nobody in particular: it decides nothing and fills no seat (SEC-01, ORG-04).
    return rows.filter(user__is_active=True, user__is_break_glass=False)


def _deputies(stage: ApprovalStage, day: date) -> PeriodQuerySet:
    """Deputies for the stage's role who work in its organisation themselves; an auditor only reads (ORG-03)."""
    member = _memberships(day).filter(user_id=OuterRef("deputy_id"), organisation_id=stage.organisation_id)
    member = member.exclude(role=Role.AUDITOR)
    rows: PeriodQuerySet = Deputy.system.valid_on(day)  # type: ignore[attr-defined]
    return rows.filter(Exists(member), role=stage.role, organisation_id=stage.organisation_id)


def _no(reason: str) -> Standing:
    return Standing(may_decide=False, why_not=reason)
