"""A whole portal around real servers: PostgreSQL, the demo directory over TLS and a mail server, and workers that die."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from django.db import connection
from django.utils import timezone

from portal.embedded.directory import DemoDirectory
from portal.embedded.mailcatcher import MailCatcher
from portal.fulfilment import services
from portal.gateways.directory import BindResult, Directory, DirectoryEntry
from portal.gateways.directory_factory import get_directory, reset_directory
from tests.journeys import Cast

ROOT = Path(__file__).resolve().parent.parent
PASSWORD = re.compile(r"\b[A-Za-z0-9]{4}-[A-Za-z0-9]{4}-[A-Za-z0-9]{4}\b")


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

    def worker(self, point: str = "") -> subprocess.Popen[bytes]:
        """Start a worker; with a point it kills itself there."""
        command = [sys.executable, "-m", "tests.faults.worker", *([point] if point else [])]
        return subprocess.Popen(command, cwd=ROOT, env=self.environment(), stderr=subprocess.PIPE)

    def worker_dies_at(self, point: str, timeout: float = 60) -> None:
        """Run a worker into its death."""
        process = self.worker(point)
        _, errors = process.communicate(timeout=timeout)
        assert process.returncode == -signal.SIGKILL, errors.decode()[-2000:]

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


def use_directory(settings: Any, env: dict[str, str]) -> None:
    """Point the portal's settings of this process to a directory, with short timeouts."""
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
    reset_directory()


@dataclass
class RealDirectory:
    """The Samba AD of the real services, as far as a test of drift needs it: it cannot be told to break."""

    env: dict[str, str]


@pytest.fixture(params=["demo", pytest.param("samba", marks=pytest.mark.real)])
def either_lab(
    request: pytest.FixtureRequest, transactional_db: None, mail_catcher: MailCatcher, settings: Any
) -> Iterator[Lab]:
    """The lab, once around the demo directory and once around Samba AD (tier `real`)."""
    if request.param == "demo":
        yield request.getfixturevalue("lab")
        return
    from portal.embedded import samba, services

    server: Any = RealDirectory(dict(samba.env(services.DIRECTORY / "samba")))
    use_directory(settings, server.env)
    settings.DIRECTORY = settings.DIRECTORY | {"connect_timeout": 10, "receive_timeout": 30}
    reset_directory()
    yield Lab(server, mail_catcher, Cast())
    reset_directory()


@pytest.fixture
def lab(transactional_db: None, tmp_path: Path, mail_catcher: MailCatcher, settings: Any) -> Iterator[Lab]:
    """Servers of its own for one test; the portal's settings point to them."""
    with DemoDirectory(tmp_path / "directory") as server:
        use_directory(settings, server.env)
        yield Lab(server, mail_catcher, Cast())
        reset_directory()
