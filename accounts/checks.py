"""What the database and Active Directory must say before an account application can go on (ACC-06, ACC-09)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from django.db.models.functions import Lower
from django.utils.translation import gettext as _

from accounts import asking, recipients, together
from accounts.administrators import separation
from accounts.attributes import container_of, lies_below, organisation_ou
from accounts.delivery import unused
from accounts.models import DirectoryAccount
from accounts.naming import free
from accounts.payloads import RegisterAccount, ResetPassword
from portal.gateways import clock
from portal.gateways.directory import Directory, DirectoryEntry, DirectoryError
from portal.orgs.models import Organisation
from portal.workflow.kinds import LineContext
from portal.workflow.models import ApplicationLine

# Deleted accounts hold their names until they are removed; removed ones keep them from being given out again.
GONE = (DirectoryAccount.State.DELETED, DirectoryAccount.State.REMOVED)
# What is read for all lines together, by these names in LineContext.shared.
RESERVATIONS, REGISTERED, NOT_FREE = "accounts.reservations", "accounts.registered", "accounts.not_free"

Errors = Mapping[str, Sequence[str]]


def reservation_of(payload: RegisterAccount) -> str:
    """What two open applications must not both hold: the login name, whatever its case (ACC-06)."""
    return f"login:{payload.login_name.lower()}"


def reservation_of_reset(payload: ResetPassword) -> str:
    """One open reset for each account: two would void each other's password."""
    return f"reset:{payload.account_guid}"


@dataclass(frozen=True, kw_only=True)
class RegisterFindings:
    """What AD says about a registration."""

    name_taken: bool
    container_exists: bool
    namesakes: int
    recipient_is_group: bool


@dataclass(frozen=True, kw_only=True)
class ResetFindings:
    """What AD says about a reset; `entry` is None when the account is not there."""

    entry: DirectoryEntry | None
    recipient_is_group: bool


def look_for_register(context: LineContext, payload: RegisterAccount) -> RegisterFindings:
    """Ask AD all that matters for one registration. Raises DirectoryError."""
    container = container_of(context.organisation, payload.account_type)

    def question(directory: Directory) -> RegisterFindings:
        exists = directory.container_exists(container)
        return RegisterFindings(
            name_taken=directory.login_name_in_use(payload.login_name),
            container_exists=exists,
            namesakes=len(directory.find_by_display_name(payload.display_name, container)) if exists else 0,
            recipient_is_group=_is_group(directory, context.organisation, payload.recipient_id),
        )

    return asking.ask(question, context.shared)


def look_for_reset(context: LineContext, payload: ResetPassword) -> ResetFindings:
    """Ask AD all that matters for one reset. Raises DirectoryError."""

    def question(directory: Directory) -> ResetFindings:
        return ResetFindings(
            entry=directory.find_by_guid(payload.guid),
            recipient_is_group=_is_group(directory, context.organisation, payload.recipient_id),
        )

    return asking.ask(question, context.shared)


def _is_group(directory: Directory, organisation: Organisation, recipient_id: int) -> bool:
    recipient, _shared = recipients.judged(organisation, recipient_id)
    return recipient is not None and directory.mail_is_group_address(recipient.email)


def check_register(context: LineContext, payload: RegisterAccount) -> Errors:
    """Errors of one registration by field; what AD cannot be asked now is asked again later (ACC-12)."""
    errors: dict[str, list[str]] = defaultdict(list)
    if problem := login_name_problem(context, payload):
        errors["login_name"].append(problem)
    if problem := last_day_problem(context, payload.last_day):
        errors["expires_on"].append(problem)
    errors["recipient_id"] += recipients.problems(context.organisation, payload.recipient_id)
    try:
        found = look_for_register(context, payload)
    except DirectoryError:
        return _filled(errors)
    if found.name_taken and not errors["login_name"]:
        errors["login_name"].append(name_taken())
    if found.recipient_is_group:
        errors["recipient_id"].append(recipients.group_address_problem())
    return _filled(errors)


def last_day_problem(context: LineContext, last_day: date | None) -> str:
    """Why an account cannot end on that day; "" when it can, or never ends."""
    if last_day is None:
        return ""
    effective = context.application.desired_on if context.application else None
    if last_day < context.today:
        return _("This date has passed. Choose today or a later date, or leave it empty.")
    if effective is not None and last_day < effective:
        return _("The last day of use lies before the effective date. Correct one of the two.")
    return ""


