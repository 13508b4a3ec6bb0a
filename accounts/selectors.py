"""Reading the register of accounts within a person's scope (ユーザ検索, ACC-02)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy

from accounts import asking
from accounts.administrators import kinds as administrators
from accounts.administrators import persons
from accounts.delivery import unused
from accounts.kinds import CHANGE, DELETE, PASSWORD_RESET, REGISTER, RESTORE
from accounts.models import DirectoryAccount
from accounts.naming import free
from portal.common.search import matching
from portal.fulfilment.models import Operation
from portal.gateways.directory import DirectoryEntry, DirectoryError
from portal.orgs import assignments
from portal.orgs.assignments import Term
from portal.orgs.models import Organisation, User
from portal.orgs.permissions import APPLY, READ_ACCOUNTS, RUN_OPERATIONS
from portal.workflow import selectors as workflow
from portal.workflow.models import Application


def accounts(
    user: User,
    q: str = "",
    *,
    state: str = "",
    organisation: str = "",
    account_type: str = "",
    department: str = "",
    expiry: str = "",
) -> QuerySet[DirectoryAccount]:
    """The accounts that this person may see, all words of `q` in name, reading, login name or department.

    Only organisations in which the person may read accounts count: being a mere user somewhere opens nothing there.
    """
    rows = DirectoryAccount.objects.visible_to(user).select_related("organisation")
    readable = user.organisations_where(READ_ACCOUNTS)
    if not readable:
        return rows.none()
    if not user.reads_everywhere(READ_ACCOUNTS):
        rows = rows.filter(organisation__in=readable)
    if state in DirectoryAccount.State.values:
        rows = rows.filter(state=state)
    if organisation:
        rows = rows.filter(organisation__code=organisation)
    if account_type in DirectoryAccount.AccountType.values:
        rows = rows.filter(account_type=account_type)
    if department:
        rows = rows.filter(department__icontains=department)
    return matching(_ending(rows, expiry), q)


# What the filter of the last day of use offers.
EXPIRIES: Mapping[str, Any] = {
    "soon": gettext_lazy("ends within 30 days"),
    "over": gettext_lazy("has ended"),
    "temporary": gettext_lazy("temporary"),
    "removal": gettext_lazy("waits for its removal"),
}


def _ending(rows: QuerySet[DirectoryAccount], expiry: str) -> QuerySet[DirectoryAccount]:
    today = timezone.localdate()
    wanted = {
        "soon": Q(expires_on__gte=today, expires_on__lte=today + timedelta(days=30)),
        "over": Q(expires_on__lt=today),
        "temporary": Q(expires_on__isnull=False),
        "removal": Q(state=DirectoryAccount.State.DELETED),
    }
    return rows.filter(wanted[expiry]) if expiry in wanted else rows


def account(user: User, guid: UUID) -> DirectoryAccount:
    """One account by objectGUID; raises DirectoryAccount.DoesNotExist also for another federation's (ORG-02)."""
    return accounts(user).get(object_guid=guid)


def organisations(user: User) -> list[Organisation]:
    """The organisations whose accounts this person can read, for the filter."""
    if user.reads_everywhere(READ_ACCOUNTS):
        return list(Organisation.objects.all())
    return user.organisations_where(READ_ACCOUNTS)


@dataclass(frozen=True, kw_only=True)
class LiveState:
    """An account as AD holds it now. Without `entry`: `unavailable` when AD could not be asked, else it is gone."""

    entry: DirectoryEntry | None = None
    unavailable: bool = False


def live_state(account: DirectoryAccount) -> LiveState:
    """Ask AD about an account that the caller may see. Never raises for an unreachable directory (ACC-12)."""
    try:
        return LiveState(entry=asking.ask(lambda directory: directory.find_by_guid(account.object_guid)))
    except DirectoryError:
        return LiveState(unavailable=True)


def applications_of(user: User, account: DirectoryAccount) -> QuerySet[Application]:
    """The applications about this account that the person may see, newest first, also those under its former names."""
    names = {account.login_name.lower(), *free.names_of(account.object_guid)}
    found = workflow.applications(user, workflow.Filters()).filter(
        organisation_id=account.organisation_id, lines__subject_key__in=names
    )
    return found.distinct().order_by("-id")


def roles_of(account: DirectoryAccount) -> list[Term]:
    """The roles that an administrator account carries in its organisation, of today and to come."""
    person = persons.person_of(account)
    if person is None:
        return []
    return assignments.held(person.pk, account.organisation_id, timezone.localdate())


@dataclass(frozen=True, kw_only=True)
class AccountAction:
    """An application that the page of an account offers."""

    kind: str
    label: str
    icon: str


_Type, _State = DirectoryAccount.AccountType, DirectoryAccount.State
_IN_USE, _DELETED = frozenset({_State.ENABLED, _State.DISABLED}), frozenset({_State.DELETED})
# By type of account: the kind, in which states it is offered, and the words of the button.
ACTIONS: dict[str, tuple[tuple[str, frozenset[str], Any, str], ...]] = {
    _Type.ADMINISTRATOR: (
        (administrators.CHANGE, _IN_USE, gettext_lazy("Apply for a change"), "copy"),
        (administrators.DELETE, _IN_USE, gettext_lazy("Apply for deletion"), "minus"),
        (administrators.RESTORE, _DELETED, gettext_lazy("Apply for restoration"), "back"),
    ),
    _Type.WINDOWS: (
        (CHANGE, _IN_USE, gettext_lazy("Apply for a change"), "copy"),
        (DELETE, _IN_USE, gettext_lazy("Apply for deletion"), "minus"),
        (RESTORE, _DELETED, gettext_lazy("Apply for restoration"), "back"),
    ),
}


def actions_of(user: User, account: DirectoryAccount) -> list[AccountAction]:
    """What this person can apply for about the account as it stands; submission checks again."""
    if not user.may(APPLY, account.organisation_id):
        return []
    return [
        AccountAction(kind=kind, label=str(label), icon=icon)
        for kind, states, label, icon in ACTIONS.get(account.account_type, ())
        if account.state in states and not (kind == RESTORE and account.removal_began_at)
    ]


def may_apply_for_reset(user: User, account: DirectoryAccount) -> bool:
    """Whether the page offers to apply for a password reset."""
    if not user.may(APPLY, account.organisation_id):
        return False
    if account.state == DirectoryAccount.State.DISABLED:  # a reset enables it again, when that is why
        return unused.may_enable_again(account.object_guid)
    return account.state == DirectoryAccount.State.ENABLED


def correctable_operation(user: User, operation_id: int) -> Operation:
    """An operation whose recipient operations may change. Raises Operation.DoesNotExist."""
    if not user.may(RUN_OPERATIONS):
        raise Operation.DoesNotExist
    rows: Any = Operation.objects.visible_to(user).select_related("line__application", "organisation")
    found: Operation = rows.get(pk=operation_id, kind__in=(REGISTER, administrators.REGISTER, PASSWORD_RESET))
    return found
