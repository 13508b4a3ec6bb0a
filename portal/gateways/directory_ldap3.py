"""The directory over LDAPS with ldap3: Active Directory, Samba and the demo directory alike.

Every login name, text and DN is checked or escaped here before it is sent; every reply is classified by result
and Win32 code. See docs/adr for why each operation has the shape it has.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Any
from uuid import UUID

import ldap3

from portal.gateways import _ldap3_errors as errors
from portal.gateways import _ldap3_lockouts as lockouts
from portal.gateways import _ldap3_values as values
from portal.gateways._ldap3_computers import ComputerWriting
from portal.gateways._ldap3_connection import (
    Reply,
)
from portal.gateways._ldap3_policy_writing import PolicyWriting
from portal.gateways.directory import (
    UPDATABLE_FIELDS,
    AccountDisabled,
    ChangedMeanwhile,
    DirectoryEntry,
    DirectoryError,
    InvalidValue,
    NewAccount,
    NotFound,
    OutcomeUnknown,
    PolicyRefused,
    Privileged,
    WrongPassword,
)
from portal.gateways.directory_lockouts import LockState
from portal.gateways.directory_rules import FIELD_CHECKS, validate_login_name

_POLICY_HINTS = "1.2.840.113556.1.4.2239"
_MIND_HISTORY = b"\x30\x03\x02\x01\x01"  # SEQUENCE { INTEGER 1 }

Change = tuple[str, list[bytes]]


class Ldap3Directory(PolicyWriting, ComputerWriting):
    """The one implementation of the port `portal.gateways.directory.Directory`; what only asks is in Reading."""

    def create_account(self, account: NewAccount, *, initial_password: str) -> DirectoryEntry:
        _check_account(account)
        dn = values.child_dn(account.login_name, account.container_dn)
        attributes = self._new_attributes(account)
        # One add with password and state: a refused password leaves nothing behind.
        attributes["unicodePwd"] = [values.encode_password(initial_password)]
        reply = self._kept.write(lambda connection: connection.add(dn, attributes=attributes))
        if not reply.ok:
            raise errors.placement_error(reply, account.container_dn)
        try:
            (made,) = self._just_made(dn)
        except (DirectoryError, ValueError) as error:
            raise OutcomeUnknown(
                "the account was added but could not be read back", code="not_read_back"
            ) from error
        return made

    def _just_made(self, dn: str) -> list[DirectoryEntry]:
        """Without what the directory would work out: nobody can have locked it or let its password expire yet."""
        attributes = values.scan_attributes(self._settings.marker_attribute)
        reply = self._search(dn, values.account_filter(), attributes=attributes, scope=ldap3.BASE)
        return [values.parse_entry(item, self._settings.marker_attribute) for item in reply.entries]

    def update_account(
        self,
        guid: UUID,
        changes: Mapping[str, str | date | None],
        *,
        expected: Mapping[str, str | date | None] | None = None,
    ) -> None:
        _check_changes(changes)
        entry, raw = self._writable(guid)
        modifications: dict[str, list[Change]] = {}
        for field, value in changes.items():
            attribute = values.FIELD_ATTRIBUTES[field]
            new = values.attribute_bytes(field, value)
            guarded = expected is not None and field in expected
            if guarded and (expected or {})[field] != (getattr(entry, field) or None):
                raise ChangedMeanwhile(f"{field} is not what it was", code="compare")
            if guarded:
                change = _guarded_change(raw.get(attribute.lower(), []), new)
            else:
                change = [(ldap3.MODIFY_REPLACE, [new] if new is not None else [])]
            if change:
                modifications[attribute] = change
        if modifications:
            self._modify(guid, modifications, error=errors.guarded_error)

    def enable(self, guid: UUID) -> None:
        self._set_disabled(guid, disabled=False)

    def disable(self, guid: UUID, *, only_unused: bool = False) -> None:
        self._set_disabled(guid, disabled=True, only_unused=only_unused)

    def move(self, guid: UUID, container_dn: str) -> None:
        entry, _ = self._writable(guid)
        if entry.container_dn.lower() == container_dn.lower():
            return
        rdn = entry.dn[: -len(entry.container_dn) - 1]
        reply = self._kept.write(
            lambda connection: connection.modify_dn(entry.dn, rdn, new_superior=container_dn)
        )
        if not reply.ok:
            # A missing source and a missing target may look the same.
            if reply.result == errors.NO_SUCH_OBJECT and self.find_by_guid(guid) is None:
                raise NotFound(reply.message, code=reply.code)
            raise errors.placement_error(reply, container_dn)

    def rename(self, guid: UUID, login_name: str) -> None:
        if reasons := validate_login_name(login_name):
            raise InvalidValue(", ".join(reasons), code="rule", attribute="sAMAccountName")
        entry, _ = self._writable(guid)
        # Names first: they are unique in the domain, so a conflict shows before anything has changed.
        names = {"sAMAccountName": login_name, "userPrincipalName": self._principal_name(login_name)}
        self._modify(
            guid, {name: [(ldap3.MODIFY_REPLACE, [value.encode()])] for name, value in names.items()}
        )
        rdn = values.common_name_rdn(login_name)
        if entry.dn == f"{rdn},{entry.container_dn}":
            return
        reply = self._kept.write(lambda connection: connection.modify_dn(entry.dn, rdn))
        if not reply.ok:
            raise errors.write_error(reply)

    def delete(self, guid: UUID) -> None:
        self._writable(guid)
        reply = self._kept.write(lambda connection: connection.delete(values.guid_dn(guid)))
        if not reply.ok:
            raise errors.write_error(reply)

    def add_to_group(self, group_dn: str, guid: UUID) -> None:
        self._change_membership(group_dn, guid, ldap3.MODIFY_ADD, member=True)

    def remove_from_group(self, group_dn: str, guid: UUID) -> None:
        self._change_membership(group_dn, guid, ldap3.MODIFY_DELETE, member=False)

    # Passwords

    def reset_password(self, guid: UUID, *, new_password: str, last_set: datetime | None = None) -> None:
        entry, raw = self._writable(guid)
        guard: list[Change] = [(ldap3.MODIFY_REPLACE, [b"0"])]
        if last_set is not None:
            if entry.password_last_set != last_set:
                raise ChangedMeanwhile("another password was set", code="compare")
            guard = _guarded_change(raw["pwdlastset"], b"0")
        self._modify(guid, {"pwdLastSet": guard, **_new_password(new_password)}, error=errors.guarded_error)

    def replace_initial_password(self, guid: UUID, *, new_password: str) -> None:
        entry, _ = self._writable(guid)
        if not entry.must_change_password:
            raise ChangedMeanwhile("the person has chosen a password", code="compare")
        # The server compares again within the same modify: between reading and writing the person may choose.
        guard = [(ldap3.MODIFY_DELETE, [b"0"]), (ldap3.MODIFY_ADD, [b"0"])]
        self._modify(guid, {"pwdLastSet": guard, **_new_password(new_password)}, error=errors.guarded_error)

    def reset_to_chosen_password(self, guid: UUID, *, new_password: str) -> None:
        self._writable(guid)
        # Critical: a server that does not know the control must refuse rather than forget the history.
        hints = [(_POLICY_HINTS, True, _MIND_HISTORY)]
        self._modify(guid, _new_password(new_password), controls=hints)

    def change_password(self, guid: UUID, *, old_password: str, new_password: str) -> None:
        if not old_password:
            raise WrongPassword("no old password", code="rule")
        self._writable(guid)
        change = [
            (ldap3.MODIFY_DELETE, [values.encode_password(old_password)]),
            (ldap3.MODIFY_ADD, [_checked_password(new_password)]),
        ]
        self._modify(guid, {"unicodePwd": change}, error=errors.password_change_error)

    def unlock(self, guid: UUID, *, since: datetime | None = None) -> LockState:
        self.lock_state(guid)  # tells a deleted account from one that never was
        entry, raw = self._writable(guid)
        change: list[Change] = [(ldap3.MODIFY_REPLACE, [b"0"])]
        if since is not None:
            if not entry.enabled:
                raise AccountDisabled(f"{entry.login_name} is disabled", code="disabled")
            lock = raw.get("lockouttime", [])
            if not entry.locked:
                return self.lock_state(guid)
            if lockouts.moment(lock) != since:
                raise ChangedMeanwhile("another lock began since", code="compare")
            change = _guarded_change(lock, b"0")
        self._modify(guid, {"lockoutTime": change}, error=errors.guarded_error)
        try:
            now = self.lock_state(guid)
        except (DirectoryError, ValueError) as error:
            raise OutcomeUnknown("unlocked but could not be read back", code="not_read_back") from error
        if now.locked:
            raise ChangedMeanwhile("wrong attempts locked it again at once", code="locked_again")
        return now

    # Parts

    def _new_attributes(self, account: NewAccount) -> dict[str, Any]:
        texts = {
            "sAMAccountName": account.login_name,
            "userPrincipalName": self._principal_name(account.login_name),
            "displayName": account.display_name,
            "sn": account.family_name,
            "givenName": account.given_name,
            "msDS-PhoneticDisplayName": account.kana,
            "department": account.department,
            "company": account.company,
            "mail": account.mail or "",
            "description": account.description,
            "employeeID": account.staff_number,
            self._settings.marker_attribute: account.marker,
            "userAccountControl": str(values.NORMAL_ACCOUNT),
            "pwdLastSet": "0",
            "accountExpires": str(values.end_of_day(account.account_expires)),
        }
        attributes: dict[str, Any] = {name: [text.encode()] for name, text in texts.items() if text}
        attributes["objectClass"] = [b"top", b"person", b"organizationalPerson", b"user"]
        return attributes

    def _writable(self, guid: UUID) -> tuple[DirectoryEntry, dict[str, list[bytes]]]:
        """The account with its raw values, before a write. Raises NotFound and Privileged."""
        marker = self._settings.marker_attribute
        attributes = values.read_attributes(marker)
        reply = self._search(
            values.guid_dn(guid), values.account_filter(), attributes=attributes, scope=ldap3.BASE
        )
        if not reply.entries:
            raise NotFound(f"no account with GUID {guid}", code=reply.code)
        entry = values.parse_entry(reply.entries[0], marker)
        if entry.privileged:
            raise Privileged(f"{entry.login_name} belongs to a protected group", code="adminCount")
        raw = {name.lower(): list(found) for name, found in reply.entries[0]["raw_attributes"].items()}
        return entry, raw

    def _modify(
        self,
        guid: UUID,
        changes: Mapping[str, list[Change]],
        *,
        error: Callable[[Reply], DirectoryError] = errors.write_error,
        controls: list[tuple[str, bool, bytes]] | None = None,
    ) -> None:
        reply = self._kept.write(
            lambda connection: connection.modify(values.guid_dn(guid), dict(changes), controls=controls)
        )
        if not reply.ok:
            raise error(reply)

    def _set_disabled(self, guid: UUID, *, disabled: bool, only_unused: bool = False) -> None:
        entry, raw = self._writable(guid)
        if only_unused and not entry.must_change_password:
            raise ChangedMeanwhile("the person has chosen a password", code="compare")
        old = raw["useraccountcontrol"][0]
        bit = values.ACCOUNT_DISABLED
        new = str(int(old) | bit if disabled else int(old) & ~bit).encode()
        # Only this bit is ours: whoever changes another one at the same moment must not be overwritten.
        if change := _guarded_change([old], new):
            # As in replace_initial_password: the server compares within the same modify.
            unused = [(ldap3.MODIFY_DELETE, [b"0"]), (ldap3.MODIFY_ADD, [b"0"])]
            guard: dict[str, list[Change]] = {"pwdLastSet": unused} if only_unused else {}
            self._modify(guid, {**guard, "userAccountControl": change}, error=errors.guarded_error)

    def _change_membership(self, group_dn: str, guid: UUID, change: str, *, member: bool) -> None:
        entry, _ = self._writable(guid)
        reply = self._kept.write(
            lambda connection: connection.modify(group_dn, {"member": [(change, [entry.dn.encode()])]})
        )
        if reply.ok:
            return
        # 68 (is one already) and 53 (is none) are success when a second look agrees.
        if reply.result in (errors.ALREADY_EXISTS, errors.UNWILLING, errors.NO_SUCH_ATTRIBUTE):
            now = self.find_by_guid(guid)
            if now is not None and (group_dn.lower() in [dn.lower() for dn in now.groups]) == member:
                return
        raise errors.write_error(reply)


def _guarded_change(old: list[bytes], new: bytes | None) -> list[Change]:
    """Replace exactly these old values by the new one: the server refuses when they are no longer there."""
    if old == ([new] if new is not None else []):
        return []
    change: list[Change] = []
    if old:
        change.append((ldap3.MODIFY_DELETE, old))
    if new is not None:
        change.append((ldap3.MODIFY_ADD, [new]))
    return change


def _checked_password(password: str) -> bytes:
    """The encoded password. One that cannot be encoded meets no policy either."""
    if not password or "\x00" in password:
        raise PolicyRefused("an empty password or one with a NUL", code="rule")
    try:
        return values.encode_password(password)
    except UnicodeEncodeError:
        raise PolicyRefused("a password that is no text", code="rule") from None


def _new_password(password: str) -> dict[str, list[Change]]:
    """What every reset writes: the password, and the end of a lock, which a reset alone does not bring."""
    return {
        "unicodePwd": [(ldap3.MODIFY_REPLACE, [_checked_password(password)])],
        "lockoutTime": [(ldap3.MODIFY_REPLACE, [b"0"])],
    }


def _check_account(account: NewAccount) -> None:
    for field, check in FIELD_CHECKS.items():
        if reasons := check(getattr(account, field) or ""):
            raise InvalidValue(f"{field}: {', '.join(reasons)}", code="rule", attribute=field)


def _check_changes(changes: Mapping[str, str | date | None]) -> None:
    if unknown := set(changes) - UPDATABLE_FIELDS:
        raise ValueError(f"update_account does not know {', '.join(sorted(unknown))}")
    for field, value in changes.items():
        if field in FIELD_CHECKS and (reasons := FIELD_CHECKS[field](str(value or ""))):
            raise InvalidValue(f"{field}: {', '.join(reasons)}", code="rule", attribute=field)
