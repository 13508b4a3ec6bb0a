"""What is particular to the demo directory: its data, its limits, its faults on command."""

from __future__ import annotations

import contextlib
import json
import multiprocessing
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import ldap3
import pytest

from portal.embedded.directory import DemoDirectory, DirectoryInUse
from portal.embedded.directory.faults import Fault
from portal.gateways.directory import (
    BindResult,
    Directory,
    DirectoryUnavailable,
    NameTaken,
    OutcomeUnknown,
    PolicyRefused,
)
from tests.contract.conftest import (
    INITIAL_PASSWORD,
    OWN_PASSWORD,
    ROOT,
    Server,
    expect_ok,
    make_account,
    new_account,
    read,
    unique_name,
)

USER_CLASSES = ["top", "person", "organizationalPerson", "user"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "directory"


def reach(directory: DemoDirectory) -> tuple[Server, Directory]:
    server = Server("demo", directory.env, 0)
    return server, server.connect()


def test_a_restart_keeps_accounts_passwords_and_groups(folder: Path) -> None:
    with DemoDirectory(folder) as first:
        server, directory = reach(first)
        account = make_account(directory, server)
        directory.change_password(account.guid, old_password=INITIAL_PASSWORD, new_password=OWN_PASSWORD)
        before = read(directory, account)
        gone = make_account(directory, server)
        directory.delete(gone.guid)
        server.close()

    with DemoDirectory(folder) as second:
        server, directory = reach(second)

        assert directory.find_by_guid(account.guid) == before
        assert directory.find_by_guid(gone.guid) is None
        assert directory.authenticate(account.login_name, OWN_PASSWORD) is BindResult.OK
        assert make_account(directory, server).usn_changed > before.usn_changed
        server.close()


def test_what_was_confirmed_survives_a_kill(folder: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "portal.embedded.directory", "--dir", str(folder), "--seed"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
    )
    assert process.stdout is not None
    process.stdout.readline()
    env = dict(line.split("=", 1) for line in (folder / "env").read_text().splitlines())
    server = Server("demo", env, process.pid)
    account = make_account(server.connect(), server)

    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()
    with (folder / "journal.jsonl").open("a") as journal:
        journal.write('{"guid": "cut sho')  # the line that the kill interrupted

    with DemoDirectory(folder) as again:
        server, directory = reach(again)
        assert directory.find_by_guid(account.guid) == account
        server.close()


def test_no_password_lies_in_the_folder(folder: Path) -> None:
    canary, second = "Canary-77-Kz!q", "Canary-88-Wm!x"
    with DemoDirectory(folder) as demo:
        server, directory = reach(demo)
        guid = directory.create_account(new_account(server), initial_password=canary).guid
        directory.change_password(guid, old_password=canary, new_password=second)
        server.close()

    for file in folder.rglob("*"):
        if file.is_file():
            content = file.read_bytes()
            for password in (canary, second):  # ACC-10
                assert password.encode() not in content, file
                assert password.encode("utf-16-le") not in content, file
    assert (folder / "journal.jsonl").stat().st_mode & 0o077 == 0
    assert (folder / "env").stat().st_mode & 0o077 == 0


def test_one_folder_is_served_once(folder: Path) -> None:
    with DemoDirectory(folder), pytest.raises(DirectoryInUse):
        DemoDirectory(folder).start()


def test_the_command_says_so_when_the_port_is_taken(folder: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        command = [sys.executable, "-m", "portal.embedded.directory", "--dir", str(folder), "--port", port]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)

    assert done.returncode == 1
    assert done.stderr.startswith("demo directory: ")
    assert "Traceback" not in done.stderr


def _serve_as_nobody(folder: str, channel: Connection) -> None:
    os.setgid(65534)
    os.setuid(65534)
    with DemoDirectory(folder) as demo:
        channel.send(demo.env)
        channel.recv()


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become somebody else")
def test_it_runs_as_an_ordinary_user() -> None:
    context = multiprocessing.get_context("fork")  # a new interpreter may lie where that user cannot read
    here, there = context.Pipe()
    with tempfile.TemporaryDirectory(dir="/tmp") as name:
        os.chown(name, 65534, 65534)
        child = context.Process(target=_serve_as_nobody, args=(f"{name}/directory", there))
        child.start()
        assert here.poll(20)
        server = Server("demo", here.recv(), 0)

        make_account(server.connect(), server)

        assert Path(f"{name}/directory/journal.jsonl").stat().st_uid == 65534
        server.close()
        here.send("stop")
        child.join(20)
        assert child.exitcode == 0


# Limits of AD that Samba does not have


def test_without_pages_a_thousand_is_all_there_is_and_with_pages_the_list_is_complete(demo: Server) -> None:
    admin = demo.raw(demo.env["AD_ADMIN_DN"], demo.env["AD_ADMIN_PASSWORD"])
    unit, prefix = f"OU={unique_name()},{demo.root_ou}", unique_name()
    expect_ok(admin.add(unit, "organizationalUnit"))
    for number in range(1001):
        name = f"{prefix}{number}"
        expect_ok(admin.add(f"CN={name},{unit}", USER_CLASSES, {"sAMAccountName": name}))

    _, result, response, _ = admin.search(unit, "(objectClass=user)", attributes=["cn"])

    assert result["result"] == 4
    assert len(response) == 1000
    assert len(list(demo.connect().search_accounts(unit))) == 1001
    admin.unbind()


def test_members_beyond_one_answer_are_read_in_ranges(demo: Server) -> None:
    directory = demo.connect()
    admin = demo.raw(demo.env["AD_ADMIN_DN"], demo.env["AD_ADMIN_PASSWORD"])
    unit, prefix = f"OU={unique_name()},{demo.root_ou}", unique_name()
    expect_ok(admin.add(unit, "organizationalUnit"))
    members = [f"CN={prefix}{number},{unit}" for number in range(3100)]
    for dn in members:
        expect_ok(admin.add(dn, ["top", "person", "organizationalPerson", "contact"]))
    group = f"CN=g{prefix},{unit}"
    expect_ok(admin.add(group, ["top", "group"], {"member": members}))

    assert sorted(directory.group_members(group)) == sorted(members)
    admin.unbind()


def test_an_enabled_account_needs_a_password(demo: Server) -> None:
    admin = demo.raw(demo.env["AD_ADMIN_DN"], demo.env["AD_ADMIN_PASSWORD"])
    name = unique_name()

    answer = admin.add(
        f"CN={name},{demo.users_ou}", USER_CLASSES, {"sAMAccountName": name, "userAccountControl": 512}
    )

    assert answer[1]["result"] == 53
    admin.unbind()


def test_the_display_name_may_not_be_in_the_password(demo: Server) -> None:
    with pytest.raises(PolicyRefused):
        demo.connect().create_account(
            new_account(demo, display_name="Takahashi Hanako"), initial_password="Hanako-2026!"
        )


def test_an_unknown_critical_control_is_refused(demo: Server) -> None:
    admin = demo.raw(demo.env["AD_ADMIN_DN"], demo.env["AD_ADMIN_PASSWORD"])

    # Domain scope: this directory has one domain and does not know the control.
    control = ("1.2.840.113556.1.4.1339", True, None)
    answer = admin.search(demo.root_ou, "(objectClass=*)", controls=[control])

    assert answer[1]["result"] == 12
    admin.unbind()


@pytest.mark.parametrize(
    "garbage", [b"\x00" * 64, b"GET / HTTP/1.1\r\n\r\n", b"\x30\x84\xff\xff\xff\xff", b"\x30\x03\x02\x01\x01"]
)
def test_garbage_ends_its_connection_and_no_other(demo: Server, garbage: bytes) -> None:
    directory = demo.connect()
    directory.ping()
    stranger = demo.raw(demo.env["AD_ADMIN_DN"], demo.env["AD_ADMIN_PASSWORD"])

    stranger.socket.sendall(garbage)
    stranger.socket.settimeout(10)

    assert stranger.socket.recv(100) == b""
    stranger.socket.close()
    directory.ping()


def test_of_many_at_the_same_moment_one_gets_each_name(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Slow hashing keeps the door open between looking for the name and taking it.
    monkeypatch.setattr("portal.embedded.directory.policy._ROUNDS", 50_000)
    rounds, people = 5, 6
    with DemoDirectory(folder) as demo:
        server, directory = reach(demo)
        start = threading.Barrier(people)
        made: list[str] = []

        def create_in_every_round(number: int) -> None:
            mine = server.connect(receive_timeout=15)
            mine.ping()
            for turn in range(rounds):
                unit = f"OU=Users,OU={number + 1:02},{server.root_ou}"
                wanted = new_account(server, login_name=f"turn{turn}", container_dn=unit)
                start.wait()
                with contextlib.suppress(NameTaken):
                    mine.create_account(wanted, initial_password=INITIAL_PASSWORD)
                    made.append(wanted.login_name)
            mine.close()

        threads = [threading.Thread(target=create_in_every_round, args=(n,)) for n in range(people)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert sorted(made) == sorted(f"turn{turn}" for turn in range(rounds))
        assert len(list(directory.search_accounts(server.root_ou))) == rounds
        server.close()


# Faults on command


@pytest.mark.parametrize(
    ("action", "error", "exists"),
    [
        ("lose_reply", OutcomeUnknown, True),
        ("lose_request", OutcomeUnknown, False),
        ("hang", OutcomeUnknown, True),
        ("refuse", DirectoryUnavailable, False),
    ],
)
def test_a_fault_meets_the_next_operation_only(
    folder: Path, action: Any, error: type[Exception], exists: bool
) -> None:
    with DemoDirectory(folder) as demo:
        server = Server("demo", demo.env, 0)
        directory = server.connect(receive_timeout=1)
        wanted = new_account(server)
        demo.faults.add(Fault("add", action))

        with pytest.raises(error):
            directory.create_account(wanted, initial_password=INITIAL_PASSWORD)

        assert (directory.find_by_marker(wanted.marker) is not None) == exists
        make_account(directory, server)
        assert demo.faults.counts["add"] == 2
        server.close()


def test_faults_can_be_ordered_from_another_process(folder: Path) -> None:
    with DemoDirectory(folder) as demo:
        server, directory = reach(demo)
        with socket.socket(socket.AF_UNIX) as control:
            control.connect(str(demo.control_socket))
            lines = control.makefile("rw")

            def order(**command: object) -> dict[str, object]:
                lines.write(json.dumps(command) + "\n")
                lines.flush()
                answer: dict[str, object] = json.loads(lines.readline())
                return answer

            assert order(do="refuse_connections", value=True) == {"ok": True}
            with pytest.raises(DirectoryUnavailable):
                directory.ping()
            assert order(do="clear") == {"ok": True}
            directory.ping()
            assert order(do="fault", operation="search", action="lose_request", times=2)["ok"]
            with pytest.raises(DirectoryUnavailable):
                directory.ping()
            assert order(do="nonsense")["ok"] is False
            assert order(do="fault", nonsense=1)["ok"] is False
            assert order(do="counts")["ok"]
            lines.close()
        server.close()


def test_a_bind_by_dn_by_principal_name_and_by_domain_name_is_the_same(demo: Server) -> None:
    for name in (
        demo.env["AD_ADMIN_DN"],
        f"Administrator@{demo.env['AD_DOMAIN']}",
        "KOKUHO\\administrator",
    ):
        connection = demo.raw(name, demo.env["AD_ADMIN_PASSWORD"])
        assert connection.bound
        answer = connection.search("", "(objectClass=*)", search_scope=ldap3.BASE, attributes=["*"])
        assert answer[2][0]["raw_attributes"]["defaultNamingContext"] == [demo.env["AD_BASE_DN"].encode()]
        connection.unbind()
