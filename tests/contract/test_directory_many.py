"""Questions about many names at once have the answers of the single ones, on every directory (ACC-13)."""

from __future__ import annotations

from collections.abc import Callable
from uuid import uuid4

import ldap3
import pytest

from portal.gateways.directory import Directory, DirectoryUnavailable
from tests.contract.conftest import Server, expect_ok, make_account, unique_name

MakeOu = Callable[[], str]


@pytest.fixture(autouse=True)
def small_searches(monkeypatch: pytest.MonkeyPatch) -> None:
    """Several searches, and several pages of each."""
    monkeypatch.setattr("portal.gateways._ldap3_many.NAMES_PER_SEARCH", 3)
    monkeypatch.setattr("portal.gateways._ldap3_scanning.PAGE_SIZE", 2)


def test_names_in_use_are_found_whatever_has_them_and_in_any_case(
    directory: Directory, server: Server, admin: ldap3.Connection
) -> None:
    accounts = [make_account(directory, server).login_name for _ in range(4)]
    group = unique_name()
    dn = f"CN={group},OU=Groups,OU=13,{server.root_ou}"
    expect_ok(admin.add(dn, ["top", "group"], {"sAMAccountName": group, "groupType": "-2147483646"}))
    principal = unique_name()
    expect_ok(
        admin.add(
            f"CN={unique_name()},{server.users_ou}",
            ["top", "person", "organizationalPerson", "user"],
            {"userPrincipalName": f"{principal}@{server.env['AD_DOMAIN']}"},
        )
    )
    free = [unique_name() for _ in range(4)]
    taken = [*accounts, group, principal]

    found = directory.login_names_in_use([*(name.upper() for name in taken), *free])

    assert found == set(taken)
    assert all(directory.login_name_in_use(name) for name in taken)


def test_accounts_are_found_by_many_guids_and_login_names(directory: Directory, server: Server) -> None:
    made = {entry.guid: entry for entry in (make_account(directory, server) for _ in range(5))}

    by_guid = directory.find_by_guids([*made, uuid4()])
    by_name = directory.find_by_login_names(
        [unique_name(), *(entry.login_name.upper() for entry in made.values())]
    )

    assert {entry.guid: entry for entry in by_guid} == made
    assert {entry.guid for entry in by_name} == set(made)


def test_namesakes_are_found_below_the_container_only(
    directory: Directory, server: Server, make_ou: MakeOu
) -> None:
    here, elsewhere = make_ou(), make_ou()
    names = ["髙橋 花子", "鈴木 (一郎)*", "佐藤 次郎", "田中 三郎"]
    for name in names:
        make_account(directory, server, container_dn=here, display_name=name)
    make_account(directory, server, container_dn=here, display_name=names[0])
    make_account(directory, server, container_dn=elsewhere, display_name=names[0])
    make_account(directory, server, container_dn=here, display_name="髙橋 花")

    found = directory.find_by_display_names([*names, "誰 も居ない"], here)

    assert sorted(entry.display_name for entry in found) == sorted([*names, names[0]])


def test_addresses_of_groups_are_told_from_those_of_people(
    directory: Directory, server: Server, admin: ldap3.Connection
) -> None:
    lists = [f"{unique_name()}@kokuho13.example.jp" for _ in range(4)]
    for number, mail in enumerate(lists):
        name = unique_name()
        values = {"sAMAccountName": name, "groupType": "-2147483646"}
        values |= (
            {"proxyAddresses": f"SMTP:{mail}"} if number % 2 and server.name == "demo" else {"mail": mail}
        )
        expect_ok(admin.add(f"CN={name},OU=Groups,OU=13,{server.root_ou}", ["top", "group"], values))
    person = make_account(directory, server).mail
    assert person is not None

    assert directory.group_addresses([*(mail.upper() for mail in lists), person]) == set(lists)


def test_nothing_is_asked_about_nothing(directory: Directory, server: Server) -> None:
    assert directory.login_names_in_use([]) == frozenset()
    assert directory.find_by_guids([]) == []
    assert directory.group_addresses([]) == frozenset()


def test_a_container_that_is_gone_holds_nobody(directory: Directory, server: Server) -> None:
    assert directory.find_by_display_names(["鈴木 一郎"], f"OU=99,{server.root_ou}") == []


def test_many_at_once_say_as_well_that_the_directory_is_down(server: Server) -> None:
    gone = server.connect(urls=["ldaps://127.0.0.1:9"])

    with pytest.raises(DirectoryUnavailable):
        gone.login_names_in_use(["a", "b"])
