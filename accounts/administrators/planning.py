"""What an application for an administrator account will change: in Active Directory, and which roles in the portal."""

from __future__ import annotations

from collections.abc import Iterator

from django.utils.translation import gettext_noop

from accounts import planning
from accounts.administrators import checks, roles, separation
from accounts.administrators.payloads import RegisterAdministrator
from portal.orgs import recipients
from portal.orgs.assignments import RoleChange, Term
from portal.workflow import plans
from portal.workflow.kinds import LineContext
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


def role_changes(changes: Iterator[RoleChange]) -> Iterator[Change]:
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
    address = recipients.person_address_problem(payload.email, payload.display_name, payload.login_name)
    yield planning.judge(
        "address",
        address is None,
        gettext_noop("The mail address belongs to this person alone."),
        gettext_noop("The mail address %(address)s is not this person's alone. Enter another one."),
        address=payload.email,
    )
    if checks.is_person(payload.login_name):
        yield Check(
            code="person_known",
            level=plans.BLOCKED,
            text=gettext_noop("The portal knows a person with this login name already."),
            values={},
        )
