"""What must be true before an application for an administrator account can go on (ACC-01, ACC-09, ORG-03, ORG-04)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import date

from django.db.models.functions import Lower
from django.utils.translation import gettext as _

from accounts import asking, checks, life_checks, reading, together
from accounts.administrators import held, persons, separation
from accounts.administrators.payloads import (
    ChangeAdministrator,
    DeleteAdministrator,
    RegisterAdministrator,
)
from accounts.checks import Errors
from accounts.models import DirectoryAccount
from portal.gateways.directory import DirectoryError
from portal.orgs.assignments import RoleChange, Term
from portal.orgs.models import User
from portal.orgs.permissions import Role
from portal.orgs.recipients import GROUP_ADDRESS, address_holders, person_address_problem
from portal.workflow.kinds import LineContext


def prepare_register(context: LineContext, payloads: Sequence[RegisterAdministrator]) -> None:
    """What every registration reads, and the names and addresses of people, for all lines together (ACC-13)."""
    reading.prepare_register(context, payloads)
    names = {payload.login_name.lower() for payload in payloads}
    emails = {payload.email.lower() for payload in payloads}
    together.read_together(context.shared, PEOPLE, names, people_named)
    together.read_together(context.shared, ADDRESSES, emails, address_holders)
    together.fetch_group_addresses(context.shared, emails)


def check_register(context: LineContext, payload: RegisterAdministrator) -> Errors:
    """Errors of one registration by field: those of every account, and those of a person of the portal."""
    errors: dict[str, list[str]] = defaultdict(list)
    for field, texts in checks.check_register(context, payload).items():
        errors[field] += texts
    if not errors["login_name"] and is_person(context, payload.login_name):
        errors["login_name"].append(checks.name_taken())
    errors["email"] += address_problems(context, payload)
    errors["roles"] += term_problems(payload.terms, effective_day(context))
    if separation.applicant_receives(context, payload.recipient_id):
        errors["recipient_id"].append(separation.not_the_applicant())
    return _filled(errors)


def check_change(context: LineContext, payload: ChangeAdministrator) -> Errors:
    """Errors of one change by field: those of every account, its address, its roles."""
    errors: dict[str, list[str]] = defaultdict(list)
    for field, texts in life_checks.check_change(context, payload).items():
        errors[field] += texts
    account = life_checks.registered(context.organisation, payload)
    if account is None:
        return _filled(errors)
    changes = role_changes(context, account, payload)
    if changes:
        errors.pop("", None)  # "nothing differs" is said of AD alone
    if changes and separation.is_own(context, account):
        errors["roles"].append(separation.not_own_roles())
    errors["roles"] += change_problems(changes, effective_day(context), context.today)
    new_name = payload.new_login_name
    if new_name and new_name.lower() != payload.login_name.lower() and is_person(context, new_name):
        errors["new_login_name"] = [checks.name_taken()]
    if payload.email.casefold() != persons.mail_of(account).casefold():
        errors["email"] += address_problems(context, payload)
    return _filled(errors)


def check_delete(context: LineContext, payload: DeleteAdministrator) -> Errors:
    """Errors of one deletion by field. Who is the last of a role is said by the plan."""
    errors = {field: list(texts) for field, texts in life_checks.check_delete(context, payload).items()}
    account = life_checks.registered(context.organisation, payload)
    if account is not None and separation.is_own(context, account) and not errors:
        errors["login_name"] = [separation.not_oneself()]
    return errors


def role_changes(
    context: LineContext, account: DirectoryAccount, payload: ChangeAdministrator
) -> list[RoleChange]:
    """What a change does to the roles; nothing when it says nothing about them."""
    return held.changes_of(account, payload.terms, context.today) if payload.roles else []


def change_problems(changes: Sequence[RoleChange], day: date, today: date) -> list[str]:
    """Why roles cannot get these days."""
    problems = []
    for change in changes:
        term = change.after
        if term is None:
            continue
        if not change.before:
            problems += term_problems([term], day)
            continue
        first = change.before[0].valid_from
        begun = first is not None and first <= today
        if begun and term.valid_from not in (None, first):
            text = _("The role %(role)s is held since %(day)s. Leave its first day as it is.")
            problems.append(text % {"role": _role_label(term), "day": f"{first}"})
        else:
            problems += term_problems([Term(role=term.role, valid_until=term.valid_until)], day)
    return problems


PEOPLE, ADDRESSES = "people of the portal", "holders of addresses"  # in LineContext.shared


def people_named(login_names: Collection[str]) -> dict[str, bool]:
    """Which of these names, in lower case, belong to somebody whom the portal knows, also to somebody who left (ACC-06)."""
    rows = User.objects.annotate(folded=Lower("login_name")).filter(folded__in=login_names)
    return dict.fromkeys(rows.values_list("folded", flat=True), True)


def is_person(context: LineContext, login_name: str) -> bool:
    """Whether the name belongs to a person of the portal: it is not given again."""
    return bool(together.look_up(context.shared, PEOPLE, login_name.lower(), people_named))


def address_problem(
    context: LineContext, payload: RegisterAdministrator | ChangeAdministrator
) -> object | None:
    """What the portal's own tables have against the address (ACC-09)."""
    email = payload.email.lower()
    holders = together.look_up(context.shared, ADDRESSES, email, address_holders) or []
    return person_address_problem(email, payload.display_name, payload.login_name, holders)


def address_problems(context: LineContext, payload: RegisterAdministrator | ChangeAdministrator) -> list[str]:
    """Why the portal cannot write to this person at this address; what AD cannot be asked now is left out (ACC-12)."""
    problem = address_problem(context, payload)
    if problem is not None:
        return [str(problem)]
    try:
        is_group = asking.ask(
            lambda directory: directory.mail_is_group_address(payload.email), context.shared
        )
    except DirectoryError:
        return []
    return [str(GROUP_ADDRESS)] if is_group else []


def effective_day(context: LineContext) -> date:
    """The first day on which the application can be carried out."""
    desired = context.application.desired_on if context.application else None
    return max(desired, context.today) if desired else context.today


def term_problems(terms: Sequence[Term], day: date) -> list[str]:
    """Why roles cannot be given for these days, when they are given on `day` at the earliest."""
    problems = []
    for term in terms:
        if term.valid_until is not None and term.valid_until < day:
            text = _("The last day of the role %(role)s has passed by then. Enter a later day.")
            problems.append(text % {"role": _role_label(term)})
        elif term.valid_from is not None and term.valid_from < day:
            text = _(
                "The role %(role)s cannot begin before %(day)s. Enter a later first day, or leave it empty."
            )
            problems.append(text % {"role": _role_label(term), "day": day.isoformat()})
    return problems


def _role_label(term: Term) -> str:
    return str(Role(term.role).label)


def _filled(errors: dict[str, list[str]]) -> Errors:
    return {field: texts for field, texts in errors.items() if texts}
