"""What must be true before an account that exists is changed, deleted or restored (ACC-02, ACC-06, ORG-02)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import dataclass
from uuid import UUID

from django.db.models.functions import Lower
from django.utils.translation import gettext as _

from accounts import asking, checks, places, together
from accounts.administrators import persons
from accounts.aspects import (
    CONTAINER,
    GROUPS,
    State,
    changes_between,
    registered_state,
    state_of,
    wanted_state,
)
from accounts.attributes import lies_below, organisation_ou
from accounts.checks import Errors
from accounts.models import DirectoryAccount
from accounts.payloads import ChangeAccount, DeleteAccount, ResetPassword, RestoreAccount
from portal.fulfilment.models import Operation, OperationStatus
from portal.gateways.directory import Directory, DirectoryEntry, DirectoryError
from portal.orgs.models import Organisation
from portal.workflow.kinds import LineContext
from portal.workflow.models import ApplicationLine
from portal.workflow.subjects import Subject

# What is read for all lines together, by these names.
BY_GUID, BY_NAME, OPEN_LINES = "accounts.by_guid", "accounts.by_name", "accounts.open_lines"

Payload = ChangeAccount | DeleteAccount | RestoreAccount
RegisterState = DirectoryAccount.State


def reservation_of_account(payload: Payload) -> str:
    """One open application for each account."""
    return f"account:{payload.account_guid}"


def subjects_of(payload: Payload | ResetPassword) -> tuple[Subject, ...]:
    """Every open application about an account is told, also the one that resets its password."""
    return (Subject(space="account", key=payload.account_guid, label=payload.login_name),)


def reservation_of_change(payload: ChangeAccount) -> str:
    """A new login name is held against everybody (ACC-06); a change without one holds its account."""
    name = payload.new_login_name.lower()
    return f"login:{name}" if name and name != payload.login_name.lower() else reservation_of_account(payload)


def registered(organisation: Organisation, payload: Payload) -> DirectoryAccount | None:
    """The account in the register; None for one of another organisation or type, which nobody learns of (ORG-02)."""
    try:
        guid = payload.guid
    except ValueError:
        return None
    found = together.look_up(together.of(organisation), BY_GUID, str(guid), by_guid(organisation))
    if found is not None and found.account_type != payload.account_type:
        found = None
    if found is None and payload.account_type == DirectoryAccount.AccountType.ADMINISTRATOR:
        found = persons.unregistered(organisation, guid=guid)
    return found


def find_registered(
    organisation: Organisation, login_name: str, account_type: str, *, removed: bool = False
) -> DirectoryAccount | None:
    """The account of this login name, whatever its case; None also for another organisation's (ORG-02).

    With `removed` also one that was removed for good, if nobody has its name now.
    """
    reader = by_name(organisation, account_type)
    shared = together.of(organisation)
    best = together.look_up(shared, f"{BY_NAME}.{account_type}", login_name.lower(), reader)
    found = best if best is not None and best.state != RegisterState.REMOVED else None
    if found is None and account_type == DirectoryAccount.AccountType.ADMINISTRATOR:
        found = persons.unregistered(organisation, login_name=login_name)
    return best if found is None and removed else found


def by_guid(organisation: Organisation) -> Callable[[Collection[str]], dict[str, DirectoryAccount]]:
    """Reads the organisation's accounts of these objectGUIDs."""

    def read(guids: Collection[str]) -> dict[str, DirectoryAccount]:
        rows = organisation.directory_accounts.select_related("organisation").filter(object_guid__in=guids)
        return {str(account.object_guid): account for account in rows}

    return read


def by_name(
    organisation: Organisation, account_type: str
) -> Callable[[Collection[str]], dict[str, DirectoryAccount]]:
    """Reads the organisation's accounts of these login names in lower case; a removed one only if nobody has its name."""

    def read(names: Collection[str]) -> dict[str, DirectoryAccount]:
        rows = organisation.directory_accounts.select_related("organisation")
        rows = rows.filter(account_type=account_type).alias(folded=Lower("login_name"))
        found = sorted(
            rows.filter(folded__in=names), key=lambda account: account.state != RegisterState.REMOVED
        )
        return {account.login_name.lower(): account for account in found}

    return read


@dataclass(frozen=True, kw_only=True)
class Found:
    """An account as AD holds it now; `entry` is None when it is not there (any more), or is not the organisation's."""

    entry: DirectoryEntry | None
    name_taken: bool = False


def look(organisation: Organisation, guid: UUID, new_name: str = "") -> Found:
    """Ask AD about one account, and about the name that it shall get. Raises DirectoryError."""

    return asking.ask(
        lambda directory: look_with(directory, organisation, guid, new_name), together.of(organisation)
    )


def look_with(directory: Directory, organisation: Organisation, guid: UUID, new_name: str = "") -> Found:
    """See `look`; for a handler, which asks however often the directory was down."""
    entry = directory.find_by_guid(guid)
    if entry is not None and not lies_below(entry.dn, organisation_ou(organisation)):
        entry = None
    renamed = bool(new_name) and (entry is None or entry.login_name.lower() != new_name.lower())
    return Found(entry=entry, name_taken=renamed and directory.login_name_in_use(new_name))


