"""What AD should hold of an account: what was written last, and what the register says was approved."""

from __future__ import annotations

from datetime import datetime

from accounts.models import DirectoryAccount
from accounts.reconciliation.models import WrittenState
from accounts.reconciliation.snapshot import Snapshot, snapshot_of
from portal.common.upsert import upsert
from portal.gateways.directory import DirectoryEntry
from portal.gateways.directory_names import parent_dn

State = DirectoryAccount.State
REMOVED = State.REMOVED  # taken out of AD for good: it is expected not to be there
_KNOWN_FROM_THE_BEGINNING = (
    "login_name",
    "enabled",
    "display_name",
    "family_name",
    "given_name",
    "kana",
    "department",
)


def note_written(account: DirectoryAccount, entry: DirectoryEntry, now: datetime) -> None:
    """Keep what was read back after a write. Called in the same transaction as the change of the register."""
    values = {
        "organisation_id": account.organisation_id,
        "values": snapshot_of(entry),
        "usn": entry.usn_changed,
        "at": now,
    }
    upsert(WrittenState.system, key={"account": account}, values=values, first={})


def written_of(account: DirectoryAccount) -> Snapshot:
    """The last written state; of an account from before such states were kept, what the register knows of it."""
    written = getattr(account, "written", None)
    return dict(written.values) if written is not None else _from_register(account)


def expected_of(account: DirectoryAccount) -> Snapshot:
    """What a comparison expects. Whether an account works is the register's word: it was approved (ACC-03)."""
    values = written_of(account)
    values["enabled"] = account.state == State.ENABLED
    return values


def approved_of(account: DirectoryAccount) -> Snapshot:
    """What was approved, as the register holds it."""
    return {
        "login_name": account.login_name,
        "enabled": account.state == State.ENABLED,
        "display_name": f"{account.family_name} {account.given_name}".strip(),
        "family_name": account.family_name,
        "given_name": account.given_name,
        "kana": f"{account.family_kana} {account.given_kana}".strip(),
        "department": account.department,
        "staff_number": account.staff_number,
        "description": account.description,
        "company": account.organisation.name,
        "account_expires": account.expires_on.isoformat() if account.expires_on else "",
        "groups": list(account.groups),
    }


def _from_register(account: DirectoryAccount) -> Snapshot:
    approved = approved_of(account)
    values = {name: approved[name] for name in _KNOWN_FROM_THE_BEGINNING}
    container = parent_dn(account.distinguished_name)
    return {
        **values,
        "container": container,
        "common_name": account.distinguished_name[: -len(container) - 1],
    }
