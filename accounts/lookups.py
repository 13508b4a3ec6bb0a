"""Reading the register for one organisation that the caller may act for."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from django.db.models.functions import Lower

from accounts import asking
from accounts.attributes import lies_below, organisation_ou
from accounts.models import DirectoryAccount
from portal.gateways.directory import DirectoryError
from portal.orgs.models import Organisation

_OFFERED_DEPARTMENTS = 100


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


def find_own_account(organisation: Organisation, login_name: str) -> OwnAccount | None:
    """The account of this login name, whatever its case, in this organisation; None for one of another (ORG-02).

    Looks into the register, then among the people of the portal (administrator accounts, ACC-01), then into AD.
    """
    folded = login_name.lower()
    rows = organisation.directory_accounts.alias(folded=Lower("login_name")).filter(folded=folded)
    account = rows.exclude(state__in=(DirectoryAccount.State.DELETED, DirectoryAccount.State.REMOVED)).first()
    if account is not None:
        name = f"{account.family_name} {account.given_name}"
        return OwnAccount(guid=account.object_guid, login_name=account.login_name, display_name=name)
    person = (
        organisation.people.alias(folded=Lower("login_name"))
        .filter(folded=folded, directory_guid__isnull=False, is_active=True)
        .first()
    )
    if person is not None and person.directory_guid is not None:
        return OwnAccount(
            guid=person.directory_guid, login_name=person.login_name, display_name=person.display_name
        )
    return _find_in_directory(organisation, login_name)


def _find_in_directory(organisation: Organisation, login_name: str) -> OwnAccount | None:
    try:
        entry = asking.ask(lambda directory: directory.find_by_login_name(login_name))
    except DirectoryError:
        return None  # made outside the portal or not there at all: cannot be told apart until AD answers
    if entry is None or not lies_below(entry.dn, organisation_ou(organisation)):
        return None
    return OwnAccount(guid=entry.guid, login_name=entry.login_name, display_name=entry.display_name)
