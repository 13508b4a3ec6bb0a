"""People of the portal and their accounts. Some were made known by hand before the register knew administrator accounts."""

from __future__ import annotations

from uuid import UUID

from django.utils import timezone

from accounts.models import DirectoryAccount
from portal.orgs.models import Organisation, User
from portal.orgs.people import administrators_ou


def person_of(account: DirectoryAccount) -> User | None:
    """The person who logs in with this account; None for Windows user accounts, and after an account was given up."""
    if account.account_type != DirectoryAccount.AccountType.ADMINISTRATOR:
        return None
    return User.objects.filter(directory_guid=account.object_guid).first()


def mail_of(account: DirectoryAccount) -> str:
    """The address that the portal knows of the account's person; "" for none."""
    person = person_of(account)
    return person.email if person else ""


def unregistered(
    organisation: Organisation, *, login_name: str = "", guid: UUID | None = None
) -> DirectoryAccount | None:
    """The account of a person whom the register does not hold yet, by `guid` or `login_name`: a row that is not stored.

    The first application that is carried out enters it.
    """
    people = organisation.people.filter(directory_guid__isnull=False, is_active=True, is_break_glass=False)
    if login_name:
        people = people.filter(login_name__iexact=login_name)
    if guid is not None:
        people = people.filter(directory_guid=guid)
    person = people.first() if login_name or guid else None
    if person is None or person.directory_guid is None:
        return None
    if DirectoryAccount.system.filter(object_guid=person.directory_guid).exists():
        return None
    return _row(person, person.directory_guid, organisation)


def _row(person: User, guid: UUID, organisation: Organisation) -> DirectoryAccount:
    family, _space, given = person.display_name.partition(" ")
    family_kana, _space, given_kana = person.kana.partition(" ")
    return DirectoryAccount(
        organisation=organisation,
        account_type=DirectoryAccount.AccountType.ADMINISTRATOR,
        object_guid=guid,
        distinguished_name=f"CN={person.login_name},{administrators_ou(organisation)}",
        login_name=person.login_name,
        family_name=family[:40],
        given_name=given[:40],
        family_kana=family_kana[:40],
        given_kana=given_kana[:40],
        department=person.department,
        verified_at=timezone.now(),
    )
