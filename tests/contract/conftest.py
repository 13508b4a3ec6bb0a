"""The directories under contract: the demo directory as a process of its own, and Samba AD (tier `real`)."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from secrets import token_hex
from typing import Any
from urllib.parse import urlsplit

import ldap3
import pytest

from portal.embedded import samba, services
from portal.embedded.bind import EmbeddedBind
from portal.gateways.directory import Directory, DirectoryEntry, NewAccount
from portal.gateways.directory_factory import make_directory
from tests.contract.dns_places import AdPlace, BindPlace, FakePlace, Place

ROOT = Path(__file__).resolve().parents[2]
INITIAL_PASSWORD = "Qx34-Ry79-Wt3f"
OWN_PASSWORD = "Vm-chosen-58!"


@dataclass
class Server:
    """One directory server with everything a contract test needs to reach it and to disturb it."""

    name: str
    env: Mapping[str, str]
    process_group: int
    _open: list[Directory] = field(default_factory=list)

    @property
    def url(self) -> str:
        return self.env["AD_LDAP_URLS"]

    @property
    def root_ou(self) -> str:
        return self.env["AD_ROOT_OU"]

    @property
    def users_ou(self) -> str:
        return f"OU=Users,OU=13,{self.root_ou}"

    @property
    def other_users_ou(self) -> str:
        return f"OU=Users,OU=14,{self.root_ou}"

    def connect(self, **overrides: Any) -> Directory:
        """The adapter under test, with short timeouts."""
        options: dict[str, Any] = {
            "urls": [self.url],
            "tls_server_name": self.env["AD_TLS_SERVER_NAME"],
            "ca_file": self.env["AD_CA_FILE"],
            "base_dn": self.env["AD_BASE_DN"],
            "domain": self.env["AD_DOMAIN"],
            "bind_dn": self.env["AD_BIND_DN"],
            "bind_password": self.env["AD_BIND_PASSWORD"],
            "root_ou": self.root_ou,
            "marker_attribute": self.env["AD_MARKER_ATTRIBUTE"],
            "connect_timeout": 5,
            "receive_timeout": 5,
        }
        made = make_directory({**options, **overrides})
        self._open.append(made)
        return made

    def raw(self, user: str, password: str) -> ldap3.Connection:
        """A plain LDAP connection bound as somebody, for what the port has no word for."""
        parts = urlsplit(self.url)
        tls = ldap3.Tls(
            validate=2, ca_certs_file=self.env["AD_CA_FILE"], valid_names=[self.env["AD_TLS_SERVER_NAME"]]
        )
        server = ldap3.Server(parts.hostname, parts.port, use_ssl=True, tls=tls, get_info=ldap3.NONE)
        connection = ldap3.Connection(
            server,
            user=user,
            password=password.encode(),
            client_strategy=ldap3.SAFE_SYNC,
            authentication=ldap3.SIMPLE if user else ldap3.ANONYMOUS,
            auto_range=False,
            check_names=False,
        )
        connection.bind()
        return connection

    def close(self) -> None:
        for directory in self._open:
            directory.close()
        self._open.clear()

    @contextmanager
    def paused(self) -> Iterator[None]:
        """The server process stopped in the middle of its life, as a machine does that hangs."""
        os.killpg(self.process_group, signal.SIGSTOP)
        try:
            yield
        finally:
            os.killpg(self.process_group, signal.SIGCONT)


@pytest.fixture(scope="session")
def _demo_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("directory")
    process = subprocess.Popen(
        [sys.executable, "-m", "portal.embedded.directory", "--dir", str(folder), "--seed"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stdout is not None
    ready = process.stdout.readline()
    assert ready.startswith("READY"), ready
    lines = (folder / "env").read_text().splitlines()
    yield Server("demo", dict(line.split("=", 1) for line in lines), process.pid)
    process.terminate()
    assert process.wait(10) == 0
    process.stdout.close()


@pytest.fixture(scope="session")
def _samba_server() -> Server:
    folder = services.DIRECTORY / "samba"
    pid = samba.running_pid(folder)
    assert pid is not None, "the tier `real` is checked before"
    return Server("samba", samba.env(folder), os.getpgid(pid))


@pytest.fixture(params=["demo", pytest.param("samba", marks=pytest.mark.real)])
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    found: Server = request.getfixturevalue(f"_{request.param}_server")
    yield found
    found.close()


@pytest.fixture
def demo(_demo_server: Server) -> Iterator[Server]:
    """Only the demo directory, for what is particular to it."""
    yield _demo_server
    _demo_server.close()


@pytest.fixture
def directory(server: Server) -> Directory:
    return server.connect()


@pytest.fixture
def admin(server: Server) -> Iterator[ldap3.Connection]:
    """The domain administrator, who prepares what the portal itself may not."""
    connection = server.raw(server.env["AD_ADMIN_DN"], server.env["AD_ADMIN_PASSWORD"])
    yield connection
    connection.unbind()


@pytest.fixture
def make_ou(server: Server, admin: ldap3.Connection) -> Callable[[], str]:
    """Makes an empty organisational unit of one's own."""

    def make() -> str:
        dn = f"OU=t{token_hex(5)},{server.root_ou}"
        expect_ok(admin.add(dn, ["top", "organizationalUnit"]))
        return dn

    return make


