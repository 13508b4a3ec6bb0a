"""What an application for an administrator account will change: in Active Directory, and which roles in the portal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from django.utils.translation import gettext_noop

from accounts import planning
from accounts.administrators import checks, roles
from accounts.administrators.payloads import RegisterAdministrator
from portal.orgs import recipients
from portal.orgs.assignments import RoleChange, Term
from portal.orgs.models import User
from portal.orgs.permissions import DECIDE
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
        *recipient_checks(context, payload.recipient_id),
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


def recipient_checks(context: LineContext, recipient_id: int) -> Iterator[Check]:
    """The initial password of an account that can approve must not lead to somebody who applies or decides (ORG-04)."""
    if checks.applicant_receives(context, recipient_id):
        yield Check(
            code="applicant_gets_in",
            level=plans.BLOCKED,
            text=gettext_noop("The initial password of an administrator account would go to the applicant."),
            values={},
        )
    elif deciders := _deciders_with_address(context, recipient_id):
        yield Check(
            code="decider_gets_in",
            level=plans.WARNING,
            text=gettext_noop("%(names)s receives the initial password and decides applications as well."),
            values={"names": "、".join(deciders)},
        )


def _deciders_with_address(context: LineContext, recipient_id: int) -> Sequence[str]:
    recipient = context.organisation.password_recipients.filter(pk=recipient_id).first()
    if recipient is None:
        return []
    held = context.organisation.memberships.valid_on(context.today).filter(role__in=DECIDE.roles)  # type: ignore[attr-defined]
    people = User.objects.filter(email__iexact=recipient.email, is_active=True, pk__in=held.values("user_id"))
    return [person.display_name for person in people]
