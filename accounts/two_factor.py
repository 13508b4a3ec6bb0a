"""Accounts at the two-factor system: what is ordered there follows the register, which follows Active Directory (ACC-05).

The order is made from the account as it was last verified in AD, so a late order never brings back what changed since.
"""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

from django.conf import settings
from django.utils.translation import gettext as _

from accounts.models import DirectoryAccount
from accounts.provisioning import payload_of
from portal.fulfilment.models import Operation
from portal.fulfilment.registry import register_handler
from portal.gateways.two_factor import TARGET, Action, Order, Person, Refused
from portal.two_factor.handler import NothingToOrder, TwoFactorHandler
from portal.two_factor.waiting import directory_operation

_TAKES_AWAY = frozenset({Action.DISABLE, Action.REMOVE})


def register_two_factor(kind: str, action: Action, *, step: str = "") -> None:
    """Carry out one step of an account kind at the two-factor system too, after the same step in Active Directory."""
    register_handler(kind, TARGET, TwoFactorHandler(order_of(action)), step=step)


def order_of(action: Action) -> Callable[[Operation], Order]:
    """How the order of an operation is made, for portal.two_factor.handler."""

    def make(operation: Operation) -> Order:
        account = _account_of(operation)
        if account.state != DirectoryAccount.State.ENABLED and action not in _TAKES_AWAY:
            raise NothingToOrder(_("The account is not in use any more."))
        if action is Action.DISABLE and account.state == DirectoryAccount.State.ENABLED:
            raise NothingToOrder(_("The account is in use again."))
        if action is Action.REMOVE and account.state != DirectoryAccount.State.REMOVED:
            raise NothingToOrder(_("The account was restored."))
        enabled = action not in _TAKES_AWAY
        return Order(marker=str(operation.marker), action=action, person=person_of(account, enabled=enabled))

    return make


def person_of(account: DirectoryAccount, *, enabled: bool) -> Person:
    """An account as the two-factor system shall hold it."""
    return Person(
        external_id=str(account.object_guid),
        login_name=account.login_name,
        principal_name=f"{account.login_name}@{settings.DIRECTORY['domain']}",
        display_name=f"{account.family_name} {account.given_name}".strip(),
        family_name=account.family_name,
        given_name=account.given_name,
        kana=f"{account.family_kana} {account.given_kana}".strip(),
        department=account.department,
        organisation_code=account.organisation.code,
        organisation_name=account.organisation.name,
        enabled=enabled,
    )


def _account_of(operation: Operation) -> DirectoryAccount:
    """The account in the register, by the objectGUID that was read back in AD or that was applied for. Raises Refused."""
    before = directory_operation(operation)
    guid = (before.evidence if before else {}).get("object_guid") or getattr(
        payload_of(operation), "account_guid", ""
    )
    rows = DirectoryAccount.system.select_related("organisation")
    account = rows.filter(object_guid=UUID(guid)).first() if guid else None
    if account is None:
        raise Refused(_("The register does not hold the account yet."), code="not_registered")
    return account
