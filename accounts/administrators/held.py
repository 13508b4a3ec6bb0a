"""The roles that an administrator account carries now, and what their end would leave behind (ORG-03, ORG-04)."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import date

from django.utils.translation import gettext_noop

from accounts.administrators import persons, roles
from accounts.models import DirectoryAccount
from portal.orgs import assignments
from portal.orgs.assignments import RoleChange, Term
from portal.orgs.models import Membership, User
from portal.orgs.permissions import Role
from portal.workflow import plans, upkeep
from portal.workflow.kinds import LineContext
from portal.workflow.plans import Check

_MISSED = frozenset({Role.APPROVER, Role.SECURITY_MANAGER, Role.OPERATOR})


def applied_roles(account: DirectoryAccount, day: date) -> list[Term]:
    """The roles that applications can change, of today and to come. Of several periods of one role the first."""
    person = persons.person_of(account)
    if person is None:
        return []
    found: dict[str, Term] = {}
    for term in assignments.held(person.pk, account.organisation_id, day):
        found.setdefault(term.role, term)
    return [found[role] for role in roles.applied_for(account.organisation) if role in found]


def changes_of(account: DirectoryAccount, wanted: list[Term], day: date) -> list[RoleChange]:
    """What has to change so that the account's person holds exactly the wanted roles."""
    person = persons.person_of(account)
    now = assignments.held(person.pk, account.organisation_id, day) if person else []
    return list(assignments.compare(now, wanted, roles.applied_for(account.organisation)))


def open_roles(person: User, day: date) -> list[Membership]:
    """Everything that the person holds anywhere, of today and to come."""
    rows = Membership.system.filter(user=person, ended_at=None).exclude(valid_until__lt=day)
    return list(rows.select_related("organisation").order_by("organisation", "role", "valid_from"))


def consequences(
    context: LineContext, person: User, organisation_id: int, ending: Collection[str], never: Collection[str]
) -> Iterator[Check]:
    """What is missing when these roles end: nobody left in a role, stages without anybody. `never` says what is forbidden."""
    for role in Role:
        missed = role in ending and role in _MISSED
        if missed and assignments.is_last(organisation_id, role, person.pk, context.today):
            yield Check(
                code=f"last_{role.lower()}",
                level=plans.BLOCKED if role in never else plans.WARNING,
                text=_LAST[role],
                values={},
            )
    alone = upkeep.stages_left_alone(
        person_id=person.pk, organisation_id=organisation_id, roles=ending, day=context.today
    )
    if alone:
        yield Check(
            code="stages_left_alone",
            level=plans.WARNING,
            text=gettext_noop(
                "Applications that nobody else can decide: %(count)s. They go to network operations at that moment."
            ),
            values={"count": str(alone)},
        )


_LAST = {
    Role.APPROVER: gettext_noop("Nobody else is an approver of this organisation."),
    Role.SECURITY_MANAGER: gettext_noop("Nobody else is a security manager of this organisation."),
    Role.OPERATOR: gettext_noop("Nobody else is an operator. Network operations cannot be left without one."),
}
