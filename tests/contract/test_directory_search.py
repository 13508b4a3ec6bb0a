"""Lists, pages, dormancy, groups, tombstones: the same on every directory."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import ldap3
import pytest

from portal.gateways.directory import Directory, DirectoryEntry, NotFound
from tests.contract.conftest import (
    INITIAL_PASSWORD,
    Server,
    expect_ok,
    make_account,
    new_account,
    read,
    unique_name,
)

USER_CLASSES = ["top", "person", "organizationalPerson", "user"]
SHOW_DELETED = ("1.2.840.113556.1.4.417", True, None)
MakeOu = Callable[[], str]


def filetime(moment: datetime) -> str:
    return str((moment - datetime(1601, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1) * 10)


def make_group(admin: ldap3.Connection, server: Server) -> str:
    name = unique_name()
    dn = f"CN={name},OU=Groups,OU=13,{server.root_ou}"
    expect_ok(admin.add(dn, ["top", "group"], {"sAMAccountName": name, "groupType": "-2147483646"}))
    return dn


def test_a_list_of_several_pages_is_complete(
    directory: Directory, admin: ldap3.Connection, make_ou: MakeOu, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("portal.gateways._ldap3_scanning.PAGE_SIZE", 10)
    unit, prefix = make_ou(), unique_name()
    names = [f"{prefix}{number}" for number in range(35)]
    for name in names:
        expect_ok(admin.add(f"CN={name},{unit}", USER_CLASSES, {"sAMAccountName": name}))

    found = directory.search_accounts(unit)
    first = next(found)
    directory.ping()  # something else on the same connection, in the middle of a page

    assert sorted([first.login_name, *(entry.login_name for entry in found)]) == sorted(names)


def test_a_list_below_a_unit_that_is_gone_is_empty(directory: Directory, server: Server) -> None:
    assert list(directory.search_accounts(f"OU=99,{server.root_ou}")) == []


def test_text_is_found_in_names_and_kana_and_is_no_pattern(
    directory: Directory, server: Server, make_ou: MakeOu
) -> None:
    unit = make_ou()
    entry = make_account(
        directory, server, container_dn=unit, display_name="髙橋　花子*", kana="タカハシ　ハナコ"
    )
    make_account(directory, server, container_dn=unit, display_name="鈴木　一郎", kana="スズキ　イチロウ")

    for text in ("橋　花", "カハシ", entry.login_name[2:6].upper(), "*"):
        assert [found.guid for found in directory.search_accounts(unit, text=text)] == [entry.guid], text


def test_changes_since_a_number_are_found(directory: Directory, server: Server, make_ou: MakeOu) -> None:
    unit = make_ou()
    first, second = (make_account(directory, server, container_dn=unit) for _ in range(2))
    assert second.usn_changed > first.usn_changed

    directory.update_account(first.guid, {"department": "企画課"})

    changed = directory.search_accounts(unit, changed_since_usn=second.usn_changed)
    assert [entry.guid for entry in changed] == [first.guid]


def test_disabled_accounts_can_be_left_out(directory: Directory, server: Server, make_ou: MakeOu) -> None:
    unit = make_ou()
    active, disabled = (make_account(directory, server, container_dn=unit) for _ in range(2))
    directory.disable(disabled.guid)

    assert [entry.guid for entry in directory.search_accounts(unit, enabled_only=True)] == [active.guid]
    assert len(list(directory.search_accounts(unit))) == 2


def test_dormant_are_those_without_a_logon_and_those_who_never_came(
    directory: Directory, server: Server, admin: ldap3.Connection, make_ou: MakeOu
) -> None:
    unit, now = make_ou(), datetime.now(UTC)
    long_ago, lately, never = (make_account(directory, server, container_dn=unit) for _ in range(3))
    for entry, days in ((long_ago, 200), (lately, 3)):
        stamp = filetime(now - timedelta(days=days))
        expect_ok(admin.modify(entry.dn, {"lastLogonTimestamp": [(ldap3.MODIFY_REPLACE, [stamp])]}))

    half_a_year = {
        entry.guid for entry in directory.search_accounts(unit, dormant_since=now - timedelta(180))
    }
    tomorrow = {entry.guid for entry in directory.search_accounts(unit, dormant_since=now + timedelta(1))}

    # ACC-14: who never logged on counts from the day the account was made.
    assert half_a_year == {long_ago.guid}
    assert tomorrow == {long_ago.guid, lately.guid, never.guid}


# Groups


def test_joining_and_leaving_a_group_twice_is_success(
    directory: Directory, server: Server, admin: ldap3.Connection, account: DirectoryEntry
) -> None:
    group = make_group(admin, server)

    directory.add_to_group(group, account.guid)
    directory.add_to_group(group, account.guid)

    assert [dn.lower() for dn in read(directory, account).groups] == [group.lower()]
    assert [dn.lower() for dn in directory.group_members(group)] == [account.dn.lower()]
    directory.remove_from_group(group, account.guid)
    directory.remove_from_group(group, account.guid)
    assert read(directory, account).groups == ()
    assert directory.group_members(group) == []


def test_membership_follows_a_moved_account(
    directory: Directory, server: Server, admin: ldap3.Connection, account: DirectoryEntry
) -> None:
    group = make_group(admin, server)
    directory.add_to_group(group, account.guid)

    directory.move(account.guid, server.other_users_ou)

    assert directory.group_members(group) == [read(directory, account).dn]
    assert [dn.lower() for dn in read(directory, account).groups] == [group.lower()]
    directory.delete(account.guid)
    assert directory.group_members(group) == []


def test_a_missing_group_is_not_found(directory: Directory, server: Server, account: DirectoryEntry) -> None:
    missing = f"CN={unique_name()},{server.users_ou}"

    for act in (directory.add_to_group, directory.remove_from_group):
        with pytest.raises(NotFound):
            act(missing, account.guid)
    with pytest.raises(NotFound):
        directory.group_members(missing)


def test_members_of_nested_groups_are_found_by_the_chain_rule(
    directory: Directory, server: Server, admin: ldap3.Connection, account: DirectoryEntry
) -> None:
    outer, inner = make_group(admin, server), make_group(admin, server)
    expect_ok(admin.modify(outer, {"member": [(ldap3.MODIFY_ADD, [inner])]}))
    directory.add_to_group(inner, account.guid)

    query = f"(&(objectClass=user)(memberOf:1.2.840.113556.1.4.1941:={outer}))"
    found = admin.search(server.root_ou, query, attributes=["cn"])

    assert [item["dn"] for item in found[2] if item["type"] == "searchResEntry"] == [account.dn]


def test_a_wrong_member_undoes_the_whole_change(
    directory: Directory, server: Server, admin: ldap3.Connection, account: DirectoryEntry
) -> None:
    group = make_group(admin, server)

    wrong = f"CN={unique_name()},{server.users_ou}"
    answer = admin.modify(group, {"member": [(ldap3.MODIFY_ADD, [account.dn, wrong])]})

    assert answer[1]["result"] == 32
    assert directory.group_members(group) == []


# The server's own ways


def test_a_tombstone_keeps_guid_and_name_and_loses_the_person(
    directory: Directory, server: Server, admin: ldap3.Connection, account: DirectoryEntry
) -> None:
    directory.delete(account.guid)

    query = f"(&(isDeleted=TRUE)(sAMAccountName={account.login_name}))"
    found = admin.search(
        server.env["AD_BASE_DN"],
        query,
        attributes=["objectGUID", "sAMAccountName", "mail", "displayName", "lastKnownParent"],
        controls=[SHOW_DELETED],
    )

    (tombstone,) = [item["raw_attributes"] for item in found[2] if item["type"] == "searchResEntry"]
    assert tombstone["objectGUID"] == [account.guid.bytes_le]
    assert tombstone["sAMAccountName"] == [account.login_name.encode()]
    assert not tombstone.get("mail")
    assert not tombstone.get("displayName")
    assert tombstone["lastKnownParent"][0].decode().lower() == server.users_ou.lower()


@pytest.mark.parametrize(
    ("change", "result"),
    [
        ({"mail": [(ldap3.MODIFY_DELETE, [])], "title": [(ldap3.MODIFY_DELETE, [])]}, 16),
        ({"department": [(ldap3.MODIFY_ADD, ["second"])]}, 20),
        ({"department": [(ldap3.MODIFY_REPLACE, ["x" * 65])]}, 21),
        ({"noSuchAttribute": [(ldap3.MODIFY_REPLACE, ["x"])]}, 16),
        ({"memberOf": [(ldap3.MODIFY_REPLACE, ["CN=Domain Admins,CN=Users,DC=kokuho,DC=pr"])]}, 53),
    ],
)
def test_a_refused_change_changes_nothing(
    directory: Directory,
    account: DirectoryEntry,
    admin: ldap3.Connection,
    change: dict[str, list[tuple[str, list[str]]]],
    result: int,
) -> None:
    answer = admin.modify(account.dn, {"company": [(ldap3.MODIFY_REPLACE, ["changed"])], **change})

    assert answer[1]["result"] == result
    assert read(directory, account) == account


def test_a_unit_with_accounts_is_not_deleted(
    directory: Directory, server: Server, admin: ldap3.Connection, make_ou: MakeOu
) -> None:
    unit = make_ou()
    make_account(directory, server, container_dn=unit)

    assert admin.delete(unit)[1]["result"] == 66
    assert directory.container_exists(unit)


def test_an_account_in_a_renamed_unit_is_found_by_its_guid(
    directory: Directory, server: Server, admin: ldap3.Connection, make_ou: MakeOu
) -> None:
    unit, name = make_ou(), unique_name()
    wanted = new_account(server, container_dn=unit)
    guid = directory.create_account(wanted, initial_password=INITIAL_PASSWORD).guid

    expect_ok(admin.modify_dn(unit, f"OU={name}"))

    found = directory.find_by_guid(guid)
    assert found is not None
    assert found.container_dn == f"OU={name},{server.root_ou}"
    with pytest.raises(NotFound):
        directory.group_members(f"CN={wanted.login_name},{unit}")