def check_change(context: LineContext, payload: ChangeAccount) -> Errors:
    """Errors of one change by field; what AD cannot be asked now is asked again later (ACC-12)."""
    errors: dict[str, list[str]] = defaultdict(list)
    account = registered(context.organisation, payload)
    if account is None or account.state == RegisterState.REMOVED:
        return {"login_name": [checks.account_unknown()]}
    if account.state == RegisterState.DELETED:
        return {"login_name": [_("This account is deleted. Have it restored first.")]}
    errors["login_name"] += filter(None, [open_application_problem(context, payload)])
    errors["new_login_name"] += filter(None, [_name_problem(context, payload)])
    before = registered_state(account)
    try:
        found = look(context.organisation, account.object_guid, payload.new_login_name)
        errors["login_name"] += filter(None, [entry_problem(found.entry)])
        if found.entry is not None:
            before = state_of(found.entry, context.organisation)
        if found.name_taken and not errors["new_login_name"]:
            errors["new_login_name"].append(checks.name_taken())
        _check_places(context, payload, before, errors)
    except DirectoryError:
        pass
    if _shown_day(before) != payload.expires_on and (
        problem := checks.last_day_problem(context, payload.last_day)
    ):
        errors["expires_on"].append(problem)
    if not changes_between(before, wanted_state(payload, before)) and not any(errors.values()):
        errors[""].append(_("Nothing differs from what the account has now. Change what shall be changed."))
    return {field: texts for field, texts in errors.items() if texts}


def _shown_day(before: State) -> str:
    return next(iter(before["accountExpires"]), "")


def _check_places(
    context: LineContext, payload: ChangeAccount, before: State, errors: dict[str, list[str]]
) -> None:
    """Units and groups of the own organisation only; what the account has already may stay. Raises DirectoryError."""
    offered = places.containers(context.organisation, payload.account_type)
    if places.not_offered([payload.container], [*offered, *before[CONTAINER]]):
        errors["container"].append(other_place())
    known = places.groups(context.organisation)
    for path in places.not_offered(payload.groups, [*known, *before[GROUPS]]):
        errors["groups"].append(
            _("The group %(name)s is not offered. Choose from the list.") % {"name": path}
        )


def other_place() -> str:
    """Why an account is not moved to another organisation (ORG-02)."""
    return _(
        "Choose a unit of your own organisation. An account is not moved to another organisation: "
        "it is deleted here and registered there."
    )


def _name_problem(context: LineContext, payload: ChangeAccount) -> str:
    """What the portal's own tables have against the new login name; "" for nothing (ACC-06)."""
    if not payload.new_login_name or payload.new_login_name.lower() == payload.login_name.lower():
        return ""
    return checks.name_problem(context, payload.new_login_name)


def check_delete(context: LineContext, payload: DeleteAccount) -> Errors:
    """Errors of one deletion by field."""
    account = registered(context.organisation, payload)
    if account is None or account.state == RegisterState.REMOVED:
        return {"login_name": [checks.account_unknown()]}
    if account.state == RegisterState.DELETED:
        return {"login_name": [_("This account is deleted already.")]}
    problem = open_application_problem(context, payload)
    with suppress(DirectoryError):
        problem = problem or entry_problem(look(context.organisation, account.object_guid).entry)
    return {"login_name": [problem]} if problem else {}


def check_restore(context: LineContext, payload: RestoreAccount) -> Errors:
    """Errors of one restoration by field."""
    account = registered(context.organisation, payload)
    problem = checks.account_unknown() if account is None else restore_problem(account)
    problem = problem or open_application_problem(context, payload)
    return {"login_name": [problem]} if problem else {}


def restore_problem(account: DirectoryAccount) -> str:
    """Why an account cannot be given back; "" when it can."""
    if account.state == RegisterState.REMOVED or removal_runs(account):
        return removed_for_good()
    if account.state != RegisterState.DELETED:
        return _("This account is not deleted, so there is nothing to restore.")
    return ""


def removal_runs(account: DirectoryAccount) -> bool:
    """Whether the final removal has begun and was not given up by a person."""
    if account.removal_began_at is None:
        return False
    given_up = Operation.system.filter(
        line_id=account.last_line_id, target="directory", step="remove", status=OperationStatus.CLOSED
    )
    return not given_up.exists()


def removed_for_good() -> str:
    """After the final removal nothing brings an account back."""
    return _("The account was removed for good and cannot be restored any more. Register a new one.")


def entry_problem(entry: DirectoryEntry | None) -> str:
    """Why an account cannot be written as AD holds it; "" when it can."""
    if entry is None:
        return _(
            "Active Directory does not have this account at its organisation any more. Ask network operations."
        )
    if entry.privileged:
        return _("This account belongs to a protected group. Ask network operations.")
    return ""


def open_application_problem(context: LineContext, payload: Payload) -> str:
    """Another application about the same account is not finished; "" when there is none."""
    other = together.look_up(context.shared, OPEN_LINES, payload.account_guid, open_lines(context))
    if other is None:
        return ""
    text = _("Application %(number)s about this account is not finished yet.")
    return text % {"number": other}


def open_lines(context: LineContext) -> Callable[[Collection[str]], dict[str, str]]:
    """Reads the numbers of other open applications of the organisation about these accounts, by objectGUID."""

    def read(guids: Collection[str]) -> dict[str, str]:
        others = ApplicationLine.system.filter(
            is_open=True, organisation_id=context.organisation.pk, payload__account_guid__in=list(guids)
        )
        if context.application is not None:
            others = others.exclude(application_id=context.application.pk)
        others = others.exclude(application__kind__endswith="password_reset")
        return dict(others.values_list("payload__account_guid", "application__number"))

    return read
