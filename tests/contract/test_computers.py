"""Computer objects: made in advance, looked for, disabled, moved, removed (REQ-02)."""

from __future__ import annotations

from collections.abc import Iterator
from secrets import token_hex
from typing import Any, Protocol
from uuid import UUID, uuid4

import ldap3
import pytest

from portal.gateways.directory import (
    AccessDenied,
    ContainerMissing,
    Directory,
    NameTaken,
    NotFound,
    Privileged,
)
from portal.gateways.directory_computers import (
    ComputerNameReason,
    ComputerObject,
    NewComputer,
    computer_name_reasons,
)
from tests import fakes
from tests.contract.conftest import Server, expect_ok


class Yard(Protocol):
    """A directory with the hand of its administrator."""

    directory: Directory
    unit: str
    outside: str
    nowhere: str

    def by_hand(self, name: str, container_dn: str, **attributes: Any) -> None: ...
    def put_below(self, computer: ComputerObject) -> None: ...
    def close(self) -> None: ...


class RealYard:
    """One with an LDAP server."""

    def __init__(self, server: Server) -> None:
        self.directory = server.connect()
        self._admin = server.raw(server.env["AD_ADMIN_DN"], server.env["AD_ADMIN_PASSWORD"])
        self.unit = f"OU=t{token_hex(5)},{server.root_ou}"
        self.outside = f"CN=Computers,{server.env['AD_BASE_DN']}"
        self.nowhere = f"OU=nowhere,{server.root_ou}"
        self._made: list[str] = []
        expect_ok(self._admin.add(self.unit, ["top", "organizationalUnit"]))

    def by_hand(self, name: str, container_dn: str, **attributes: Any) -> None:
        dn = f"CN={name},{container_dn}"
        values = {"sAMAccountName": f"{name}$", "userAccountControl": "4098"} | attributes
        expect_ok(self._admin.add(dn, ["top", "person", "organizationalPerson", "user", "computer"], values))
        self._made.append(dn)

    def put_below(self, computer: ComputerObject) -> None:
        values = {"msFVE-RecoveryPassword": "111111-222222", "msFVE-RecoveryGuid": uuid4().bytes_le}
        dn = f"CN=2026-11-28T09:00:00-09:00,{computer.dn}"
        expect_ok(self._admin.add(dn, ["top", "msFVE-RecoveryInformation"], values))

    def close(self) -> None:
        for dn in self._made:
            self._admin.delete(dn)
        self._admin.unbind()


class FakeYard:
    """The one in memory."""

    def __init__(self) -> None:
        self._fake = fakes.FakeDirectory()
        self.directory: Directory = self._fake
        self.unit = f"OU=Computers,OU=13,{fakes.ROOT_OU}"
        self.outside = f"CN=Computers,{fakes.BASE_DN}"
        self.nowhere = f"OU=nowhere,{fakes.ROOT_OU}"
        self._fake.missing_containers.add(self.nowhere)

    def by_hand(self, name: str, container_dn: str, **attributes: Any) -> None:
        protected = attributes.get("adminCount") == "1"
        host = attributes.get("dNSHostName", "")
        self._fake.add_computer(name, container_dn, protected=protected, dns_host_name=host, enabled=False)

    def put_below(self, computer: ComputerObject) -> None:
        self._fake.below[computer.guid] = 1

    def close(self) -> None:
        """Nothing stays of it."""


@pytest.fixture(params=["fake", "demo", pytest.param("samba", marks=pytest.mark.real)])
def yard(request: pytest.FixtureRequest) -> Iterator[Yard]:
    """One kind of directory after the other."""
    if request.param == "fake":
        yield FakeYard()
        return
    server: Server = request.getfixturevalue(f"_{request.param}_server")
    made = RealYard(server)
    yield made
    made.close()
    server.close()


def _name() -> str:
    return f"T{token_hex(5)}".upper()


def _new(yard: Yard, name: str = "", **values: Any) -> NewComputer:
    found = name or _name()
    filled = {"name": found, "container_dn": yard.unit, "marker": f"op-{found}", "description": "審査課 3階"}
    return NewComputer(**{**filled, **values})


def _now(yard: Yard, guid: UUID) -> ComputerObject:
    found = yard.directory.find_computer_by_guid(guid)
    assert found is not None
    return found


def test_req_02_a_computer_is_made_in_advance_found_and_unknown_to_questions_about_accounts(
    yard: Yard,
) -> None:
    new = _new(yard)

    made = yard.directory.create_computer(new)

    assert (made.name, made.enabled, made.description) == (new.name, True, "審査課 3階")
    assert (made.container_dn, made.marker, made.joined) == (yard.unit, new.marker, False)
    assert yard.directory.find_computers([new.name.lower(), "T0-NOBODY"]) == [made]
    assert yard.directory.find_computer_by_marker(new.marker) == made
    assert yard.directory.computer_names_in_use([new.name.lower(), "T0-NOBODY"]) == {new.name}
    assert [each for page in yard.directory.scan_computers(yard.unit) for each in page] == [made]
    assert yard.directory.find_by_marker(new.marker) is None
    assert list(yard.directory.search_accounts(yard.unit)) == []


