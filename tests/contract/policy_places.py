"""Where password settings and locks are under contract: what a test prepares there, the same on every kind of directory."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from secrets import randbelow
from typing import Any, Protocol
from uuid import UUID

import ldap3
import pytest

from portal.gateways._ldap3_policies import APPLIES_TO, attributes_of, container_dn
from portal.gateways.directory import Directory, DirectoryEntry
from portal.gateways.directory_policies import PasswordSettings, WantedSettings
from tests import fakes
from tests.contract.conftest import (
    INITIAL_PASSWORD,
    OWN_PASSWORD,
    Server,
    expect_ok,
    make_account,
    read,
    unique_name,
)

_SCOPES = {"global": -2147483646, "local": -2147483644, "mailing": 2}


class House(Protocol):
    """A directory with the hand of its administrator."""

    directory: Directory
    administrator: Directory  # as whom what was deleted can be seen
    unit: str

    def account(self) -> DirectoryEntry: ...
    def group(self, *members: DirectoryEntry, scope: str = "global", inside: bool = True) -> str: ...
    def nest(self, inner: str, outer: str) -> None: ...
    def by_hand(self, wanted: WantedSettings) -> PasswordSettings: ...
    def protect(self, account: DirectoryEntry) -> None: ...
    def lock(self, account: DirectoryEntry) -> None: ...
    def close(self) -> None: ...


class RealHouse:
    """One with an LDAP server."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self.directory = server.connect()
        who = {"bind_dn": server.env["AD_ADMIN_DN"], "bind_password": server.env["AD_ADMIN_PASSWORD"]}
        self.administrator = server.connect(**who)
        self._admin = server.raw(who["bind_dn"], who["bind_password"])
        self.unit = f"OU={unique_name()},{server.root_ou}"
        expect_ok(self._admin.add(self.unit, ["top", "organizationalUnit"]))
        self._container = container_dn(server.env["AD_BASE_DN"])
        self._outside: list[str] = []

    def account(self) -> DirectoryEntry:
        made = make_account(self.directory, self._server, container_dn=self.unit)
        self.directory.change_password(made.guid, old_password=INITIAL_PASSWORD, new_password=OWN_PASSWORD)
        return read(self.directory, made)

    def group(self, *members: DirectoryEntry, scope: str = "global", inside: bool = True) -> str:
        name = unique_name()
        dn = f"CN=g{name},{self.unit if inside else 'CN=Users,' + self._server.env['AD_BASE_DN']}"
        if not inside:
            self._outside.append(dn)
        attributes: dict[str, Any] = {"sAMAccountName": name, "groupType": _SCOPES[scope]}
        if members:
            attributes["member"] = [member.dn for member in members]
        expect_ok(self._admin.add(dn, ["top", "group"], attributes))
        return dn

    def nest(self, inner: str, outer: str) -> None:
        expect_ok(self._admin.modify(outer, {"member": [(ldap3.MODIFY_ADD, [inner])]}))

    def by_hand(self, wanted: WantedSettings) -> PasswordSettings:
        attributes: dict[str, Any] = {name: found for name, found in attributes_of(wanted).items() if found}
        targets = [wanted.group_dn] if wanted.group_dn else []
        targets += [entry.dn for entry in self.directory.find_by_guids(wanted.accounts)]
        if targets:
            attributes[APPLIES_TO] = targets
        expect_ok(self._admin.add(f"CN={wanted.name},{self._container}", "msDS-PasswordSettings", attributes))
        return next(each for each in self.directory.policy_survey().settings if each.name == wanted.name)

    def protect(self, account: DirectoryEntry) -> None:
        expect_ok(self._admin.modify(account.dn, {"adminCount": [(ldap3.MODIFY_REPLACE, ["1"])]}))

    def lock(self, account: DirectoryEntry) -> None:
        for _ in range(5):
            self.directory.authenticate(account.login_name, "Wrong-every-1")

    def close(self) -> None:
        for found in self._admin.search(self._container, "(cn=t*)", attributes=["cn"])[2]:
            self._admin.delete(found["dn"])
        for dn in self._outside:
            self._admin.delete(dn)
        self._admin.unbind()


@pytest.fixture(params=["fake", "demo", pytest.param("samba", marks=pytest.mark.real)])
def house(request: pytest.FixtureRequest) -> Iterator[House]:
    """One kind of directory after the other."""
    if request.param == "fake":
        yield FakeHouse()
        return
    server: Server = request.getfixturevalue(f"_{request.param}_server")
    made = RealHouse(server)
    yield made
    made.close()
    server.close()


@pytest.fixture
def real_house(server: Server) -> Iterator[RealHouse]:
    """Those with a server, for what only a server can do."""
    made = RealHouse(server)
    yield made
    made.close()


class FakeHouse:
    """The one of the tests that are not about the directory."""

    def __init__(self) -> None:
        self._fake = fakes.FakeDirectory()
        self.directory: Directory = self._fake
        self.administrator: Directory = self._fake
        self.unit = fakes.users_ou("13")

    def account(self) -> DirectoryEntry:
        return self._fake.add(unique_name(), container_dn=self.unit)

    def group(self, *members: DirectoryEntry, scope: str = "global", inside: bool = True) -> str:
        base = "" if inside else f"CN=Users,{fakes.BASE_DN}"
        dn = self._fake.add_group(unique_name(), base, is_global=scope == "global").dn
        for member in members:
            self._fake.add_to_group(dn, member.guid)
        return dn

    def nest(self, inner: str, outer: str) -> None:
        self._fake.within.setdefault(outer, set()).add(inner)

    def by_hand(self, wanted: WantedSettings) -> PasswordSettings:
        return self._fake.put_settings(wanted)

    def protect(self, account: DirectoryEntry) -> None:
        self._fake.put(account, privileged=True)

    def lock(self, account: DirectoryEntry) -> None:
        self._fake.lock(account.guid)

    def close(self) -> None:
        """Nothing stays of it."""


def wanted(
    house: House, *accounts: DirectoryEntry, group: str = "", days: int = 180, **other: Any
) -> WantedSettings:
    """The domain's policy with another lifetime: for these accounts or for the group."""
    rules = replace(house.directory.policy_survey().domain, maximum_age=timedelta(days=days))
    name = unique_name()
    values: dict[str, Any] = {
        "name": name,
        "precedence": 1 + randbelow(10**9),
        "rules": rules,
        "marker": f"op-{name}",
        "accounts": frozenset[UUID](account.guid for account in accounts),
        "group_dn": group,
        "description": "審査の繁忙期 (2027-03-31 まで)",
    }
    return WantedSettings(**{**values, **other})
