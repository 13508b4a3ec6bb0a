"""Creating, finding, changing, moving and deleting accounts (ACC-05, ACC-06): the same on every directory."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import date

import ldap3
import pytest

from portal.gateways.directory import (
    AccessDenied,
    ChangedMeanwhile,
    ContainerMissing,
    Directory,
    DirectoryEntry,
    DirectoryError,
    InvalidValue,
    NameTaken,
    NotFound,
    PolicyRefused,
    Privileged,
)
from portal.gateways.directory_names import path_below
from tests.contract.conftest import (
    INITIAL_PASSWORD,
    Server,
    after_reading,
    expect_ok,
    make_account,
    new_account,
    read,
    unique_name,
)

USER_CLASSES = ["top", "person", "organizationalPerson", "user"]


def attributes_of(connection: ldap3.Connection, dn: str, *names: str) -> dict[str, list[bytes]]:
    answer = connection.search(dn, "(objectClass=*)", search_scope=ldap3.BASE, attributes=list(names))
    return dict(answer[2][0]["raw_attributes"])


# Creating


def test_one_add_writes_every_attribute_of_an_enabled_account(
    directory: Directory, server: Server, admin: ldap3.Connection
) -> None:
    wanted = new_account(server, description="申請 2026-000123", account_expires=date(2027, 3, 31))

    found = directory.create_account(wanted, initial_password=INITIAL_PASSWORD)

    assert directory.find_by_guid(found.guid) == found
    for name in ("login_name", "display_name", "family_name", "given_name", "kana", "department", "company"):
        assert getattr(found, name) == getattr(wanted, name), name
    assert (found.mail, found.marker, found.description) == (wanted.mail, wanted.marker, wanted.description)
    assert found.account_expires == date(2027, 3, 31)
    assert found.enabled
    assert found.must_change_password
    assert found.password_last_set is None
    assert not found.locked
    assert not found.privileged
    assert found.container_dn.lower() == server.users_ou.lower()
    raw = attributes_of(
        admin, found.dn, "userAccountControl", "pwdLastSet", "userPrincipalName", "employeeNumber"
    )
    assert raw["userAccountControl"] == [b"512"]
    assert raw["pwdLastSet"] == [b"0"]
    assert raw["userPrincipalName"] == [f"{wanted.login_name}@{server.env['AD_DOMAIN']}".encode()]


@pytest.mark.parametrize("weak", ["Ab-1", "allsmallletters", "{name}-A1!"])
def test_a_refused_password_leaves_nothing_behind(directory: Directory, server: Server, weak: str) -> None:
    wanted = new_account(server)

    with pytest.raises(PolicyRefused) as refused:
        directory.create_account(wanted, initial_password=weak.format(name=wanted.login_name))

    assert refused.value.code.endswith("/0000052D")
    assert directory.find_by_login_name(wanted.login_name) is None
    assert directory.find_by_marker(wanted.marker) is None
    directory.create_account(wanted, initial_password=INITIAL_PASSWORD)


def test_a_login_name_is_unique_in_the_domain_whatever_its_case(
    directory: Directory, server: Server, account: DirectoryEntry
) -> None:
    elsewhere = new_account(
        server, login_name=account.login_name.upper(), container_dn=server.other_users_ou, marker="other"
    )

    with pytest.raises(NameTaken) as refused:
        directory.create_account(elsewhere, initial_password=INITIAL_PASSWORD)

    assert refused.value.attribute == "sAMAccountName"
    assert read(directory, account) == account


def test_a_second_account_of_one_name_in_one_unit_is_refused(
    directory: Directory, server: Server, account: DirectoryEntry
) -> None:
    with pytest.raises(NameTaken):
        directory.create_account(
            new_account(server, login_name=account.login_name), initial_password=INITIAL_PASSWORD
        )


def test_the_principal_name_of_somebody_else_is_taken(
    directory: Directory, server: Server, admin: ldap3.Connection
) -> None:
    name, other = unique_name(), unique_name()
    principal = f"{name}@{server.env['AD_DOMAIN']}"
    expect_ok(
        admin.add(
            f"CN={other},{server.users_ou}",
            USER_CLASSES,
            {"sAMAccountName": other, "userPrincipalName": principal},
        )
    )

    with pytest.raises(NameTaken) as refused:
        directory.create_account(new_account(server, login_name=name), initial_password=INITIAL_PASSWORD)

    assert refused.value.attribute == "userPrincipalName"
    assert directory.login_name_in_use(name)


def test_a_group_holds_its_name_against_accounts(
    directory: Directory, server: Server, admin: ldap3.Connection
) -> None:
    name = unique_name()
    assert not directory.login_name_in_use(name)
    expect_ok(admin.add(f"CN=g{name},{server.other_users_ou}", ["top", "group"], {"sAMAccountName": name}))

    with pytest.raises(NameTaken):
        directory.create_account(new_account(server, login_name=name), initial_password=INITIAL_PASSWORD)

    assert directory.login_name_in_use(name.upper())
    assert directory.find_by_login_name(name) is None


def test_a_missing_unit_is_named(directory: Directory, server: Server) -> None:
    missing = f"OU=Users,OU=99,{server.root_ou}"

    with pytest.raises(ContainerMissing) as refused:
        directory.create_account(new_account(server, container_dn=missing), initial_password=INITIAL_PASSWORD)

    assert refused.value.dn == missing
    assert not directory.container_exists(missing)
    assert directory.container_exists(server.users_ou)


def test_outside_its_tree_the_service_account_may_nothing(directory: Directory, server: Server) -> None:
    outside = new_account(server, container_dn=f"CN=Users,{server.env['AD_BASE_DN']}")

    with pytest.raises(AccessDenied):
        directory.create_account(outside, initial_password=INITIAL_PASSWORD)

    assert directory.find_by_login_name(outside.login_name) is None


@pytest.mark.parametrize(
    ("field", "value"),
    [("login_name", "a" * 21), ("login_name", "a,b"), ("department", "課" * 65), ("display_name", "a\nb")],
)
def test_what_the_directory_cannot_hold_is_refused_by_field(
    directory: Directory, server: Server, field: str, value: str
) -> None:
    with pytest.raises(InvalidValue) as refused:
        directory.create_account(new_account(server, **{field: value}), initial_password=INITIAL_PASSWORD)

    assert refused.value.attribute == field


def test_a_marker_attribute_that_does_not_exist_is_an_invalid_value(server: Server) -> None:
    wrong = server.connect(marker_attribute="noSuchAttribute")
    wanted = new_account(server)

    with pytest.raises(InvalidValue):
        wrong.create_account(wanted, initial_password=INITIAL_PASSWORD)

    assert wrong.find_by_login_name(wanted.login_name) is None


def test_of_eight_at_the_same_moment_exactly_one_gets_the_name(server: Server, directory: Directory) -> None:
    name = unique_name()
    start = threading.Barrier(8)
    outcomes: list[str] = []

    def create(number: int) -> None:
        mine = server.connect(receive_timeout=15)
        mine.ping()
        unit = (server.users_ou, server.other_users_ou)[number % 2]
        wanted = new_account(server, login_name=name, container_dn=unit, marker=f"op-{number}")
        start.wait()
        try:
            mine.create_account(wanted, initial_password=INITIAL_PASSWORD)
            outcomes.append(wanted.marker)
        except NameTaken:
            outcomes.append("taken")
        finally:
            mine.close()

    threads = [threading.Thread(target=create, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    (winner,) = [outcome for outcome in outcomes if outcome != "taken"]
    assert outcomes.count("taken") == 7
    found = directory.find_by_login_name(name)
    assert found is not None
    assert found.marker == winner


# Finding


def test_an_account_is_found_by_each_of_its_keys(directory: Directory, account: DirectoryEntry) -> None:
    assert directory.find_by_guid(account.guid) == account
    assert directory.find_by_marker(account.marker) == account
    assert directory.find_by_login_name(account.login_name.upper()) == account


@pytest.mark.parametrize("hostile", ["*", "x)(objectClass=*", "\\2a", "a\x00b", ")(", "t*"])
def test_search_values_are_values_and_never_filters(directory: Directory, hostile: str) -> None:
    assert directory.find_by_login_name(hostile) is None
    assert directory.find_by_marker(hostile) is None
    assert not directory.login_name_in_use(hostile)
    assert not directory.mail_is_group_address(hostile)


def test_a_marker_on_two_accounts_is_an_error_and_not_a_guess(directory: Directory, server: Server) -> None:
    first = make_account(directory, server)
    make_account(directory, server, marker=first.marker)

    with pytest.raises(DirectoryError) as refused:
        directory.find_by_marker(first.marker)

    assert refused.value.code == "ambiguous"


def test_computers_are_no_accounts(
    directory: Directory, server: Server, admin: ldap3.Connection, make_ou: Callable[[], str]
) -> None:
    name, unit = unique_name().upper()[:14], make_ou()
    expect_ok(
        admin.add(
            f"CN={name},{unit}",
            [*USER_CLASSES, "computer"],
            {"sAMAccountName": f"{name}$", "userAccountControl": 4096},
        )
    )

    assert directory.find_by_login_name(f"{name}$") is None
    assert list(directory.search_accounts(unit)) == []
    assert directory.login_name_in_use(f"{name}$")


def test_namesakes_are_found_below_their_unit(
    directory: Directory, server: Server, make_ou: Callable[[], str]
) -> None:
    unit = make_ou()
    name = "齋藤　次郎"
    two = {make_account(directory, server, display_name=name, container_dn=unit).guid for _ in range(2)}
    make_account(directory, server, display_name=name, container_dn=make_ou())

    assert {entry.guid for entry in directory.find_by_display_name(name, unit)} == two
    assert directory.find_by_display_name("齋藤　三郎", unit) == []


def test_an_address_of_a_group_is_a_mailing_list(
    directory: Directory, server: Server, admin: ldap3.Connection, account: DirectoryEntry
) -> None:
    name = unique_name()
    expect_ok(
        admin.add(
            f"CN={name},{server.users_ou}",
            ["top", "group"],
            {
                "sAMAccountName": name,
                "mail": f"{name}@tokyo.example.jp",
                "proxyAddresses": [f"SMTP:{name}@tokyo.example.jp", f"smtp:all-{name}@tokyo.example.jp"],
            },
        )
    )

    assert directory.mail_is_group_address(f"{name.upper()}@tokyo.example.jp")  # ACC-09
    assert directory.mail_is_group_address(f"all-{name}@tokyo.example.jp")
    assert account.mail is not None
    assert not directory.mail_is_group_address(account.mail)


# Changing


def test_fields_are_set_and_cleared(directory: Directory, account: DirectoryEntry) -> None:
    directory.update_account(
        account.guid,
        {"department": "企画課", "mail": None, "kana": "", "account_expires": date(2027, 2, 28)},
    )

    found = read(directory, account)
    assert (found.department, found.mail, found.kana) == ("企画課", None, "")
    assert found.account_expires == date(2027, 2, 28)
    directory.update_account(account.guid, {"account_expires": None, "mail": None})
    assert read(directory, account).account_expires is None


def test_a_field_that_changed_meanwhile_is_not_overwritten(
    directory: Directory, account: DirectoryEntry
) -> None:
    directory.update_account(account.guid, {"department": "企画課"}, expected={"department": "総務課"})

    with pytest.raises(ChangedMeanwhile):
        directory.update_account(
            account.guid,
            {"department": "会計課", "company": "別の会社"},
            expected={"department": "総務課"},
        )

    found = read(directory, account)
    assert (found.department, found.company) == ("企画課", account.company)


def test_a_change_between_our_reading_and_our_writing_is_not_overwritten(
    server: Server, directory: Directory, account: DirectoryEntry
) -> None:
    slow = server.connect()
    after_reading(slow, lambda: directory.update_account(account.guid, {"department": "企画課"}))

    with pytest.raises(ChangedMeanwhile):
        slow.update_account(
            account.guid,
            {"company": "別の会社", "department": "会計課"},
            expected={"department": "総務課"},
        )

    found = read(directory, account)
    assert (found.department, found.company) == ("企画課", account.company)


def test_an_empty_field_can_be_expected_and_filled(directory: Directory, server: Server) -> None:
    entry = make_account(directory, server, mail=None, department="")

    directory.update_account(
        entry.guid,
        {"mail": "hanako@tokyo.example.jp", "department": "総務課"},
        expected={"mail": None, "department": None},
    )

    assert read(directory, entry).mail == "hanako@tokyo.example.jp"


def test_an_unknown_field_is_a_mistake_of_the_caller(directory: Directory, account: DirectoryEntry) -> None:
    with pytest.raises(ValueError, match="shoe_size"):
        directory.update_account(account.guid, {"shoe_size": "26"})


def test_disabling_and_enabling_touch_no_other_flag(
    directory: Directory, account: DirectoryEntry, admin: ldap3.Connection
) -> None:
    never_expires = 0x10200
    expect_ok(
        admin.modify(account.dn, {"userAccountControl": [(ldap3.MODIFY_REPLACE, [str(never_expires)])]})
    )

    directory.disable(account.guid)
    directory.disable(account.guid)

    assert not read(directory, account).enabled
    directory.enable(account.guid)
    assert read(directory, account).enabled
    raw = attributes_of(admin, account.dn, "userAccountControl")
    assert raw["userAccountControl"] == [str(never_expires).encode()]


# Moving, renaming, deleting


def test_a_moved_account_keeps_its_guid(
    directory: Directory, server: Server, account: DirectoryEntry
) -> None:
    directory.move(account.guid, server.other_users_ou)
    directory.move(account.guid, server.other_users_ou)

    found = read(directory, account)
    assert found.container_dn.lower() == server.other_users_ou.lower()
    assert found.login_name == account.login_name


def test_a_move_into_a_missing_unit_changes_nothing(
    directory: Directory, server: Server, account: DirectoryEntry
) -> None:
    missing = f"OU=Users,OU=99,{server.root_ou}"

    with pytest.raises(ContainerMissing) as refused:
        directory.move(account.guid, missing)

    assert refused.value.dn == missing
    assert read(directory, account).dn == account.dn


def test_a_move_onto_another_object_is_refused(
    directory: Directory, server: Server, account: DirectoryEntry, admin: ldap3.Connection
) -> None:
    expect_ok(
        admin.add(
            f"CN={account.login_name},{server.other_users_ou}",
            ["top", "person", "organizationalPerson", "contact"],
        )
    )

    with pytest.raises(NameTaken):
        directory.move(account.guid, server.other_users_ou)

    assert read(directory, account).dn == account.dn


def test_a_renamed_account_keeps_its_guid_and_signs_in_by_its_new_name(
    directory: Directory, server: Server, account: DirectoryEntry
) -> None:
    name = unique_name()

    directory.rename(account.guid, name)
    directory.rename(account.guid, name)

    found = read(directory, account)
    assert (found.login_name, found.dn.split(",")[0]) == (name, f"CN={name}")
    assert not directory.login_name_in_use(account.login_name)
    with pytest.raises(NameTaken):
        directory.rename(make_account(directory, server).guid, name.upper())


def test_a_deleted_account_is_gone_and_its_name_is_free(
    directory: Directory, server: Server, account: DirectoryEntry
) -> None:
    directory.delete(account.guid)

    assert directory.find_by_guid(account.guid) is None
    assert directory.find_by_marker(account.marker) is None
    with pytest.raises(NotFound):
        directory.delete(account.guid)
    again = make_account(directory, server, login_name=account.login_name)
    assert again.guid != account.guid


@pytest.mark.parametrize(
    "act",
    [
        lambda directory, guid, unit: directory.update_account(guid, {"department": "x"}),
        lambda directory, guid, unit: directory.disable(guid),
        lambda directory, guid, unit: directory.enable(guid),
        lambda directory, guid, unit: directory.move(guid, unit),
        lambda directory, guid, unit: directory.rename(guid, "x1"),
        lambda directory, guid, unit: directory.delete(guid),
        lambda directory, guid, unit: directory.unlock(guid),
        lambda directory, guid, unit: directory.reset_password(guid, new_password=INITIAL_PASSWORD),
        lambda directory, guid, unit: directory.replace_initial_password(guid, new_password=INITIAL_PASSWORD),
        lambda directory, guid, unit: directory.change_password(
            guid, old_password="x", new_password=INITIAL_PASSWORD
        ),
    ],
)
def test_a_protected_account_is_never_written(
    directory: Directory,
    server: Server,
    account: DirectoryEntry,
    admin: ldap3.Connection,
    act: Callable[[Directory, object, str], None],
) -> None:
    expect_ok(admin.modify(account.dn, {"adminCount": [(ldap3.MODIFY_REPLACE, ["1"])]}))
    before = read(directory, account)

    with pytest.raises(Privileged):
        act(directory, account.guid, server.other_users_ou)

    assert read(directory, account) == before
    assert before.privileged


# Units and groups


def test_the_units_below_a_unit_are_listed_at_any_depth(
    directory: Directory, admin: ldap3.Connection, make_ou: Callable[[], str]
) -> None:
    base = make_ou()
    section, team = f"OU=審査\\, 第一課,{base}", f"OU=第一係,OU=審査\\, 第一課,{base}"
    for dn in (section, team):
        expect_ok(admin.add(dn, ["top", "organizationalUnit"]))

    found = directory.find_containers(base)

    assert sorted(path_below(dn, base) for dn in found) == ["審査, 第一課", "審査, 第一課/第一係"]
    assert directory.find_containers(f"OU=nowhere,{base}") == []


def test_the_groups_below_a_unit_are_listed_with_their_scope(
    directory: Directory, admin: ldap3.Connection, make_ou: Callable[[], str]
) -> None:
    base, name = make_ou(), unique_name()
    for cn, kind in ((name, -2147483646), (f"{name}-local", -2147483644)):
        values = {"sAMAccountName": cn, "groupType": str(kind), "description": "職員"}
        expect_ok(admin.add(f"CN={cn},{base}", ["top", "group"], values))

    found = {group.name: group for group in directory.find_groups(base)}

    assert {key: group.is_global for key, group in found.items()} == {name: True, f"{name}-local": False}
    assert (found[name].description, found[name].privileged) == ("職員", False)
    assert directory.find_groups(f"OU=nowhere,{base}") == []


def test_a_staff_number_is_written_changed_and_cleared(directory: Directory, server: Server) -> None:
    account = make_account(directory, server, staff_number="0012345")

    directory.update_account(account.guid, {"staff_number": "0099"}, expected={"staff_number": "0012345"})
    changed = read(directory, account).staff_number
    directory.update_account(account.guid, {"staff_number": None}, expected={"staff_number": "0099"})

    assert (account.staff_number, changed, read(directory, account).staff_number) == ("0012345", "0099", "")