def test_req_02_a_name_is_unique_in_the_whole_domain_also_as_a_host_name(yard: Yard) -> None:
    held, host = _name(), _name()
    yard.by_hand(held, yard.outside)
    yard.by_hand(_name(), yard.outside, dNSHostName=f"{host.lower()}.kokuho.pr")

    assert yard.directory.computer_names_in_use([held, host]) == {held, host}
    with pytest.raises(NameTaken):
        yard.directory.create_computer(_new(yard, held))
    assert [each for page in yard.directory.scan_computers(yard.unit) for each in page] == []


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("A" * 16, ComputerNameReason.TOO_LONG),
        ("PC_1", ComputerNameReason.MALFORMED),
        ("ＰＣ１", ComputerNameReason.MALFORMED),
        ("PC1,OU=x", ComputerNameReason.MALFORMED),
        ("PC1$", ComputerNameReason.MALFORMED),
        ("-PC1", ComputerNameReason.MALFORMED),
        ("PC1\n", ComputerNameReason.MALFORMED),
        ("", ComputerNameReason.MALFORMED),
        ("12345", ComputerNameReason.ONLY_DIGITS),
        ("Server", ComputerNameReason.RESERVED),
    ],
)
def test_req_02_names_that_windows_cannot_use_never_reach_the_directory(
    name: str, reason: ComputerNameReason
) -> None:
    assert computer_name_reasons(name)[0] == reason


def test_req_02_a_computer_is_disabled_moved_and_given_back_and_twice_is_success(yard: Yard) -> None:
    made = yard.directory.create_computer(_new(yard))
    other = f"OU=Deleted,OU=13,{fakes.ROOT_OU}"

    for _ in range(2):
        yard.directory.disable_computer(made.guid)
        yard.directory.move_computer(made.guid, other)
    assert not _now(yard, made.guid).enabled
    assert _now(yard, made.guid).container_dn.lower() == other.lower()
    yard.directory.move_computer(made.guid, yard.unit)
    for _ in range(2):
        yard.directory.enable_computer(made.guid)

    assert (_now(yard, made.guid).enabled, _now(yard, made.guid).container_dn) == (True, yard.unit)
    with pytest.raises(ContainerMissing):
        yard.directory.move_computer(made.guid, yard.nowhere)


def test_req_02_a_computer_goes_with_its_recovery_keys(yard: Yard) -> None:
    made = yard.directory.create_computer(_new(yard))
    assert yard.directory.count_below_computer(made.guid) == 0
    yard.put_below(made)

    assert yard.directory.count_below_computer(made.guid) == 1
    yard.directory.delete_computer(made.guid)

    assert yard.directory.find_computer_by_guid(made.guid) is None
    assert yard.directory.find_computers([made.name]) == []
    assert yard.directory.computer_names_in_use([made.name]) == set()
    for act in (yard.directory.delete_computer, yard.directory.disable_computer):
        with pytest.raises(NotFound):
            act(made.guid)
    # The name is free at once, whatever the tombstone keeps.
    again = yard.directory.create_computer(_new(yard, made.name, marker="op-again"))
    assert again.guid != made.guid


def test_req_02_protected_computers_and_those_outside_are_left_alone(yard: Yard) -> None:
    outside, protected = _name(), _name()
    yard.by_hand(outside, yard.outside)
    yard.by_hand(protected, yard.unit, adminCount="1")

    for found in yard.directory.find_computers([outside, protected]):
        for act in (
            yard.directory.disable_computer,
            yard.directory.enable_computer,
            yard.directory.delete_computer,
        ):
            with pytest.raises(Privileged):
                act(found.guid)
        assert yard.directory.find_computer_by_guid(found.guid) is not None


def test_req_02_a_unit_that_is_missing_or_foreign_is_told(demo: Server) -> None:
    yard = RealYard(demo)
    with pytest.raises(ContainerMissing):
        yard.directory.create_computer(_new(yard, container_dn=f"OU=nowhere,{demo.root_ou}"))
    with pytest.raises(AccessDenied):
        yard.directory.create_computer(_new(yard, container_dn=yard.outside))
    yard.close()


def test_req_02_nobody_knows_the_password_of_a_computer_made_in_advance(demo: Server) -> None:
    yard = RealYard(demo)
    made = yard.directory.create_computer(_new(yard))

    for guess in (made.name.lower(), made.name, f"{made.name}$", "1"):
        probe = demo.raw(f"{made.name}$@{demo.env['AD_DOMAIN']}", guess)
        assert not probe.bound
    raw = yard._admin.search(made.dn, "(objectClass=*)", ldap3.BASE, attributes=["userAccountControl"])[2]
    assert int(raw[0]["raw_attributes"]["userAccountControl"][0]) == 0x1000  # no "password not required"
    yard.close()
