"""What each domain controller keeps to itself: the exact last logon (ACC-14)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import ldap3
import pytest

from portal.embedded.sockets import free_port
from portal.gateways import _ldap3_controllers as controllers
from portal.gateways.directory import Directory, DirectoryUnavailable
from portal.gateways.directory_names import controller_name
from tests.contract.conftest import Server, expect_ok, make_account
from tests.contract.test_directory_search import USER_CLASSES, filetime

MakeOu = Callable[[], str]


def test_one_controller_tells_its_own_last_logons(
    directory: Directory, server: Server, admin: ldap3.Connection, make_ou: MakeOu
) -> None:
    unit = make_ou()
    came, never = (make_account(directory, server, container_dn=unit) for _ in range(2))
    moment = (datetime.now(UTC) - timedelta(days=200)).replace(microsecond=0)
    expect_ok(admin.modify(came.dn, {"lastLogon": [(ldap3.MODIFY_REPLACE, [filetime(moment)])]}))

    found = directory.last_logons(server.url, [came.guid, never.guid, uuid4()])

    # ACC-14: what a controller does not have is not the same as never.
    assert found == {came.guid: moment, never.guid: None}


def test_more_accounts_than_fit_into_one_question_are_all_answered(
    directory: Directory,
    server: Server,
    admin: ldap3.Connection,
    make_ou: MakeOu,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(controllers, "_BATCH", 4)
    unit = make_ou()
    for number in range(9):
        name = f"{unit[3:11]}{number}"
        expect_ok(admin.add(f"CN={name},{unit}", USER_CLASSES, {"sAMAccountName": name}))
    guids = [entry.guid for entry in directory.search_accounts(unit)]

    assert directory.last_logons(server.url, guids) == dict.fromkeys(guids)
    assert directory.last_logons(server.url, []) == {}


def test_a_controller_nobody_listens_on_and_one_that_hangs_are_unavailable(server: Server) -> None:
    directory = server.connect(connect_timeout=1, receive_timeout=1)

    with pytest.raises(DirectoryUnavailable):
        directory.last_logons(f"ldaps://127.0.0.1:{free_port()}", [uuid4()])
    with server.paused(), pytest.raises(DirectoryUnavailable):
        directory.last_logons(server.url, [uuid4()])


def test_the_set_controllers_count_else_those_that_the_domain_names(server: Server) -> None:
    named = ["ldaps://dc1.kokuho.pr", "ldaps://dc2.kokuho.pr:3269"]

    assert list(server.connect(dc_urls=named).domain_controllers()) == named
    # The demo domain has no computer that is a controller: what the portal talks to is all there is.
    expected = {"samba": ["ldaps://dc1.kokuho.pr:636"], "demo": [server.url]}[server.name]
    assert list(server.connect().domain_controllers()) == expected
    assert [controller_name(url) for url in named] == ["dc1.kokuho.pr", "dc2.kokuho.pr:3269"]
