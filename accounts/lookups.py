"""Reading the register for one organisation that the caller may act for."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from uuid import UUID

from django.db.models.functions import Lower

from accounts import asking, together
from accounts.attributes import lies_below, organisation_ou
from accounts.models import DirectoryAccount
from portal.gateways.directory import Directory, DirectoryEntry, DirectoryError
from portal.orgs.models import Organisation
from portal.workflow.kinds import LineContext

_OFFERED_DEPARTMENTS = 100
_GONE = (DirectoryAccount.State.DELETED, DirectoryAccount.State.REMOVED)
OWN_ACCOUNTS = "accounts.own"  # in LineContext.shared


@dataclass(frozen=True, kw_only=True)
class OwnAccount:
    """An account of the own organisation, wherever it was found."""

    guid: UUID
    login_name: str
    display_name: str


def departments(organisation: Organisation) -> list[str]:
    """Departments that accounts of the organisation already have, to offer while typing."""
    rows = organisation.directory_accounts.exclude(department="").order_by("department")
    return list(rows.values_list("department", flat=True).distinct()[:_OFFERED_DEPARTMENTS])


def find_own_account(
    organisation: Organisation, login_name: str, shared: together.Shared | None = None
) -> OwnAccount | None:
    """The account of this login name, whatever its case, in this organisation; None for one of another (ORG-02).

    Looks into the register, then among the people of the portal (administrator accounts, ACC-01), then into AD. `shared` of
    a LineContext holds what `read_own_accounts` read for all lines together.
    """
    return together.look_up(
        shared or {},
        OWN_ACCOUNTS,
        login_name.lower(),
        lambda names: own_accounts(organisation, names, shared),
    )


def read_own_accounts(context: LineContext, login_names: Collection[str]) -> None:
    """Find the accounts of all lines together, before their forms are checked."""
    names = {name.lower() for name in login_names if name}
    together.read_together(
        context.shared,
        OWN_ACCOUNTS,
        names,
        lambda missing: own_accounts(context.organisation, missing, context.shared),
    )


def own_accounts(
    organisation: Organisation, login_names: Collection[str], shared: together.Shared | None = None
) -> dict[str, OwnAccount]:
    """The accounts of the organisation by their login name in lower case; those that do not exist are left out."""
    found = _registered(organisation, login_names)
    if missing := [name for name in login_names if name not in found]:
        found |= _people(organisation, missing)
    if missing := [name for name in login_names if name not in found]:
        found |= _in_directory(organisation, missing, shared)
    return found


def _registered(organisation: Organisation, login_names: Collection[str]) -> dict[str, OwnAccount]:
    rows = organisation.directory_accounts.alias(folded=Lower("login_name")).filter(folded__in=login_names)
    return {
        account.login_name.lower(): OwnAccount(
            guid=account.object_guid,
            login_name=account.login_name,
            display_name=f"{account.family_name} {account.given_name}",
        )
        for account in rows.exclude(state__in=_GONE)
    }


def _people(organisation: Organisation, login_names: Collection[str]) -> dict[str, OwnAccount]:
    rows = organisation.people.alias(folded=Lower("login_name")).filter(
        folded__in=login_names, directory_guid__isnull=False, is_active=True
    )
    return {
        person.login_name.lower(): OwnAccount(
            guid=person.directory_guid, login_name=person.login_name, display_name=person.display_name
        )
        for person in rows
        if person.directory_guid is not None
    }


def _in_directory(
    organisation: Organisation, login_names: Collection[str], shared: together.Shared | None
) -> dict[str, OwnAccount]:
    def question(directory: Directory) -> list[DirectoryEntry]:
        if len(login_names) == 1:
            entry = directory.find_by_login_name(*login_names)
            return [entry] if entry is not None else []
        return directory.find_by_login_names(login_names)

    try:
        entries = asking.ask(question, shared)
    except DirectoryError:
        return {}  # made outside the portal or not there at all: cannot be told apart until AD answers
    return {
        entry.login_name.lower(): OwnAccount(
            guid=entry.guid, login_name=entry.login_name, display_name=entry.display_name
        )
        for entry in entries
        if lies_below(entry.dn, organisation_ou(organisation))
    }
