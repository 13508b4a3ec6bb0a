"""The port to the directory (Active Directory): values, errors and the operations the portal may ask for.

Nothing here knows LDAP libraries. Callers take a `Directory` from `portal.gateways.directory_factory` and handle
the errors below by class; the `code` is for operators and logs.
"""

from __future__ import annotations

import enum
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol
from uuid import UUID

from portal.gateways.directory_computers import Computers
from portal.gateways.directory_errors import (
    AccessDenied,
    AccountDisabled,
    AccountLocked,
    ChangedMeanwhile,
    ContainerMissing,
    DirectoryError,
    DirectoryUnavailable,
    InvalidValue,
    NameTaken,
    NotFound,
    OutcomeUnknown,
    PolicyRefused,
    Privileged,
    WrongPassword,
)
from portal.gateways.directory_lockouts import Lockouts
from portal.gateways.directory_names import parent_dn
from portal.gateways.directory_policies import PasswordPolicies

__all__ = [
    "UPDATABLE_FIELDS",
    "AccessDenied",
    "AccountDisabled",
    "AccountLocked",
    "BindResult",
    "ChangedMeanwhile",
    "ContainerMissing",
    "Directory",
    "DirectoryEntry",
    "DirectoryError",
    "DirectoryGroup",
    "DirectoryUnavailable",
    "DomainController",
    "InvalidValue",
    "NameTaken",
    "NewAccount",
    "NotFound",
    "OutcomeUnknown",
    "PolicyRefused",
    "Privileged",
    "WrongPassword",
]


class BindResult(enum.Enum):
    """What the directory said to a login name and password."""

    OK = "ok"
    WRONG = "wrong"
    """Wrong password, or no such account: the two are never told apart."""
    DISABLED = "disabled"
    EXPIRED = "expired"
    """The account (not the password) has expired."""
    PASSWORD_EXPIRED = "password_expired"  # noqa: S105 (no password)
    """The password was right, but is older than the policy allows: it must be changed first."""
    MUST_CHANGE = "must_change"
    """The password was right, but it is an initial one that must be changed first (ACC-10)."""
    LOCKED = "locked"


@dataclass(frozen=True, kw_only=True)
class NewAccount:
    """All that one atomic add writes. `marker` says which operation of ours made the object."""

    login_name: str
    display_name: str
    family_name: str
    given_name: str
    kana: str
    department: str
    company: str
    mail: str | None
    container_dn: str
    marker: str
    account_expires: date | None = None
    """The last day on which the account works, in Japan."""
    description: str = ""
    staff_number: str = ""


@dataclass(frozen=True, kw_only=True)
class DirectoryEntry:
    """One account as the directory holds it now. Texts are "" and mail is None where the attribute is absent."""

    guid: UUID
    dn: str
    login_name: str
    display_name: str
    family_name: str
    given_name: str
    kana: str
    department: str
    company: str
    mail: str | None
    description: str
    marker: str
    enabled: bool
    must_change_password: bool
    password_last_set: datetime | None
    """None while the password must be changed (pwdLastSet is 0), and when none was ever set."""
    locked: bool
    account_expires: date | None
    password_expires_at: datetime | None
    """By the policy that applies to this account; None when it never expires or must be changed now."""
    groups: tuple[str, ...]
    """DNs of the groups that hold the account directly."""
    last_logon: datetime | None
    """lastLogonTimestamp: up to 14 days behind the truth (ACC-14)."""
    created_at: datetime
    privileged: bool
    usn_changed: int = 0
    staff_number: str = ""
    """employeeID."""

    @property
    def container_dn(self) -> str:
        """The DN of the organisational unit that holds the account."""
        return parent_dn(self.dn)


@dataclass(frozen=True, kw_only=True)
class DomainController:
    """The server that answers now. Update numbers count only together with the `identity` that gave them."""

    identity: str
    """Server and invocationId of its database: another one after a failover, and after a restore from a backup."""
    name: str
    highest_usn: int
    """The newest change that it holds."""


@dataclass(frozen=True, kw_only=True)
class DirectoryGroup:
    """A group that accounts may be members of."""

    dn: str
    name: str
    description: str
    is_global: bool
    privileged: bool
    is_security: bool = True
    """False for a mailing list, which gives no rights and which password settings do not count for."""


