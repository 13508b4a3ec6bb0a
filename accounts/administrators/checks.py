"""What must be true before an application for an administrator account can go on (ACC-01, ACC-09, ORG-03, ORG-04)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import date

from django.utils.translation import gettext as _

from accounts import asking, checks
from accounts.administrators import separation
from accounts.administrators.payloads import RegisterAdministrator
from accounts.checks import Errors
from portal.gateways.directory import DirectoryError
from portal.orgs.assignments import Term
from portal.orgs.models import User
from portal.orgs.permissions import Role
from portal.orgs.recipients import GROUP_ADDRESS, person_address_problem
from portal.workflow.kinds import LineContext


def check_register(context: LineContext, payload: RegisterAdministrator) -> Errors:
    """Errors of one registration by field: those of every account, and those of a person of the portal."""
    errors: dict[str, list[str]] = defaultdict(list)
    for field, texts in checks.check_register(context, payload).items():
        errors[field] += texts
    if not errors["login_name"] and is_person(payload.login_name):
        errors["login_name"].append(checks.name_taken())
    errors["email"] += address_problems(payload.email, payload.display_name, payload.login_name)
    errors["roles"] += term_problems(payload.terms, effective_day(context))
    if separation.applicant_receives(context, payload.recipient_id):
        errors["recipient_id"].append(separation.not_the_applicant())
    return {field: texts for field, texts in errors.items() if texts}


def is_person(login_name: str) -> bool:
    """Whether the portal knows somebody of this login name, also somebody who left: names are not given again (ACC-06)."""
    return User.objects.filter(login_name__iexact=login_name).exists()


def address_problems(email: str, name: str, login_name: str) -> list[str]:
    """Why the portal cannot write to this person at this address; what AD cannot be asked now is left out (ACC-12)."""
    problem = person_address_problem(email, name, login_name)
    if problem is not None:
        return [str(problem)]
    try:
        is_group = asking.ask(lambda directory: directory.mail_is_group_address(email))
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
