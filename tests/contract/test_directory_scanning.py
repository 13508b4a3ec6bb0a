"""Reading everything for a comparison: pages, update numbers, the domain controller, what was deleted."""

from __future__ import annotations

from collections.abc import Callable

import ldap3
import pytest

from portal.gateways.directory import Directory, DirectoryEntry
from tests.contract.conftest import Server, expect_ok, make_account, read

_ALL = ("display_name", "family_name", "given_name", "kana", "department", "company", "mail", "description")


def scanned(directory: Directory, base: str, **options: int) -> dict[str, DirectoryEntry]:
    return {entry.login_name: entry for page in directory.scan_accounts(base, **options) for entry in page}


def test_the_domain_controller_has_one_identity_over_connections(server: Server) -> None:
    first, second = server.connect().domain_controller(), server.connect().domain_controller()

    assert first.identity == second.identity
    assert first.name.lower() == server.env["AD_TLS_SERVER_NAME"].lower()
    assert len(first.identity.rpartition("/")[2]) == 32, "no invocationId"


def test_every_write_raises_the_highest_update_number(server: Server, directory: Directory) -> None:
    before = directory.domain_controller().highest_usn

    account = make_account(directory, server)

    assert before < account.usn_changed <= directory.domain_controller().highest_usn


def test_a_scan_gives_what_reading_one_by_one_gives(
    server: Server, directory: Directory, make_ou: Callable[[], str]
) -> None:
    container = make_ou()
    account = make_account(directory, server, container_dn=container, description="出向中")

    found = scanned(directory, container)[account.login_name]

    single = read(directory, account)
    assert (found.guid, found.dn, found.enabled) == (single.guid, single.dn, single.enabled)
    assert (found.groups, found.marker) == (single.groups, single.marker)
    assert [getattr(found, name) for name in _ALL] == [getattr(single, name) for name in _ALL]
    assert found.created_at == single.created_at


def test_a_scan_since_an_update_number_gives_only_what_changed_since(
    server: Server, directory: Directory, make_ou: Callable[[], str]
) -> None:
    container = make_ou()
    untouched = make_account(directory, server, container_dn=container)
    changed = make_account(directory, server, container_dn=container)
    moved = make_account(directory, server, container_dn=container)
    since = directory.domain_controller().highest_usn

    directory.update_account(changed.guid, {"department": "審査第三課"})
    directory.move(moved.guid, server.other_users_ou)

    found = scanned(directory, server.env["AD_BASE_DN"], changed_since_usn=since)
    assert {changed.login_name, moved.login_name} <= set(found)
    assert untouched.login_name not in found


def test_a_scan_goes_on_beyond_one_page(
    server: Server, directory: Directory, admin: ldap3.Connection, make_ou: Callable[[], str]
) -> None:
    container = make_ou()
    for n in range(1, 1_012):
        name = f"{container[3:9]}{n}"
        expect_ok(
            admin.add(
                f"CN={name},{container}", ["user"], {"sAMAccountName": name, "userAccountControl": "514"}
            )
        )

    pages = list(directory.scan_accounts(container))

    assert sum(map(len, pages)) == 1_011
    assert max(map(len, pages)) <= 1_000


def test_who_is_there_at_all_is_read_in_pages_of_guids(
    server: Server, directory: Directory, make_ou: Callable[[], str]
) -> None:
    container = make_ou()
    kept, gone = (make_account(directory, server, container_dn=container) for _ in range(2))

    directory.delete(gone.guid)

    assert [guid for page in directory.scan_guids(container) for guid in page] == [kept.guid]


def test_remains_of_a_deleted_account_prove_it_only_to_whom_ad_shows_them(
    server: Server, directory: Directory
) -> None:
    kept, gone = make_account(directory, server), make_account(directory, server)
    administrator = server.connect(
        bind_dn=server.env["AD_ADMIN_DN"], bind_password=server.env["AD_ADMIN_PASSWORD"]
    )

    directory.delete(gone.guid)

    assert administrator.is_deleted(gone.guid)
    assert not administrator.is_deleted(kept.guid)
    assert not directory.is_deleted(gone.guid)


@pytest.mark.parametrize("base", ["OU=nowhere,DC=kokuho,DC=pr"])
def test_a_scan_below_a_missing_container_is_empty(directory: Directory, base: str) -> None:
    assert scanned(directory, base) == {}
