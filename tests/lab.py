"""A whole portal around real servers: PostgreSQL, the demo directory over TLS and a mail server, and workers that die."""

from __future__ import annotations

import itertools
import os
import re
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from secrets import randbelow
from typing import Any
from urllib.parse import quote

import ldap3
import pytest
from django.db import connection
from django.utils import timezone

from portal.embedded.directory import DemoDirectory
from portal.embedded.directory.faults import Fault
from portal.embedded.mailcatcher import MailCatcher
from portal.fulfilment import services
from portal.gateways.directory import BindResult, Directory, DirectoryEntry
from portal.gateways.directory_factory import get_directory, reset_directory
from portal.gateways.dns_factory import reset_dns
from tests import journeys
from tests.contract.proxy import CuttingProxy, Mode
from tests.faults import worker
from tests.journeys import Cast

ROOT = Path(__file__).resolve().parent.parent
PASSWORD = re.compile(r"\b[A-Za-z0-9]{4}(?:-[A-Za-z0-9]{4}){2,4}\b")


@dataclass
class Lab:
    """The servers of one test, and what a tester does with them."""

    directory_server: DemoDirectory
    mail: MailCatcher
    cast: Cast

    @property
    def directory(self) -> Directory:
        """The portal's own adapter on the demo directory."""
        return get_directory()

    def environment(self) -> dict[str, str]:
        """What a process of its own needs to work on the same database and servers."""
        database = connection.settings_dict
        url = (
            f"postgres://{database['USER']}:{quote(database['PASSWORD'])}@/{database['NAME']}"
            f"?host={quote(str(database['HOST']), safe='/')}&port={database['PORT'] or 5432}"
        )
        return {
            **os.environ,
            **self.directory_server.env,
            "DJANGO_SETTINGS_MODULE": "portal.settings.test",
            "DATABASE_URL": url,
            "SMTP_HOST": self.mail.host,
            "SMTP_PORT": str(self.mail.port),
            "AD_CONNECT_TIMEOUT": "2",
            "AD_RECEIVE_TIMEOUT": "2",
        }

    def worker(self, point: str = "") -> worker.Forked:
        """Start a worker that works until nothing is due, or to a point of `tests.faults.worker`."""
        return worker.fork(lambda: worker.drain(point))

    def worker_dies_at(self, point: str, timeout: float = 60) -> None:
        """Run a worker into its death."""
        assert self.worker(point).wait(timeout) == -signal.SIGKILL

    def go_on(self, after: timedelta = timedelta(minutes=10), rounds: int = 6) -> None:
        """What beat and a new worker do while time goes by: sweep, drain, again."""
        for number in range(rounds):
            moment = timezone.now() + after * (number + 1)
            services.sweep(moment)
            services.drain("directory", now_fn=lambda moment=moment: moment)  # type: ignore[misc]

    def entry(self, login_name: str) -> DirectoryEntry | None:
        """The account as it stands in the directory."""
        return self.directory.find_by_login_name(login_name)

    def passwords(self) -> list[str]:
        """Every initial password that was mailed, oldest first."""
        mails = reversed(self.mail.messages())
        return [password for mail in mails for password in PASSWORD.findall(mail.text)]

    def last_password_works(self, login_name: str) -> bool:
        """Whether the newest mailed password lets the person in, to change it at once."""
        return self.directory.authenticate(login_name, self.passwords()[-1]) == BindResult.MUST_CHANGE


def admin(lab: Lab) -> ldap3.Connection:
    """The administrator of the domain, who makes units and does by hand what the portal must notice."""
    env = lab.directory_server.env
    server = ldap3.Server(env["AD_LDAP_URLS"], get_info=ldap3.NONE)
    return ldap3.Connection(
        server, env["AD_ADMIN_DN"], env["AD_ADMIN_PASSWORD"], auto_bind=True, check_names=False
    )


def use_directory(settings: Any, env: dict[str, str]) -> None:
    """Point the portal's settings of this process to a directory and its DNS, with short timeouts."""
    settings.DIRECTORY = settings.DIRECTORY | {
        "urls": [env["AD_LDAP_URLS"]],
        "tls_server_name": env["AD_TLS_SERVER_NAME"],
        "ca_file": env["AD_CA_FILE"],
        "base_dn": env["AD_BASE_DN"],
        "domain": env["AD_DOMAIN"],
        "bind_dn": env["AD_BIND_DN"],
        "bind_password": env["AD_BIND_PASSWORD"],
        "root_ou": env["AD_ROOT_OU"],
        "connect_timeout": 2,
        "receive_timeout": 2,
    }
    settings.DNS = settings.DNS | {"backend": "ad", "servers": env["DNS_SERVERS"].split(","), "timeout": 2}
    reset_directory()
    reset_dns()


