"""Deputies (代理承認): somebody decides for somebody else, in one role and organisation, between two days."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from portal.common import time
from portal.orgs import errors, people
from portal.orgs.models import Deputy, Membership, User
from portal.orgs.permissions import DECIDE, Role
from portal.trail import services as trail

LONGEST = timedelta(days=92)


@transaction.atomic
def add_deputy(
    *,
    actor: User,
    principal_id: int,
    deputy_id: int,
    organisation_id: int,
    role: str,
    valid_from: date,
    valid_until: date,
    now: datetime,
) -> Deputy:
    """Let `deputy_id` decide for `principal_id`. The principal does it themself, or a manager of the organisation.

    That the applicant is neither of the two is checked at each decision (ORG-04).
    Raises errors.NotAllowed and errors.Refused.
    """
    if actor.pk != principal_id:
        people.require_manager(actor, organisation_id)
        if actor.pk == deputy_id:
            raise errors.NotAllowed(
                _("You cannot make yourself the deputy of somebody. Ask another manager.")
            )
    _check_period(valid_from, valid_until, time.today(now))
    if role not in DECIDE.roles or not _holds(principal_id, organisation_id, role, valid_from):
        raise errors.Refused("role", _("The person does not hold this role on the first day."))
    if deputy_id == principal_id:
        raise errors.Refused("deputy", _("Choose somebody else than the person who is away."))
    if not may_stand_in(deputy_id, organisation_id, valid_from):
        raise errors.Refused("deputy", _("Choose somebody who works with a role of this organisation."))
    User.objects.select_for_update(no_key=True).get(pk=principal_id)  # a double click names one deputy
    same = Deputy.system.filter(
        principal_id=principal_id,
        deputy_id=deputy_id,
        organisation_id=organisation_id,
        role=role,
        ended_at=None,
    )
    if same.filter(valid_from__lte=valid_until, valid_until__gte=valid_from).exists():
        raise errors.Refused("deputy", _("This person is the deputy at that time already."))
    deputy = Deputy.system.create(
        principal_id=principal_id,
        deputy_id=deputy_id,
        organisation_id=organisation_id,
        role=role,
        valid_from=valid_from,
        valid_until=valid_until,
        changed_by=actor,
    )
    _record("deputy.add", deputy, actor, now)
    return deputy


@transaction.atomic
def end_deputy(*, deputy_id: int, actor: User, now: datetime) -> Deputy:
    """End it at once: the principal, the deputy, or a manager. Ended twice is once. Raises errors.NotAllowed."""
    deputy = Deputy.system.select_for_update(no_key=True).get(pk=deputy_id)
    if actor.pk not in (deputy.principal_id, deputy.deputy_id):
        people.require_manager(actor, deputy.organisation_id)
    if deputy.ended_at is None:
        deputy.ended_at = now
        deputy.changed_by = actor
        deputy.save(update_fields=["ended_at", "changed_by", "updated_at"])
        _record("deputy.end", deputy, actor, now)
    return deputy


def may_stand_in(user_id: int, organisation_id: int, day: date) -> bool:
    """Whether the person holds a working role there on that day; an auditor only reads (ORG-03)."""
    rows = Membership.system.filter(user_id=user_id, user__is_active=True, organisation_id=organisation_id)
    return rows.exclude(role=Role.AUDITOR).valid_on(day).exists()  # type: ignore[attr-defined]


def _holds(user_id: int, organisation_id: int, role: str, day: date) -> bool:
    rows = Membership.system.filter(user_id=user_id, organisation_id=organisation_id, role=role)
    return rows.valid_on(day).exists()  # type: ignore[attr-defined]


def _check_period(first: date, last: date, today: date) -> None:
    if first < today:
        raise errors.Refused("valid_from", _("Enter today or a later day."))
    if last < first:
        raise errors.Refused("valid_until", _("The last day lies before the first day."))
    if last - first > LONGEST:
        reason = _("A deputy is named for at most %(days)s days. Enter an earlier last day.")
        raise errors.Refused("valid_until", reason % {"days": LONGEST.days})


def _record(action: str, deputy: Deputy, actor: User, now: datetime) -> None:
    trail.record(
        action=action,
        now=now,
        actor=actor,
        object_type="orgs.deputy",
        object_id=deputy.pk,
        object_label=f"{deputy.principal.display_name} → {deputy.deputy.display_name}",
        object_organisation_id=deputy.organisation_id,
        detail={
            "role": deputy.role,
            "valid_from": deputy.valid_from.isoformat(),
            "valid_until": deputy.valid_until.isoformat(),
        },
    )
