"""What an application for an administrator account will change: in Active Directory, and which roles in the portal."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from django.utils.translation import gettext_noop

from accounts import life_checks, life_planning, planning
from accounts.administrators import checks, held, persons, roles, separation
from accounts.administrators.payloads import (
    ChangeAdministrator,
    DeleteAdministrator,
    RegisterAdministrator,
)
from accounts.models import DirectoryAccount
from portal.orgs.assignments import NEVER_EMPTY, RoleChange, Term
from portal.orgs.models import Membership
from portal.orgs.permissions import Role
from portal.workflow import plans
from portal.workflow.kinds import LineContext
from portal.workflow.models import Status
from portal.workflow.plans import Change, Check, Plan

# A role without days: from the moment of the change, until further notice.
WITHOUT_DAYS = "○"


def plan_register(context: LineContext, payload: RegisterAdministrator) -> Plan:
    """The account with its roles. Never raises for an unreachable directory (ACC-12)."""
    base = planning.plan_register(context, payload)
    given = (RoleChange(role=term.role, before=(), after=term) for term in payload.terms)
    own = (
        *_person_checks(context, payload),
        *separation.recipient_checks(context, payload.recipient_id),
    )
    return Plan(
        changes=(*base.changes, *role_changes(given)),
        checks=(*base.checks, *own),
        unavailable=base.unavailable,
    )


def plan_change(context: LineContext, payload: ChangeAdministrator) -> Plan:
    """What changes in AD and which roles change, with what their end leaves behind. Never raises for AD (ACC-12)."""
    base = life_planning.plan_change(context, payload)
    account = life_checks.registered(context.organisation, payload)
    if account is None:
        return base
    changes = checks.role_changes(context, account, payload)
    person = persons.person_of(account)
    ending = [change.role for change in changes if change.after is None]
    own: list[Check] = []
    if changes and separation.is_own(context, account):
        own.append(separation.own_check())
    if person is not None and ending:
        own += held.consequences(context, person, account.organisation_id, ending, (Role.OPERATOR,))
    return Plan(
        changes=(*base.changes, *role_changes(changes)),
        checks=(*base.checks, *own, *_roles_moved_on(context, account, payload)),
        unavailable=base.unavailable,
    )


def _roles_moved_on(
    context: LineContext, account: DirectoryAccount, payload: ChangeAdministrator
) -> Iterator[Check]:
    """While it is decided: the roles that the applicant started from are others by now."""
    in_review = context.application is not None and context.application.status == Status.IN_REVIEW
    if in_review and payload.roles and held.applied_roles(account, context.today) != payload.terms_before:
        yield Check(
            code="roles_changed_meanwhile",
            level=plans.BLOCKED,
            text=gettext_noop(
                "The roles were changed since this was submitted. Return it, so that the applicant looks again."
            ),
            values={},
        )


def plan_delete(context: LineContext, payload: DeleteAdministrator) -> Plan:
    """The account is disabled and moved away, its person shut out: every role with the day from which it was held."""
    base = life_planning.plan_delete(context, payload)
    account = life_checks.registered(context.organisation, payload)
    person = persons.person_of(account) if account else None
    if account is None or person is None:
        return base
    rows = held.open_roles(person, context.today)
    changes = [_ended(row, account.organisation_id) for row in rows]
    own = [separation.own_check()] if separation.is_own(context, account) else []
    for organisation_id in dict.fromkeys(row.organisation_id for row in rows):
        ending = [row.role for row in rows if row.organisation_id == organisation_id]
        own += held.consequences(context, person, organisation_id, ending, NEVER_EMPTY)
    return Plan(changes=(*base.changes, *changes), checks=(*base.checks, *own), unavailable=base.unavailable)


def _ended(row: Membership, own_organisation_id: int) -> Change:
    elsewhere = "" if row.organisation_id == own_organisation_id else f" ({row.organisation.short_name})"
    term = Term(role=row.role, valid_from=row.valid_from, valid_until=row.valid_until)
    return Change(
        action=plans.REMOVE,
        label=roles.msgid_of(row.role),
        attribute=f"portal: {row.role}{elsewhere}",
        before=(_days(term),),
    )


def role_changes(changes: Iterable[RoleChange]) -> Iterator[Change]:
    """Each role with its days before and after."""
    for change in changes:
        held_or_not = plans.CHANGE if change.before else plans.ADD
        yield Change(
            action=held_or_not if change.after else plans.REMOVE,
            label=roles.msgid_of(change.role),
            attribute=f"portal: {change.role}",
            before=tuple(map(_days, change.before)),
            after=(_days(change.after),) if change.after else (),
        )


def _days(term: Term) -> str:
    return roles.period(term) or WITHOUT_DAYS


def _person_checks(context: LineContext, payload: RegisterAdministrator) -> Iterator[Check]:
    address = checks.address_problem(context, payload)
    yield planning.judge(
        "address",
        address is None,
        gettext_noop("The mail address belongs to this person alone."),
        gettext_noop("The mail address %(address)s is not this person's alone. Enter another one."),
        address=payload.email,
    )
    if checks.is_person(context, payload.login_name):
        yield Check(
            code="person_known",
            level=plans.BLOCKED,
            text=gettext_noop("The portal knows a person with this login name already."),
            values={},
        )