def name_taken() -> str:
    """Says nothing about whose it is: it may belong to another federation (ORG-02)."""
    return _("This login name is already in use. Choose another one.")


def login_name_problem(context: LineContext, payload: RegisterAccount) -> str:
    """What the portal's own tables have against the name of a registration; "" for nothing."""
    return name_problem(context, payload.login_name)


def name_problem(context: LineContext, login_name: str) -> str:
    """What the portal's own tables have against a login name that is free so far; "" for nothing (ACC-06)."""
    folded = login_name.lower()
    taken = together.look_up(context.shared, RESERVATIONS, f"login:{folded}", reservations(context))
    if taken is not None:
        if taken.organisation_id != context.organisation.pk:
            return name_taken()
        text = _("Application %(number)s already applies for this login name. Choose another one.")
        return text % {"number": taken.application.number}
    account = together.look_up(context.shared, REGISTERED, folded, registered)
    if account is None:
        return together.look_up(context.shared, NOT_FREE, folded, not_free(context)) or ""
    if account.state in GONE and account.organisation_id == context.organisation.pk:
        return _(
            "This login name belonged to a deleted account and is not given out again. Choose another one."
        )
    return name_taken()


def reservations(context: LineContext) -> Callable[[Collection[str]], dict[str, ApplicationLine]]:
    """Reads which lines of other open applications hold these reservations."""

    def read(keys: Collection[str]) -> dict[str, ApplicationLine]:
        lines = ApplicationLine.system.filter(reservation_key__in=keys, is_open=True)
        if context.application is not None:
            lines = lines.exclude(application_id=context.application.pk)
        lines = lines.select_related("application").only(
            "reservation_key", "organisation_id", "application__number"
        )
        return {str(line.reservation_key): line for line in lines}

    return read


def not_free(context: LineContext) -> Callable[[Collection[str]], dict[str, str]]:
    """Reads why names are not free that nobody applied for and no account has now (accounts.naming.free)."""
    application_id = context.application.pk if context.application else None
    return lambda names: free.problems(
        names, context.organisation, application_id=application_id, now=clock.now()
    )


def registered(login_names: Collection[str]) -> dict[str, DirectoryAccount]:
    """The accounts of the register by their login name in lower case, in whatever state.

    A removed account's name is judged by the years that have passed since (accounts.naming.free).
    """
    rows = free.accounts_except_removed(free.given_again(login_names, clock.now()))
    accounts = rows.alias(folded=Lower("login_name")).filter(folded__in=login_names)
    return {account.login_name.lower(): account for account in accounts}


def check_reset(context: LineContext, payload: ResetPassword) -> Errors:
    """Errors of one reset by field."""
    errors: dict[str, list[str]] = defaultdict(list)
    errors["recipient_id"] += recipients.problems(context.organisation, payload.recipient_id)
    try:
        found = look_for_reset(context, payload)
    except DirectoryError:
        return _filled(errors)
    except ValueError:
        errors["login_name"].append(account_unknown())
        return _filled(errors)
    if problem := reset_problem(found.entry, context.organisation):
        errors["login_name"].append(problem)
    elif separation.is_administrator(context, payload.guid) and separation.applicant_receives(
        context, payload.recipient_id
    ):
        errors["recipient_id"].append(separation.not_the_applicant())  # ORG-04
    if found.recipient_is_group:
        errors["recipient_id"].append(recipients.group_address_problem())
    return _filled(errors)


def account_unknown() -> str:
    """The same for an account of another federation and for none at all (ORG-02)."""
    return _("Your organisation has no account with this login name. Check the spelling.")


def reset_problem(entry: DirectoryEntry | None, organisation: Organisation) -> str:
    """Why the password of this account cannot be reset; "" when it can."""
    if entry is None or not lies_below(entry.dn, organisation_ou(organisation)):
        return account_unknown()
    if entry.privileged:
        return _("This account belongs to a protected group. Ask network operations.")
    if not entry.enabled and not unused.may_enable_again(entry.guid):
        return _("This account is disabled, so its password cannot be reset.")
    return ""


def _filled(errors: dict[str, list[str]]) -> Errors:
    return {field: texts for field, texts in errors.items() if texts}
