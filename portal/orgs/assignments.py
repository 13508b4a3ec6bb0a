"""The roles of one person in one organisation as a set: what they shall hold, compared with what they hold (ORG-03).

The direct screens (portal.orgs.people) and the applications for administrator accounts both end here. Who may ask for a
change is decided before; here it is carried out under the person's lock, once, and recorded (docs/adr/0012).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db import connection, transaction
from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy as _

from portal.common import time
from portal.orgs import errors
from portal.orgs.models import ApiToken, Deputy, Membership, Organisation, User
from portal.orgs.permissions import ROLES_OF_KIND, Role
from portal.trail import services as trail


@dataclass(frozen=True, kw_only=True)
class Term:
    """A role for a time, both days included. Without a first day it counts from the moment at which it is given."""

    role: str
    valid_from: date | None = None
    valid_until: date | None = None


@dataclass(frozen=True, kw_only=True)
class RoleChange:
    """One role that a person shall hold otherwise than now; `after` is None when it ends."""

    role: str
    before: tuple[Term, ...]
    after: Term | None


def held(user_id: int, organisation_id: int, day: date) -> list[Term]:
    """What the person holds on `day` and later in that organisation, in the order of ORG-03."""
    return [_term(row) for row in _in_order(_live(day).filter(user=user_id, organisation=organisation_id))]


def compare(now: Sequence[Term], wanted: Sequence[Term], among: Collection[str]) -> Iterator[RoleChange]:
    """What has to change so that of the roles `among` exactly the wanted ones are held.

    A role that is held for several periods stays as it is while its first period is what is wanted.
    """
    after = {term.role: term for term in wanted}
    for role in Role:
        if role not in among:
            continue
        before = tuple(term for term in now if term.role == role)
        term = after.get(role)
        if (not before and term is None) or (before and term is not None and _is_same(before[0], term)):
            continue
        yield RoleChange(role=role, before=before, after=term)


@transaction.atomic
def bring_to(
    *,
    user_id: int,
    organisation: Organisation,
    wanted: Sequence[Term],
    among: Collection[str],
    expected: Sequence[Term] | None,
    now: datetime,
    detail: dict[str, Any],
) -> list[RoleChange]:
    """Give, change and end the roles `among` until the person holds what is wanted; what was done. Safe to repeat.

    With `expected` only while those roles are still what the caller had read; else errors.ChangedMeanwhile. Periods that
    are over by now are not given. Raises errors.Refused for a role that the organisation does not have, and errors.LastOne.
    """
    day = time.today(now)
    User.objects.select_for_update(no_key=True).get(pk=user_id)
    rows = _in_order(
        _live(day).filter(user=user_id, organisation=organisation).select_for_update(no_key=True)
    )
    present = [_term(row) for row in rows]
    changes = list(compare(present, wanted, among))
    if changes and expected is not None and any(True for _change in compare(present, expected, among)):
        raise errors.ChangedMeanwhile
    for change in changes:
        own = [row for row in rows if row.role == change.role]
        if change.after is None:
            require_another(organisation.pk, change.role, user_id, day, never_empty=(Role.OPERATOR,))
        _carry_out(user_id, organisation, change, own, now, detail)
    return changes


@transaction.atomic
def close_person(*, user_id: int, now: datetime, detail: dict[str, Any]) -> bool:
    """Shut a person out for good: roles, deputies and tokens end at this moment, sessions with them. Safe to repeat.

    False when it was so already. Raises errors.LastOne for the last one of a role without whom an organisation stands
    still, and errors.NotAllowed for a break-glass account, which no application touches.
    """
    person = User.objects.select_for_update(no_key=True).get(pk=user_id)
    if person.is_break_glass:
        raise errors.NotAllowed(_("A break-glass account is not changed by an application."))
    day = time.today(now)
    rows = list(_live(day).filter(user=person).select_for_update(no_key=True).order_by("pk"))
    for row in rows:
        require_another(row.organisation_id, row.role, person.pk, day, never_empty=NEVER_EMPTY)
    for row in rows:
        end(row, actor=None, now=now, detail=detail)
    open_deputies = Deputy.system.filter(
        Q(principal=person) | Q(deputy=person), ended_at=None, valid_until__gte=day
    )
    for deputy in open_deputies.select_for_update(no_key=True).order_by("pk"):
        deputy.ended_at, deputy.changed_by = now, None
        deputy.save(update_fields=["ended_at", "changed_by", "updated_at"])
        _record_deputy(deputy, now, detail)
    ApiToken.objects.filter(user=person, revoked_at=None).update(revoked_at=now)
    if not person.is_active:
        return bool(rows)
    person.is_active = False
    person.save(update_fields=["is_active", "updated_at"])
    record_person("person.deactivate", person, actor=None, now=now, detail=detail)
    return True


# Roles whose last holder cannot leave: without them an organisation, or the whole network, stands still. The last
# security manager may hand the role over (a change warns), but not go (docs/adr/0012).
NEVER_EMPTY = frozenset({Role.SECURITY_MANAGER, Role.OPERATOR})


def is_last(organisation_id: int, role: str, user_id: int, day: date) -> bool:
    """Whether nobody but this person holds the role there on `day`, and the person does."""
    holders = Membership.system.valid_on(day).filter(
        organisation=organisation_id, role=role, user__is_active=True, user__is_break_glass=False
    )
    return holders.filter(user=user_id).exists() and not holders.exclude(user=user_id).exists()


def require_another(
    organisation_id: int, role: str, user_id: int, day: date, *, never_empty: Collection[str]
) -> None:
    """Raise errors.LastOne when the role must not be left without anybody. Two who leave at once wait for each other."""
    if role not in never_empty:
        return
    _wait_in_line(f"last {organisation_id} {role}")
    if is_last(organisation_id, role, user_id, day):
        raise errors.LastOne(role)


def give(
    person: User,
    organisation: Organisation,
    term: Term,
    *,
    actor: User | None,
    now: datetime,
    detail: dict[str, Any] | None = None,
) -> Membership:
    """Give a role to a person whose row the caller has locked.

    Raises errors.Refused (role of another kind of organisation, dates, held already).
    """
    first, last = term.valid_from or time.today(now), term.valid_until
    if term.role not in ROLES_OF_KIND[organisation.kind]:  # ORG-03
        raise errors.Refused(
            "role", _("%(organisation)s has no such role.") % {"organisation": organisation.short_name}
        )
    if last is not None and last < first:
        raise errors.Refused("valid_until", _("The last day lies before the first day."))
    if first < time.today(now):
        raise errors.Refused("valid_from", _("A role cannot begin in the past. Enter today or a later day."))
    own = Membership.system.filter(user=person, organisation=organisation, role=term.role, ended_at=None)
    overlapping = own.exclude(valid_until__lt=first)
    if last is not None:
        overlapping = overlapping.filter(valid_from__lte=last)
    if overlapping.exists():
        raise errors.Refused("role", _("The person holds this role at that time already."))
    membership = Membership.system.create(
        user=person,
        organisation=organisation,
        role=term.role,
        valid_from=first,
        valid_until=last,
        changed_by=actor,
    )
    record("membership.add", membership, actor=actor, now=now, detail=detail)
    return membership


def end(
    membership: Membership, *, actor: User | None, now: datetime, detail: dict[str, Any] | None = None
) -> None:
    """End a role at this moment; the caller has locked the row."""
    membership.ended_at, membership.changed_by = now, actor
    membership.save(update_fields=["ended_at", "changed_by", "updated_at"])
    record("membership.end", membership, actor=actor, now=now, detail=detail)


def record(
    action: str,
    membership: Membership,
    *,
    actor: User | None,
    now: datetime,
    detail: dict[str, Any] | None = None,
) -> None:
    """Write what became of a role into the trail (SEC-02); `detail` says more, such as the application."""
    trail.record(
        action=action,
        now=now,
        actor=actor,
        object_type="orgs.membership",
        object_id=membership.pk,
        object_label=f"{membership.user.display_name} {membership.role}",
        object_organisation_id=membership.organisation_id,
        detail={
            "role": Role(membership.role).value,
            "valid_from": membership.valid_from.isoformat(),
            "valid_until": membership.valid_until.isoformat() if membership.valid_until else None,
            **(detail or {}),
        },
    )


def record_person(
    action: str, person: User, *, actor: User | None, now: datetime, detail: dict[str, Any] | None = None
) -> None:
    """Write what became of a person into the trail (SEC-02)."""
    trail.record(
        action=action,
        now=now,
        actor=actor,
        object_type="orgs.user",
        object_id=person.pk,
        object_label=f"{person.display_name} ({person.login_name})",
        object_organisation_id=person.organisation_id,
        detail=detail,
    )


def _carry_out(
    user_id: int,
    organisation: Organisation,
    change: RoleChange,
    rows: list[Membership],
    now: datetime,
    detail: dict[str, Any],
) -> None:
    """One role under the lock: the first period becomes the wanted one, every other ends."""
    day, term = time.today(now), change.after
    over = term is not None and term.valid_until is not None and term.valid_until < day
    kept = rows[:1] if term is not None and not over else []
    for row in rows[len(kept) :]:
        end(row, actor=None, now=now, detail=detail)
    if term is None or over:
        return
    if kept:
        _change(kept[0], term, now, detail)
        return
    first = max(term.valid_from or day, day)  # approved late: from now on
    person = User.objects.get(pk=user_id)
    wanted = Term(role=term.role, valid_from=first, valid_until=term.valid_until)
    give(person, organisation, wanted, actor=None, now=now, detail=detail)


def _change(row: Membership, term: Term, now: datetime, detail: dict[str, Any]) -> None:
    """Other days for a role that is held. One that has begun keeps its first day."""
    before = {"before": {"valid_from": f"{row.valid_from}", "valid_until": f"{row.valid_until or ''}"}}
    if row.valid_from > time.today(now) and term.valid_from is not None:
        row.valid_from = max(term.valid_from, time.today(now))
    row.valid_until, row.changed_by = term.valid_until, None
    row.save(update_fields=["valid_from", "valid_until", "changed_by", "updated_at"])
    record("membership.change", row, actor=None, now=now, detail={**detail, **before})


def _live(day: date) -> QuerySet[Membership]:
    rows: QuerySet[Membership] = Membership.system.filter(ended_at=None).exclude(valid_until__lt=day)
    return rows.select_related("user")


def _in_order(rows: QuerySet[Membership]) -> list[Membership]:
    order = {role.value: place for place, role in enumerate(Role)}
    return sorted(rows, key=lambda row: (order[row.role], row.valid_from, row.pk))


def _term(row: Membership) -> Term:
    return Term(role=row.role, valid_from=row.valid_from, valid_until=row.valid_until)


def _is_same(now: Term, wanted: Term) -> bool:
    return wanted.valid_until == now.valid_until and wanted.valid_from in (None, now.valid_from)


def _wait_in_line(name: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [name])


def _record_deputy(deputy: Deputy, now: datetime, detail: dict[str, Any]) -> None:
    trail.record(
        action="deputy.end",
        now=now,
        actor=None,
        object_type="orgs.deputy",
        object_id=deputy.pk,
        object_label=f"{deputy.principal.display_name} → {deputy.deputy.display_name}",
        object_organisation_id=deputy.organisation_id,
        detail={"role": deputy.role, **detail},
    )
