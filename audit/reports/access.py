"""Who reads audit reports and who does which step, also for somebody they stand in for (ORG-03, ORG-04)."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime

from django.db.models import Exists, OuterRef
from django.utils.translation import gettext as _

from audit.reports.errors import NotAllowed
from portal.common.time import today
from portal.orgs.models import Deputy, Membership, Organisation, PeriodQuerySet, User
from portal.orgs.permissions import CONFIRM_AUDIT_REPORTS, READ_AUDIT, SEES_EVERYTHING, Permission, Role
from portal.workflow import people

READING = (READ_AUDIT, CONFIRM_AUDIT_REPORTS)


@dataclass(frozen=True, kw_only=True)
class Reach:
    """Whose reports a person reads: everybody's, or those of these organisations once they were provided."""

    everywhere: bool
    organisations: tuple[Organisation, ...]

    def __bool__(self) -> bool:
        return self.everywhere or bool(self.organisations)


@dataclass(frozen=True, kw_only=True)
class Acting:
    """Who does a step, and for whom when they stand in."""

    person: User
    acts_for: User | None = None


def reach(user: User, now: datetime) -> Reach:
    """By an own role; else as a deputy, who has to see what they do for somebody."""
    places = {place.pk: place for each in READING for place in user.organisations_where(each)}
    if not places:
        rows = _deputies(user, today(now)).select_related("organisation")
        places = {
            row.organisation_id: row.organisation
            for row in rows
            if any(row.role in each.roles and row.organisation.kind in each.kinds for each in READING)
        }
    return Reach(
        everywhere=any(place.kind in SEES_EVERYTHING for place in places.values()),
        organisations=tuple(sorted(places.values(), key=lambda place: (place.sort_order, place.code))),
    )


def acting(
    actor: User,
    permission: Permission,
    organisation_id: int,
    now: datetime,
    *,
    apart: Collection[int | None] = (),
) -> Acting:
    """How the person may do it, read fresh. `apart` are people who did the other half and must be somebody else.

    Raises NotAllowed with the sentence that says why not.
    """
    day = today(now)
    if actor.pk in apart:  # also for a superuser and as somebody's deputy
        raise NotAllowed(
            _(
                "You did another step of this report that somebody else must check. Another person does this one."
            )
        )
    if people.may(actor, permission, organisation_id, day):
        return Acting(person=actor)
    rows = _deputies(actor, day).filter(organisation_id=organisation_id, role__in=permission.roles)
    rows = rows.filter(organisation__kind__in=permission.kinds)
    principals = [row.principal for row in rows.select_related("principal").order_by("pk")]
    for principal in principals:
        if principal.pk not in apart:
            return Acting(person=actor, acts_for=principal)
    if principals:
        raise NotAllowed(
            _("You stand in for somebody who did another step of this report. Another person does this one.")
        )
    raise NotAllowed(_("Your role does not allow you to do this step."))


def steps(user: User, now: datetime, permissions: Collection[Permission]) -> list[Permission]:
    """Those of the permissions that the person has somewhere, in an own role or for somebody they stand in for."""
    own = [each for each in permissions if user.may(each)]
    if len(own) == len(permissions):
        return own
    rows = list(_deputies(user, today(now)).select_related("organisation"))
    return own + [
        each
        for each in permissions
        if each not in own
        and any(row.role in each.roles and row.organisation.kind in each.kinds for row in rows)
    ]


def _deputies(person: User, day: date) -> PeriodQuerySet:
    """For whom the person stands in where they work themselves; an auditor only reads (ORG-03).

    Only those who still hold the role themselves: what they lost nobody does for them.
    """
    member = Membership.system.valid_on(day)  # type: ignore[attr-defined]
    member = member.filter(user_id=OuterRef("deputy_id"), organisation_id=OuterRef("organisation_id"))
    member = member.filter(user__is_active=True, user__is_break_glass=False).exclude(role=Role.AUDITOR)
    principal = Membership.system.valid_on(day)  # type: ignore[attr-defined]
    principal = principal.filter(
        user_id=OuterRef("principal_id"), organisation_id=OuterRef("organisation_id"), role=OuterRef("role")
    ).filter(user__is_active=True, user__is_break_glass=False)
    rows: PeriodQuerySet = Deputy.system.valid_on(day)  # type: ignore[attr-defined]
    return rows.filter(Exists(member), Exists(principal), deputy=person)
