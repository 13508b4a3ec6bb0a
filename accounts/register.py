"""Writing the register of accounts: only after the directory was read back (DESIGN of fulfilment, ACC-06)."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, Protocol
from uuid import UUID

from django.db import IntegrityError, transaction

from accounts.attributes import group_paths
from accounts.models import DirectoryAccount
from accounts.naming import free
from accounts.reconciliation.expected import note_written
from portal.common.search import batched
from portal.common.text import romaji_spellings, search_key
from portal.gateways.directory import DirectoryEntry
from portal.workflow.models import ApplicationLine


class RegisterConflict(Exception):
    """The register already holds this login name for another object: it and AD have drifted apart."""


_SEARCHED = (
    "family_name",
    "given_name",
    "family_kana",
    "given_kana",
    "login_name",
    "department",
    "staff_number",
)


def account_search_text(
    *,
    family_name: str,
    given_name: str,
    family_kana: str,
    given_kana: str,
    login_name: str,
    department: str,
    staff_number: str = "",
) -> str:
    """The folded text that account searches look into: names with and without the space between them, also in romaji."""
    names = (f"{family_name} {given_name}", family_name + given_name)
    readings = (f"{family_kana} {given_kana}", family_kana + given_kana)
    spellings = (*romaji_spellings(family_kana), *romaji_spellings(given_kana))
    return search_key(*names, *readings, *spellings, login_name, department, staff_number)


def rebuild_search_texts() -> int:
    """Fold the search text of every account anew, after the way of folding changed; the number of accounts."""
    count = 0
    rows = DirectoryAccount.system.only(*_SEARCHED, "search_text").order_by("pk")
    for batch in batched(rows.iterator(chunk_size=1000), 1000):
        for account in batch:
            account.search_text = account_search_text(**{name: getattr(account, name) for name in _SEARCHED})
        count += DirectoryAccount.system.bulk_update(batch, ["search_text"])
    return count


class Person(Protocol):
    """What a payload says about the person of an account; AD keeps the two readings as one text."""

    @property
    def family_name(self) -> str: ...
    @property
    def given_name(self) -> str: ...
    @property
    def family_kana(self) -> str: ...
    @property
    def given_kana(self) -> str: ...


def enter_account(
    *,
    line: ApplicationLine,
    payload: Person,
    entry: DirectoryEntry,
    now: datetime,
    account_type: str = DirectoryAccount.AccountType.WINDOWS,
) -> DirectoryAccount:
    """Enter or renew the account that a line made or changed, as it was read back. Safe to repeat.

    Raises RegisterConflict.
    """
    names = {
        "family_name": payload.family_name,
        "given_name": payload.given_name,
        "family_kana": payload.family_kana,
        "given_kana": payload.given_kana,
        "login_name": entry.login_name,
        "department": entry.department,
        "staff_number": entry.staff_number,
    }
    state = DirectoryAccount.State.ENABLED if entry.enabled else DirectoryAccount.State.DISABLED
    values = {
        **names,
        "organisation_id": line.organisation_id,
        "account_type": account_type,
        "description": entry.description[:200],
        "groups": group_paths(entry, line.organisation),
        "expires_on": entry.account_expires,
        "distinguished_name": entry.dn,
        "state": state,
        "search_text": account_search_text(**names),
        "last_line": line,
        "verified_at": now,
    }
    try:
        return _enter(entry, values, now)
    except IntegrityError:
        if not DirectoryAccount.system.filter(object_guid=entry.guid).exists():
            raise RegisterConflict(entry.login_name) from None
    try:  # another worker entered the same account meanwhile
        return _enter(entry, values, now)
    except IntegrityError:
        raise RegisterConflict(entry.login_name) from None


@transaction.atomic
def _enter(entry: DirectoryEntry, values: dict[str, Any], now: datetime) -> DirectoryAccount:
    account: DirectoryAccount | None = (
        DirectoryAccount.system.select_for_update().filter(object_guid=entry.guid).first()
    )
    before = account.login_name if account else entry.login_name
    if account is None:
        account = DirectoryAccount.system.create(object_guid=entry.guid, **values)
    else:
        for name, value in values.items():
            setattr(account, name, value)
        account.save(update_fields=[*values, "updated_at"])
    named = {"organisation_id": values["organisation_id"], "now": now, "guid": entry.guid}
    if before.lower() != entry.login_name.lower():
        free.note_removed(before, **named)
    note_written(account, entry, now)
    free.note_used(entry.login_name, **named)
    return account


@transaction.atomic
def note_deleted(
    *, line: ApplicationLine, entry: DirectoryEntry, before: dict[str, Any], remove_on: date, now: datetime
) -> DirectoryAccount:
    """Enter a deletion as it was read back: it can be restored until `remove_on`. Safe to repeat.

    Raises RegisterConflict for an account that the register does not hold.
    """
    account = _locked(entry.guid)
    again = account.state == DirectoryAccount.State.DELETED and account.last_line_id == line.pk
    if not again:  # a repetition does not start the days anew
        account.deleted_at, account.remove_on = now, remove_on
    account.before_deletion = before
    account.state, account.last_line = DirectoryAccount.State.DELETED, line
    _take_over(account, entry, now)
    return account


@transaction.atomic
def note_restored(*, line: ApplicationLine, entry: DirectoryEntry, now: datetime) -> DirectoryAccount:
    """Enter a restoration as it was read back. Safe to repeat. Raises RegisterConflict."""
    account = _locked(entry.guid)
    account.state, account.last_line = DirectoryAccount.State.ENABLED, line
    account.deleted_at = account.remove_on = account.removal_began_at = None
    account.before_deletion = {}
    _take_over(account, entry, now)
    return account


@transaction.atomic
def note_disabled(*, entry: DirectoryEntry, now: datetime) -> DirectoryAccount:
    """Enter that an account does not work any more; the line that spoke of it last stays. Raises RegisterConflict."""
    account = _locked(entry.guid)
    account.state = DirectoryAccount.State.DISABLED
    _take_over(account, entry, now)
    return account


@transaction.atomic
def note_removed(*, account: DirectoryAccount, now: datetime) -> None:
    """Enter that AD does not have the account any more. Safe to repeat."""
    account = _locked(account.object_guid)
    if account.state != DirectoryAccount.State.REMOVED:  # from now on the years of its name count (ACC-06)
        free.note_removed(
            account.login_name,
            organisation_id=account.organisation_id,
            now=now,
            guid=account.object_guid,
        )
    account.state, account.verified_at = DirectoryAccount.State.REMOVED, now
    account.groups = []
    account.save(update_fields=["state", "verified_at", "groups", "updated_at"])


def _locked(guid: UUID) -> DirectoryAccount:
    rows = DirectoryAccount.system.select_for_update(no_key=True, of=("self",)).select_related("organisation")
    account: DirectoryAccount | None = rows.filter(object_guid=guid).first()
    if account is None:
        raise RegisterConflict(str(guid))
    return account


def _take_over(account: DirectoryAccount, entry: DirectoryEntry, now: datetime) -> None:
    """Where AD has the account now, and as what it was written last."""
    account.distinguished_name, account.verified_at = entry.dn, now
    account.groups = group_paths(entry, account.organisation)
    account.save()
    note_written(account, entry, now)