_HANGS_FOR = 3
"""Seconds until the portal gives up waiting for an answer that a fault keeps back."""


class RealFaults:
    """The faults of `portal.embedded.directory.faults` for a server that cannot be told to break: a proxy before it does.

    Known are writes of the process that tests, one request each.
    """

    def __init__(self, proxy: CuttingProxy, patch: pytest.MonkeyPatch) -> None:
        self.counts: Counter[str] = Counter()
        self._proxy = proxy
        self._faults: list[Fault] = []
        for name in ("add", "modify", "modify_dn", "delete"):
            patch.setattr(ldap3.Connection, name, self._around(name, getattr(ldap3.Connection, name)))

    def add(self, fault: Fault) -> None:
        self._faults.append(fault)

    def clear(self) -> None:
        self._faults.clear()

    def _around(self, name: str, send: Callable[..., Any]) -> Callable[..., Any]:
        modes = {
            "lose_reply": Mode.CUT_ONCE,
            "lose_request": Mode.CUT_REQUEST_ONCE,
            "hang": Mode.LOSE_REPLIES,
        }

        def run(connection: ldap3.Connection, *args: Any, **kwargs: Any) -> Any:
            self.counts[name] += 1
            fault = next((fault for fault in self._faults if fault.operation == name), None)
            if fault is None:
                return send(connection, *args, **kwargs)
            self._faults.remove(fault)
            if fault.action == "delay":
                time.sleep(fault.seconds)
                return send(connection, *args, **kwargs)
            if fault.action == "refuse":
                return False, {"result": fault.result, "message": f"{fault.win32}: refused"}, [], None
            self._proxy.mode = modes[fault.action]
            if fault.action == "hang":
                connection.socket.settimeout(_HANGS_FOR)
            try:
                return send(connection, *args, **kwargs)
            finally:
                self._proxy.mode = Mode.PASS

        return run


@dataclass
class RealDirectory:
    """The Samba AD of the real services behind a proxy."""

    env: dict[str, str]
    faults: RealFaults
    proxy: CuttingProxy

    def stop(self) -> None:
        """Out of reach."""
        self.proxy.mode = Mode.DOWN
        self.proxy.cut_all()

    def start(self) -> None:
        """Within reach again."""
        self.proxy.mode = Mode.PASS


def samba_lab(mail_catcher: MailCatcher, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Lab]:
    """The lab around the Samba AD of the real services."""
    from portal.embedded import samba, services

    env = dict(samba.env(services.DIRECTORY / "samba"))
    # Samba keeps the names of earlier runs.
    monkeypatch.setattr(journeys, "_people", itertools.count(10**8 + randbelow(8 * 10**8)))
    with CuttingProxy.before(env["AD_LDAP_URLS"]) as proxy:
        env["AD_LDAP_URLS"] = proxy.url
        server: Any = RealDirectory(env, RealFaults(proxy, monkeypatch), proxy)
        use_directory(settings, env)
        # A busy Samba may take seconds for an answer; only what a fault takes away shall be missing.
        settings.DIRECTORY = settings.DIRECTORY | {"connect_timeout": 20, "receive_timeout": 30}
        reset_directory()
        yield Lab(server, mail_catcher, Cast())
        reset_directory()


@pytest.fixture(params=["demo", pytest.param("samba", marks=pytest.mark.real)])
def either_lab(
    request: pytest.FixtureRequest,
    transactional_db: None,
    mail_catcher: MailCatcher,
    settings: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Lab]:
    """The lab, once around the demo directory and once around Samba AD (tier `real`)."""
    if request.param == "demo":
        yield request.getfixturevalue("demo_lab")
        return
    yield from samba_lab(mail_catcher, settings, monkeypatch)


@pytest.fixture
def demo_lab(
    transactional_db: None, tmp_path: Path, mail_catcher: MailCatcher, settings: Any
) -> Iterator[Lab]:
    """Servers of its own for one test; the portal's settings point to them."""
    with DemoDirectory(tmp_path / "directory") as server:
        use_directory(settings, server.env)
        yield Lab(server, mail_catcher, Cast())
        reset_directory()


@pytest.fixture
def lab(demo_lab: Lab) -> Lab:
    """The demo directory; a module whose tests run against Samba as well makes this `either_lab`."""
    return demo_lab