@pytest.fixture
def account(directory: Directory, server: Server) -> DirectoryEntry:
    """A new account with an unused initial password."""
    return make_account(directory, server)


@pytest.fixture
def settled(directory: Directory, account: DirectoryEntry) -> DirectoryEntry:
    """An account whose owner has chosen a password."""
    directory.change_password(account.guid, old_password=INITIAL_PASSWORD, new_password=OWN_PASSWORD)
    return read(directory, account)


def unique_name() -> str:
    return f"t{token_hex(6)}"


def new_account(server: Server, **values: Any) -> NewAccount:
    name = values.pop("login_name", None) or unique_name()
    filled: dict[str, Any] = {
        "login_name": name,
        "display_name": "髙橋　花子",
        "family_name": "髙橋",
        "given_name": "花子",
        "kana": "タカハシ　ハナコ",
        "department": "総務課",
        "company": "東京都国民健康保険団体連合会",
        "mail": f"{name}@tokyo.example.jp",
        "container_dn": server.users_ou,
        "marker": f"op-{name}",
    }
    return NewAccount(**{**filled, **values})


def make_account(directory: Directory, server: Server, **values: Any) -> DirectoryEntry:
    return directory.create_account(new_account(server, **values), initial_password=INITIAL_PASSWORD)


def read(directory: Directory, account: DirectoryEntry) -> DirectoryEntry:
    """The account as it is now."""
    found = directory.find_by_guid(account.guid)
    assert found is not None
    return found


def expect_ok(answer: Any) -> None:
    assert answer[1]["result"] == 0, answer[1]


def after_reading(directory: Directory, happens: Callable[[], None]) -> None:
    """Let something happen once between the adapter's reading of an account and its write."""
    read_first = directory._writable  # type: ignore[attr-defined]

    def writable(guid: object) -> object:
        found = read_first(guid)
        directory._writable = read_first  # type: ignore[attr-defined]
        happens()
        return found

    directory._writable = writable  # type: ignore[attr-defined]


@pytest.fixture(scope="session")
def _bind_place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BindPlace]:
    server = EmbeddedBind(services.DIRECTORY / f"bind-{token_hex(4)}", notify=False)
    server.start()
    yield BindPlace(server)
    server.stop()
    shutil.rmtree(server.directory)


@pytest.fixture(scope="session")
def _samba_place(_samba_server: Server) -> AdPlace:
    return AdPlace("samba", _samba_server.env)


@pytest.fixture(scope="session")
def _demo_place(_demo_server: Server) -> AdPlace:
    return AdPlace("demo", _demo_server.env)


@pytest.fixture(scope="session")
def _fake_place() -> FakePlace:
    return FakePlace()


_PLACES = ["fake", "demo", *(pytest.param(name, marks=pytest.mark.real) for name in ("bind", "samba"))]


@pytest.fixture(params=_PLACES)
def place(request: pytest.FixtureRequest) -> Iterator[Place]:
    """DNS servers, one kind after the other."""
    found: Place = request.getfixturevalue(f"_{request.param}_place")
    yield found
    found.close()
