"""Stand-ins for the systems outside, for tests that are about the portal and not about them."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from typing import Any

import pytest

from accounts import asking
from portal.gateways import directory_factory
from portal.gateways.directory import (
    AccountLocked,
    BindResult,
    ChangedMeanwhile,
    ContainerMissing,
    DirectoryEntry,
    DirectoryGroup,
    DomainController,
    NameTaken,
    NewAccount,
    NotFound,
    PolicyRefused,
    WrongPassword,
)
from tests.fake_computers import FakeComputers
from tests.fake_policies import FakePolicies

BASE_DN = "DC=kokuho,DC=pr"
ROOT_OU = f"OU=Federations,{BASE_DN}"


def administrators_ou(ou_name: str) -> str:
    """Where the administrator accounts of an organisation live."""
    return f"OU=Administrators,OU={ou_name},{ROOT_OU}"


def groups_ou(ou_name: str) -> str:
    """Where the groups of an organisation live."""
    return f"OU=Groups,OU={ou_name},{ROOT_OU}"


def deleted_ou(ou_name: str) -> str:
    """Where the deleted accounts of an organisation wait for their removal."""
    return f"OU=Deleted,OU={ou_name},{ROOT_OU}"


def users_ou(ou_name: str) -> str:
    """Where the Windows user accounts of an organisation live."""
    return f"OU=Users,OU={ou_name},{ROOT_OU}"


class Entries(dict[uuid.UUID, DirectoryEntry]):
    """The accounts by objectGUID; whatever is put in gets the next update number, as in every AD."""

    usn = 1000

    def __setitem__(self, guid: uuid.UUID, entry: DirectoryEntry) -> None:
        self.usn += 1
        super().__setitem__(guid, replace(entry, usn_changed=self.usn))


@dataclass
class FakeDirectory(FakePolicies, FakeComputers):
    """A directory in memory that keeps the port's promises (portal.gateways.directory.Directory).

    `faults` maps a method name to errors that its next calls raise, first in first out; a class or an instance. `after`
    does the same once the call has taken effect, as a lost answer does. `calls` names every call, without its arguments.
    """

    entries: Entries = field(default_factory=Entries)
    deleted: set[uuid.UUID] = field(default_factory=set)
    controller: str = "dc1/0001"
    passwords: dict[uuid.UUID, str] = field(default_factory=dict)
    group_mails: set[str] = field(default_factory=set)
    missing_containers: set[str] = field(default_factory=set)
    containers: list[str] = field(default_factory=list)  # further units, below those of every organisation
    groups: dict[str, DirectoryGroup] = field(default_factory=dict)  # by DN
    states: dict[str, BindResult] = field(default_factory=dict)
    faults: dict[str, list[Exception | type[Exception]]] = field(default_factory=dict)
    after: dict[str, list[Exception | type[Exception]]] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)
    minimum_length: int = 8
    # What each domain controller keeps to itself, by address; an error for one that does not answer.
    controllers: dict[str, dict[uuid.UUID, datetime] | Exception] = field(
        default_factory=lambda: {"ldaps://dc1.kokuho.pr:636": {}}
    )
    policy_hints: bool = False
    used: dict[uuid.UUID, set[str]] = field(default_factory=dict)  # what the history refuses

    # --- for tests -------------------------------------------------------------------------------------------------
    def add(
        self, login_name: str, *, password: str = "", container_dn: str = "", **values: Any
    ) -> DirectoryEntry:
        """Put an account into the directory as it stands; returns the entry."""
        entry = DirectoryEntry(
            **{
                "guid": uuid.uuid4(),
                "dn": f"CN={login_name},{container_dn or administrators_ou('13')}",
                "login_name": login_name,
                "display_name": f"表示 {login_name}",
                "family_name": "表示",
                "given_name": login_name,
                "kana": "",
                "department": "情報管理課",
                "company": "",
                "mail": f"{login_name}@kokuho13.example.jp",
                "description": "",
                "marker": "",
                "enabled": True,
                "must_change_password": False,
                "password_last_set": datetime.now(UTC),
                "locked": False,
                "account_expires": None,
                "password_expires_at": None,
                "groups": (),
                "last_logon": None,
                "created_at": datetime.now(UTC),
                "privileged": False,
            }
            | values
        )
        self.entries[entry.guid] = entry
        if password:
            self.passwords[entry.guid] = password
        return self.entries[entry.guid]

    def put(self, entry: DirectoryEntry, **values: Any) -> DirectoryEntry:
        """Change an account as somebody does in AD by hand; returns it as it is then."""
        self.entries[entry.guid] = replace(self.entries[entry.guid], **values)
        return self.entries[entry.guid]

    def add_group(self, name: str, base_dn: str = "", **values: Any) -> DirectoryGroup:
        """Put a group into the directory."""
        dn = f"CN={name},{base_dn or groups_ou('13')}"
        values = {"description": "", "is_global": True, "privileged": False} | values
        self.groups[dn] = DirectoryGroup(dn=dn, name=name, **values)
        return self.groups[dn]

    def _enter(self, name: str) -> None:
        self.calls.append(name)
        self._raise_next(self.faults, name)

    def _leave(self, name: str) -> None:
        self._raise_next(self.after, name)

    @staticmethod
    def _raise_next(queue: dict[str, list[Exception | type[Exception]]], name: str) -> None:
        waiting = queue.get(name)
        if waiting:
            raise waiting.pop(0)

    def _entry(self, guid: uuid.UUID) -> DirectoryEntry:
        if guid not in self.entries:
            raise NotFound
        return self.entries[guid]

    def _check_policy(self, password: str) -> None:
        if len(password) < self.minimum_length:
            raise PolicyRefused

    # --- the port --------------------------------------------------------------------------------------------------
    def ping(self) -> None:
        self._enter("ping")

    def find_by_login_name(self, login_name: str) -> DirectoryEntry | None:
        self._enter("find_by_login_name")
        return next((e for e in self.entries.values() if e.login_name.lower() == login_name.lower()), None)

    def find_by_guid(self, guid: uuid.UUID) -> DirectoryEntry | None:
        self._enter("find_by_guid")
        return self.entries.get(guid)

    def find_by_marker(self, marker: str) -> DirectoryEntry | None:
        self._enter("find_by_marker")
        return next((e for e in self.entries.values() if marker and e.marker == marker), None)

    def login_name_in_use(self, login_name: str) -> bool:
        self._enter("login_name_in_use")
        return any(e.login_name.lower() == login_name.lower() for e in self.entries.values())

    def container_exists(self, dn: str) -> bool:
        self._enter("container_exists")
        return dn not in self.missing_containers

    def find_containers(self, base_dn: str) -> list[str]:
        self._enter("find_containers")
        return sorted(dn for dn in self.containers if dn.lower().endswith(f",{base_dn}".lower()))

    def find_groups(self, base_dn: str) -> list[DirectoryGroup]:
        self._enter("find_groups")
        return [self.groups[dn] for dn in sorted(self.groups) if dn.lower().endswith(f",{base_dn}".lower())]

    def find_by_display_name(self, display_name: str, container_dn: str) -> list[DirectoryEntry]:
        self._enter("find_by_display_name")
        return [
            e
            for e in self.entries.values()
            if e.display_name == display_name and e.dn.lower().endswith(container_dn.lower())
        ]

    def mail_is_group_address(self, mail: str) -> bool:
        self._enter("mail_is_group_address")
        return mail.lower() in self.group_mails

    def login_names_in_use(self, login_names: Collection[str]) -> set[str]:
        self._enter("login_names_in_use")
        wanted = {name.lower() for name in login_names}
        return wanted & {e.login_name.lower() for e in self.entries.values()}

    def find_by_login_names(self, login_names: Collection[str]) -> list[DirectoryEntry]:
        self._enter("find_by_login_names")
        wanted = {name.lower() for name in login_names}
        return [e for e in self.entries.values() if e.login_name.lower() in wanted]

    def find_by_guids(self, guids: Collection[uuid.UUID]) -> list[DirectoryEntry]:
        self._enter("find_by_guids")
        return [self.entries[guid] for guid in guids if guid in self.entries]

    def find_by_display_names(
        self, display_names: Collection[str], container_dn: str
    ) -> list[DirectoryEntry]:
        self._enter("find_by_display_names")
        return [
            e
            for e in self.entries.values()
            if e.display_name in display_names and e.dn.lower().endswith(container_dn.lower())
        ]

    def group_addresses(self, mails: Collection[str]) -> frozenset[str]:
        self._enter("group_addresses")
        return frozenset(mail.lower() for mail in self.group_mails) & {mail.lower() for mail in mails}

    def search_accounts(
        self,
        base_dn: str,
        *,
        text: str = "",
        changed_since_usn: int | None = None,
        dormant_since: datetime | None = None,
        enabled_only: bool = False,
    ) -> Iterator[DirectoryEntry]:
        self._enter("search_accounts")
        for e in list(self.entries.values()):
            below = e.dn.lower().endswith(base_dn.lower())
            wanted = text.lower() in f"{e.login_name} {e.display_name} {e.kana}".lower()
            newer = changed_since_usn is None or e.usn_changed > changed_since_usn
            dormant = dormant_since is None or (e.last_logon or e.created_at) <= dormant_since
            if below and wanted and newer and dormant and (e.enabled or not enabled_only):
                yield e

    def domain_controller(self) -> DomainController:
        self._enter("domain_controller")
        return DomainController(identity=self.controller, name="dc1", highest_usn=self.entries.usn)

    def serving(self) -> str:
        return ""

    def scan_accounts(
        self, base_dn: str, *, changed_since_usn: int | None = None
    ) -> Iterator[list[DirectoryEntry]]:
        self._enter("scan_accounts")
        found = [
            entry
            for entry in self.entries.values()
            if entry.dn.lower().endswith(f",{base_dn.lower()}")
            and (changed_since_usn is None or entry.usn_changed > changed_since_usn)
        ]
        for start in range(0, len(found), 1000):
            yield found[start : start + 1000]
            self._enter("next_page")

    def scan_guids(self, base_dn: str) -> Iterator[list[uuid.UUID]]:
        self._enter("scan_guids")
        found = [e.guid for e in self.entries.values() if e.dn.lower().endswith(f",{base_dn.lower()}")]
        for start in range(0, len(found), 1000):
            yield found[start : start + 1000]
            self._enter("next_page")

    def is_deleted(self, guid: uuid.UUID) -> bool:
        self._enter("is_deleted")
        return guid in self.deleted

    def create_account(self, account: NewAccount, *, initial_password: str) -> DirectoryEntry:
        self._enter("create_account")
        if account.container_dn in self.missing_containers:
            raise ContainerMissing(dn=account.container_dn)
        if any(e.login_name.lower() == account.login_name.lower() for e in self.entries.values()):
            raise NameTaken(attribute="sAMAccountName")
        self._check_policy(initial_password)
        entry = self.add(
            account.login_name,
            password=initial_password,
            container_dn=account.container_dn,
            display_name=account.display_name,
            family_name=account.family_name,
            given_name=account.given_name,
            kana=account.kana,
            department=account.department,
            company=account.company,
            mail=account.mail,
            description=account.description,
            marker=account.marker,
            account_expires=account.account_expires,
            staff_number=account.staff_number,
            must_change_password=True,
            password_last_set=None,
        )
        self._leave("create_account")
        return entry

    def update_account(
        self,
        guid: uuid.UUID,
        changes: Mapping[str, str | date | None],
        *,
        expected: Mapping[str, str | date | None] | None = None,
    ) -> None:
        self._enter("update_account")
        entry = self._entry(guid)
        for name, value in (expected or {}).items():
            if name in changes and (getattr(entry, name) or None) != (value or None):
                raise ChangedMeanwhile
        texts = {
            name: value or "" for name, value in changes.items() if name not in ("mail", "account_expires")
        }
        self.entries[guid] = replace(entry, **{**changes, **texts})  # type: ignore[arg-type]
        self._leave("update_account")

    def enable(self, guid: uuid.UUID) -> None:
        self._enter("enable")
        self.entries[guid] = replace(self._entry(guid), enabled=True)
        self._leave("enable")

    def disable(self, guid: uuid.UUID, *, only_unused: bool = False) -> None:
        self._enter("disable")
        if only_unused and not self._entry(guid).must_change_password:
            raise ChangedMeanwhile
        self.entries[guid] = replace(self._entry(guid), enabled=False)
        self._leave("disable")

    def move(self, guid: uuid.UUID, container_dn: str) -> None:
        self._enter("move")
        entry = self._entry(guid)
        if container_dn in self.missing_containers:
            raise ContainerMissing(dn=container_dn)
        self.entries[guid] = replace(entry, dn=f"CN={entry.login_name},{container_dn}")
        self._leave("move")

    def rename(self, guid: uuid.UUID, login_name: str) -> None:
        self._enter("rename")
        entry = self._entry(guid)
        if any(e.login_name.lower() == login_name.lower() for e in self.entries.values() if e.guid != guid):
            raise NameTaken(attribute="sAMAccountName")
        self.entries[guid] = replace(entry, login_name=login_name, dn=f"CN={login_name},{entry.container_dn}")
        self._leave("rename")

    def delete(self, guid: uuid.UUID) -> None:
        self._enter("delete")
        self._entry(guid)
        del self.entries[guid]
        self.deleted.add(guid)
        self._leave("delete")

    def add_to_group(self, group_dn: str, guid: uuid.UUID) -> None:
        self._enter("add_to_group")
        entry = self._entry(guid)
        if group_dn not in entry.groups:
            self.entries[guid] = replace(entry, groups=(*entry.groups, group_dn))
        self._leave("add_to_group")

    def remove_from_group(self, group_dn: str, guid: uuid.UUID) -> None:
        self._enter("remove_from_group")
        entry = self._entry(guid)
        self.entries[guid] = replace(entry, groups=tuple(g for g in entry.groups if g != group_dn))
        self._leave("remove_from_group")

    def domain_controllers(self) -> Sequence[str]:
        self._enter("domain_controllers")
        return tuple(self.controllers)

    def last_logons(self, controller: str, guids: Sequence[uuid.UUID]) -> Mapping[uuid.UUID, datetime | None]:
        self._enter("last_logons")
        known = self.controllers[controller]
        if isinstance(known, Exception):
            raise known
        return {guid: known.get(guid) for guid in guids if guid in self.entries}

    def group_members(self, group_dn: str) -> Sequence[str]:
        self._enter("group_members")
        return [e.dn for e in self.entries.values() if group_dn in e.groups]

    def reset_password(self, guid: uuid.UUID, *, new_password: str, last_set: datetime | None = None) -> None:
        self._enter("reset_password")
        entry = self._entry(guid)
        if last_set is not None and entry.password_last_set != last_set:
            raise ChangedMeanwhile
        self._check_policy(new_password)
        self.passwords[guid] = new_password
        self.entries[guid] = replace(entry, must_change_password=True, password_last_set=None, locked=False)
        self._leave("reset_password")

    def replace_initial_password(self, guid: uuid.UUID, *, new_password: str) -> None:
        self._enter("replace_initial_password")
        entry = self._entry(guid)
        if not entry.must_change_password:
            raise ChangedMeanwhile
        self._check_policy(new_password)
        self.passwords[guid] = new_password
        self._leave("replace_initial_password")

    def minds_history_in_resets(self) -> bool:
        self._enter("minds_history_in_resets")
        return self.policy_hints

    def reset_to_chosen_password(self, guid: uuid.UUID, *, new_password: str) -> None:
        self._enter("reset_to_chosen_password")
        self._entry(guid)
        self._check_policy(new_password)
        self._keep_history(guid, new_password)
        self.entries[guid] = replace(
            self._entry(guid), must_change_password=False, password_last_set=datetime.now(UTC), locked=False
        )
        self._leave("reset_to_chosen_password")

    def _keep_history(self, guid: uuid.UUID, new_password: str) -> None:
        if new_password in self.used.get(guid, set()) | {self.passwords.get(guid)}:
            raise PolicyRefused
        self.used.setdefault(guid, set()).add(new_password)
        self.passwords[guid] = new_password

    def change_password(self, guid: uuid.UUID, *, old_password: str, new_password: str) -> None:
        self._enter("change_password")
        entry = self._entry(guid)
        if entry.locked:
            raise AccountLocked
        if self.passwords.get(guid) != old_password:
            raise WrongPassword
        self._check_policy(new_password)
        self._keep_history(guid, new_password)
        self.entries[guid] = replace(entry, must_change_password=False, password_last_set=datetime.now(UTC))
        self._leave("change_password")

    def authenticate(self, login_name: str, password: str) -> BindResult:
        self._enter("authenticate")
        entry = next((e for e in self.entries.values() if e.login_name.lower() == login_name.lower()), None)
        if entry is None or not password or self.passwords.get(entry.guid) != password:
            return BindResult.WRONG
        if entry.locked:
            return BindResult.LOCKED
        if not entry.enabled:
            return BindResult.DISABLED
        if entry.login_name in self.states:
            return self.states[entry.login_name]
        return BindResult.MUST_CHANGE if entry.must_change_password else BindResult.OK

    def close(self) -> None:
        self.calls.append("close")


def use_directory(monkeypatch: pytest.MonkeyPatch) -> FakeDirectory:
    """A directory in memory that the portal talks to instead of a real one."""
    fake = FakeDirectory()
    monkeypatch.setattr(directory_factory, "get_directory", lambda: fake)
    asking.forget()
    return fake