# The names under which update_account takes its changes; the adapter maps them to attributes.
UPDATABLE_FIELDS: frozenset[str] = frozenset(
    {
        "display_name",
        "family_name",
        "given_name",
        "kana",
        "department",
        "company",
        "mail",
        "description",
        "account_expires",
        "staff_number",
    }
)


class Directory(PasswordPolicies, Lockouts, Computers, Protocol):
    """What the portal may do in the directory; password settings, locks and computers are ports of their own. Accounts are named by objectGUID, which survives rename and move.

    Every operation may raise DirectoryUnavailable (nothing applied) and AccessDenied; every write may raise
    OutcomeUnknown. A write to a protected account raises Privileged. Reads repeat themselves once over a
    connection that turned out to be dead; writes never repeat.
    """

    def ping(self) -> None:
        """Prove that the directory answers the service account. Raises DirectoryUnavailable."""
        ...

    def find_by_login_name(self, login_name: str) -> DirectoryEntry | None:
        """The account of this login name in the whole domain (ACC-06), whatever its upper and lower case."""
        ...

    def find_by_guid(self, guid: UUID) -> DirectoryEntry | None: ...

    def find_by_marker(self, marker: str) -> DirectoryEntry | None:
        """The account that one of our operations made. Several with one marker raise DirectoryError."""
        ...

    def login_name_in_use(self, login_name: str) -> bool:
        """Whether any object of the domain (account, computer, group) has this name or the principal name."""
        ...

    def container_exists(self, dn: str) -> bool: ...

    def find_containers(self, base_dn: str) -> list[str]:
        """The DNs of the organisational units below `base_dn`, at any depth; none when it does not exist."""
        ...

    def find_groups(self, base_dn: str) -> list[DirectoryGroup]:
        """The groups below `base_dn`, at any depth; none when it does not exist."""
        ...

    def find_by_display_name(self, display_name: str, container_dn: str) -> list[DirectoryEntry]:
        """Accounts below the container with exactly this display name: possible namesakes."""
        ...

    def mail_is_group_address(self, mail: str) -> bool:
        """Whether a group answers to this address, so that it is a mailing list (ACC-09)."""
        ...

    # The same questions about many at once, in a few searches: the lines of one application ask together (ACC-13).

    def login_names_in_use(self, login_names: Collection[str]) -> set[str]:
        """Those of these names, in lower case, of which `login_name_in_use` is true."""
        ...

    def find_by_login_names(self, login_names: Collection[str]) -> list[DirectoryEntry]:
        """The accounts of these login names in the whole domain, in no order."""
        ...

    def find_by_guids(self, guids: Collection[UUID]) -> list[DirectoryEntry]:
        """The accounts that exist of these, in no order."""
        ...

    def find_by_display_names(
        self, display_names: Collection[str], container_dn: str
    ) -> list[DirectoryEntry]:
        """Accounts below the container with one of these display names, in no order."""
        ...

    def group_addresses(self, mails: Collection[str]) -> frozenset[str]:
        """Those of these addresses, in lower case, of which `mail_is_group_address` is true."""
        ...

    def search_accounts(
        self,
        base_dn: str,
        *,
        text: str = "",
        changed_since_usn: int | None = None,
        dormant_since: datetime | None = None,
        enabled_only: bool = False,
    ) -> Iterator[DirectoryEntry]:
        """All accounts below `base_dn` that meet every given condition, read in pages of 1,000.

        `text` is contained in login name, display name or kana; `changed_since_usn` is exclusive;
        `dormant_since` finds those without a logon since then, and those never logged on that were made
        before then (ACC-14).
        """
        ...

    def domain_controller(self) -> DomainController:
        """Who answers this thread's connection."""
        ...

    def serving(self) -> str:
        """The address that answered this thread last, without asking; "" when only one is known, so that it is always that."""
        ...

    def scan_accounts(
        self, base_dn: str, *, changed_since_usn: int | None = None
    ) -> Iterator[list[DirectoryEntry]]:
        """All accounts below `base_dn` in pages of 1,000, with what one domain controller holds; for comparing.

        `changed_since_usn` is exclusive. What the directory would have to work out for each account is not asked:
        `locked` is False and `password_expires_at` None. Raises DirectoryError when the pages cannot be read to the end.
        """
        ...

    def scan_guids(self, base_dn: str) -> Iterator[list[UUID]]:
        """Only the objectGUIDs of all accounts below `base_dn`, in pages: who is there at all."""
        ...

    def is_deleted(self, guid: UUID) -> bool:
        """Whether the remains of a deleted account prove that it is gone.

        False says nothing: the remains go after months, and AD shows them to administrators only unless the service
        account was given the right.
        """
        ...

    def create_account(self, account: NewAccount, *, initial_password: str) -> DirectoryEntry:
        """Add the account, enabled, with a password that must be changed, in one atomic operation, and read it back (ACC-05, ACC-10).

        Raises NameTaken, ContainerMissing, PolicyRefused, InvalidValue; OutcomeUnknown also when it was added but could
        not be read back.
        """
        ...

    def update_account(
        self,
        guid: UUID,
        changes: Mapping[str, str | date | None],
        *,
        expected: Mapping[str, str | date | None] | None = None,
    ) -> None:
        """Set the named fields (UPDATABLE_FIELDS); None or "" clears. All or nothing.

        With `expected`, a field is changed only while it still has the value given there, else ChangedMeanwhile.
        Raises NotFound, InvalidValue, NameTaken.
        """
        ...

    def enable(self, guid: UUID) -> None: ...

    def disable(self, guid: UUID, *, only_unused: bool = False) -> None:
        """Disable. With `only_unused` while the initial password is unused (pwdLastSet is 0), else ChangedMeanwhile."""
        ...

    def move(self, guid: UUID, container_dn: str) -> None:
        """Move to another organisational unit; already there is success. Raises NotFound, ContainerMissing, NameTaken."""
        ...

    def rename(self, guid: UUID, login_name: str) -> None:
        """Give another login name: DN, sAMAccountName and principal name. Raises NotFound, NameTaken, InvalidValue."""
        ...

    def delete(self, guid: UUID) -> None:
        """Delete the account. Raises NotFound."""
        ...

    def add_to_group(self, group_dn: str, guid: UUID) -> None:
        """Make a member; being one already is success. Raises NotFound for the group or the account."""
        ...

    def remove_from_group(self, group_dn: str, guid: UUID) -> None:
        """End membership; not being a member is success. Raises NotFound."""
        ...

    def domain_controllers(self) -> Sequence[str]:
        """The addresses of every domain controller, whether it answers or not: as set, else as the domain names them."""
        ...

    def last_logons(self, controller: str, guids: Sequence[UUID]) -> Mapping[UUID, datetime | None]:
        """lastLogon as this one domain controller knows it: exact, never replicated, None for never (ACC-14).

        Accounts that it does not have are left out. Asks over a connection of its own and may be called from several
        threads. Raises DirectoryUnavailable when the controller did not answer everything.
        """
        ...

    def group_members(self, group_dn: str) -> Sequence[str]:
        """The DNs of all direct members, also beyond the 1,500 values that one answer holds. Raises NotFound."""
        ...

    def reset_password(self, guid: UUID, *, new_password: str, last_set: datetime | None = None) -> None:
        """Set a password that must be changed at the next logon, and unlock. Raises NotFound, PolicyRefused.

        With `last_set` only while the password is still the one that was set then, else ChangedMeanwhile.
        """
        ...

    def replace_initial_password(self, guid: UUID, *, new_password: str) -> None:
        """Like reset_password, but only while the last initial password is still unused (pwdLastSet is 0).

        Raises ChangedMeanwhile when the person has chosen a password: it is never replaced.
        """
        ...

    def minds_history_in_resets(self) -> bool:
        """Whether this directory can judge a reset by its history of passwords (the policy-hints control)."""
        ...

    def reset_to_chosen_password(self, guid: UUID, *, new_password: str) -> None:
        """Set a password that its owner chose: history counts, nothing has to be changed at the next logon, a lock ends.

        Only where `minds_history_in_resets`. Raises NotFound, PolicyRefused.
        """
        ...

    def change_password(self, guid: UUID, *, old_password: str, new_password: str) -> None:
        """Change a password as its owner does: the old one is checked and the whole policy applies (ACC-11).

        Works for an initial password too, which cannot be used to log on.
        Raises NotFound, WrongPassword, PolicyRefused, AccountLocked.
        """
        ...

    def authenticate(self, login_name: str, password: str) -> BindResult:
        """Try a login name and password over a connection of its own. An empty password is WRONG without asking.

        Raises DirectoryUnavailable when the directory could not be asked.
        """
        ...

    def close(self) -> None:
        """Give back the kept connection of this thread. The next operation opens a new one."""
        ...
