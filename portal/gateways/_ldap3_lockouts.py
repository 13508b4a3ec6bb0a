"""Locked accounts: the state of one, and what each domain controller counted. Private to the adapter."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from portal.gateways import _ldap3_controllers as controllers
from portal.gateways import _ldap3_values as values
from portal.gateways._ldap3_connection import Guard, LdapSettings
from portal.gateways.directory_lockouts import LockState, WrongAttempts

_COMPUTED = "msDS-User-Account-Control-Computed"
ATTRIBUTES = ["objectGUID", "sAMAccountName", "userAccountControl", "lockoutTime", _COMPUTED]


def parse_state(item: Mapping[str, Any]) -> LockState:
    """One search result as the port's value; asked for with ATTRIBUTES."""
    raw = {name.lower(): found for name, found in item["raw_attributes"].items()}
    # lockoutTime keeps its old value after the lock has run out; the computed flag tells the truth now.
    locked = int(values.text_of(item, _COMPUTED) or 0) & values.LOCKED_OUT
    return LockState(
        guid=UUID(bytes_le=bytes(raw["objectguid"][0])),
        login_name=values.text_of(item, "sAMAccountName"),
        enabled=not int(values.text_of(item, "userAccountControl") or 0) & values.ACCOUNT_DISABLED,
        locked_since=moment(raw.get("lockouttime", [])) if locked else None,
    )


def moment(lockout_time: list[bytes]) -> datetime | None:
    """lockoutTime as a moment; None for 0 and for none."""
    return values.from_filetime(int(lockout_time[0])) if lockout_time else None


def wrong_attempts(
    settings: LdapSettings, guard: Guard, url: str, guids: Sequence[UUID]
) -> dict[UUID, WrongAttempts]:
    """See Lockouts.wrong_attempts."""
    found = controllers.ask(settings, guard, url, guids, ["badPwdCount", "badPasswordTime"])
    return {
        guid: WrongAttempts(
            count=int(raw.get("badpwdcount", b"0")),
            last_at=values.from_filetime(int(raw.get("badpasswordtime", b"0"))),
        )
        for guid, raw in found.items()
    }
