"""A worker killed with SIGKILL anywhere: one account, a complete history, and the last password mailed is the one that works.

The worker is a process of its own; directory, mail server and PostgreSQL are real ones.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.db import connection
from django.utils import timezone

from accounts import asking
from accounts.kinds import TARGET
from accounts.models import DirectoryAccount
from portal.embedded.directory.faults import Fault
from portal.embedded.directory.server import DemoDirectory
from portal.embedded.mailcatcher import MailCatcher
from portal.fulfilment import services
from portal.fulfilment.models import Operation, OperationEvent, OperationStatus, TargetState
from portal.gateways import directory_factory
from portal.gateways.directory import BindResult, Directory
from tests.accounts.test_whole_way import passwords_mailed_to
from tests.accounts.world import LINE, registration
from tests.factories import recipient

pytestmark = pytest.mark.django_db(transaction=True)

ROOT = Path(__file__).resolve().parents[2]
PLACES = (
    "before the request",
    "after the reply",
    "before the mail",
    "after the mail",
    "after the mail was recorded",
    "before the register",
    "before the outcome",
    "after the outcome",
)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DemoDirectory]:
    with DemoDirectory(tmp_path_factory.mktemp("directory")) as running:
        yield running


@pytest.fixture
def domain(server: DemoDirectory, settings: Any) -> Iterator[Directory]:
    env = server.env
    settings.DIRECTORY = {
        **settings.DIRECTORY,
        "urls": [env["AD_LDAP_URLS"]],
        "tls_server_name": env["AD_TLS_SERVER_NAME"],
        "ca_file": env["AD_CA_FILE"],
        "bind_dn": env["AD_BIND_DN"],
        "bind_password": env["AD_BIND_PASSWORD"],
    }
    directory_factory.reset_directory()
    asking.forget()
    yield directory_factory.get_directory()
    server.faults.clear()
    for entry in list(directory_factory.get_directory().search_accounts(env["AD_ROOT_OU"])):
        directory_factory.get_directory().delete(entry.guid)
    directory_factory.reset_directory()


def worker(place: str, server: DemoDirectory, mail: MailCatcher) -> subprocess.Popen[bytes]:
    """A worker on the test's database, directory and mail server."""
    address = urlsplit(os.environ["DATABASE_URL"])
    database = address._replace(path=f"/{connection.settings_dict['NAME']}").geturl()
    env = {**os.environ, **server.env, **mail.env, "DATABASE_URL": database}
    env["DJANGO_SETTINGS_MODULE"] = "portal.settings.test"
    return subprocess.Popen([sys.executable, "-m", "tests.faults.dying_worker", place], cwd=ROOT, env=env)


def recover() -> Operation:
    """The sweeper finds the dead worker's lease, the next worker goes on."""
    late = timezone.now() + timedelta(hours=1)
    services.sweep(late)
    TargetState.objects.all().delete()
    services.drain(TARGET, limit=5, now_fn=lambda: late)
    return Operation.system.get()


def require_one_account_with_a_working_password(
    domain: Directory, server: DemoDirectory, mail: MailCatcher, address: str
) -> None:
    (entry,) = domain.search_accounts(server.env["AD_ROOT_OU"])
    newest, *_ = passwords_mailed_to(mail, address)
    assert domain.authenticate(entry.login_name, newest) == BindResult.MUST_CHANGE
    assert DirectoryAccount.system.get().object_guid == entry.guid


@pytest.mark.parametrize("place", PLACES)
def test_a_worker_killed_anywhere_leaves_nothing_half_done(
    domain: Directory, server: DemoDirectory, mail_catcher: MailCatcher, place: str
) -> None:
    receiver = recipient()
    registration(receiver)

    assert worker(place, server, mail_catcher).wait(timeout=60) == -signal.SIGKILL
    operation = recover()

    assert operation.status == OperationStatus.DONE
    require_one_account_with_a_working_password(domain, server, mail_catcher, receiver.email)
    verbs = list(OperationEvent.system.filter(operation=operation).values_list("verb", flat=True))
    assert verbs.count("done") == 1
    if place != "after the outcome":
        assert verbs == ["started", "lease_expired", "started", "done"]


def test_a_worker_killed_between_request_and_reply_leaves_nothing_half_done(
    domain: Directory, server: DemoDirectory, mail_catcher: MailCatcher
) -> None:
    receiver = recipient()
    registration(receiver)
    server.faults.add(Fault("add", "hang"))

    running = worker("nowhere", server, mail_catcher)
    deadline = time.monotonic() + 60
    while domain.find_by_login_name(LINE["login_name"]) is None:
        assert running.poll() is None
        assert time.monotonic() < deadline
    running.kill()
    running.wait(timeout=60)
    server.faults.clear()
    operation = recover()

    assert operation.status == OperationStatus.DONE
    require_one_account_with_a_working_password(domain, server, mail_catcher, receiver.email)
    assert len(passwords_mailed_to(mail_catcher, receiver.email)) == 1
