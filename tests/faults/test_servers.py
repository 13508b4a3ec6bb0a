"""Servers that stop, freeze and forget, with a real Celery worker between them: the work is done once, by itself."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
from django.db import connection
from django.utils import timezone

from portal.embedded.mailcatcher import MailCatcher
from portal.embedded.sockets import free_port
from portal.embedded.valkey import EmbeddedValkey
from portal.fulfilment import services
from portal.fulfilment.models import OperationStatus
from portal.gateways.directory_factory import reset_directory
from portal.workflow.models import Application, Status
from tests import journeys
from tests.faults.test_provisioning_faults import expect_one_account
from tests.lab import ROOT, Lab, use_directory

pytestmark = pytest.mark.slow


class DirectoryProcess:
    """The demo directory in a process of its own, which can be frozen and killed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port("127.0.0.1")
        self.process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        """Serve on the same port as before."""
        command = [sys.executable, "-m", "portal.embedded.directory", "--dir", str(self.folder), "--seed"]
        self.process = subprocess.Popen(
            [*command, "--port", str(self.port)], cwd=ROOT, stdout=subprocess.PIPE, text=True
        )
        assert self.process.stdout is not None
        assert self.process.stdout.readline().startswith("READY")

    def signal(self, number: int) -> None:
        """Send a signal to it."""
        assert self.process is not None
        self.process.send_signal(number)

    def kill(self) -> None:
        """End it without a word."""
        assert self.process is not None
        self.process.kill()
        self.process.communicate()

    @property
    def env(self) -> dict[str, str]:
        """The AD_* settings that it wrote."""
        return dict(line.split("=", 1) for line in (self.folder / "env").read_text().splitlines())


@pytest.fixture
def process(tmp_path: Path) -> Iterator[DirectoryProcess]:
    directory = DirectoryProcess(tmp_path / "directory")
    directory.start()
    yield directory
    with contextlib.suppress(ProcessLookupError):
        directory.signal(signal.SIGCONT)
    directory.kill()


@pytest.fixture
def process_lab(
    transactional_db: None, process: DirectoryProcess, mail_catcher: MailCatcher, settings: Any
) -> Iterator[Lab]:
    use_directory(settings, process.env)
    yield Lab(process, mail_catcher, journeys.Cast())  # type: ignore[arg-type]
    reset_directory()


# fault case 2
def test_a_frozen_directory_is_outwaited(process_lab: Lab, process: DirectoryProcess) -> None:
    application = journeys.approved(process_lab.cast)
    process.signal(signal.SIGSTOP)

    services.drain("directory", now_fn=timezone.now)
    frozen = journeys.operations(application)[0].status
    process.signal(signal.SIGCONT)
    process_lab.go_on()

    assert frozen in {OperationStatus.WAITING, OperationStatus.OUTCOME_UNKNOWN}
    expect_one_account(process_lab, application)


# fault case 2
def test_a_killed_directory_comes_back_and_the_work_goes_on(
    process_lab: Lab, process: DirectoryProcess
) -> None:
    application = journeys.approved(process_lab.cast)
    services.drain("directory", now_fn=timezone.now)
    second = journeys.approved(process_lab.cast)
    process.kill()

    services.drain("directory", now_fn=timezone.now)
    process.start()
    process_lab.go_on()

    for made in (application, second):
        made.refresh_from_db()
        assert made.status == Status.COMPLETED
        name = made.lines.get().payload["login_name"]
        assert process_lab.entry(name) is not None


@contextlib.contextmanager
def celery_worker(lab: Lab) -> Iterator[subprocess.Popen[bytes]]:
    """A real worker that is ready for tasks."""
    process = subprocess.Popen(
        [sys.executable, "-m", "celery", "-A", "portal", "worker", "-c", "1", "--loglevel", "INFO"],
        cwd=ROOT,
        env=lab.environment(),
        stderr=subprocess.STDOUT,
        stdout=subprocess.PIPE,
        start_new_session=True,
    )
    assert process.stdout is not None
    for line in process.stdout:
        if b" ready." in line:
            break
    reader = threading.Thread(target=process.stdout.read, daemon=True)
    reader.start()
    try:
        yield process
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def wait_for(application: Application, status: str, seconds: int = 30) -> None:
    """Wait until the application has the status; the database tells, nobody sleeps blindly."""
    tick = threading.Event()
    for _ in range(seconds * 10):
        application.refresh_from_db()
        if application.status == status:
            return
        tick.wait(0.1)
    pytest.fail(f"{application.number} is {application.status}, not {status}")


# fault case 4
def test_a_real_worker_hears_the_bell_and_does_the_work(lab: Lab, valkey: EmbeddedValkey) -> None:
    with celery_worker(lab):
        application = journeys.approved(lab.cast)

        wait_for(application, Status.COMPLETED)

    expect_one_account(lab, application)


# fault case 4
def test_a_flushed_broker_loses_nothing(lab: Lab, valkey: EmbeddedValkey) -> None:
    application = journeys.approved(lab.cast)
    redis.Redis.from_url(os.environ["REDIS_URL"]).flushall()

    with celery_worker(lab):
        services.sweep(timezone.now())
        wait_for(application, Status.COMPLETED)

    expect_one_account(lab, application)


# fault case 1
def test_a_killed_real_worker_is_followed_by_another(lab: Lab, valkey: EmbeddedValkey) -> None:
    from portal.embedded.directory.faults import Fault

    lab.directory_server.faults.add(Fault(operation="add", action="hang"))
    with celery_worker(lab) as worker:
        application = journeys.approved(lab.cast)
        tick = threading.Event()
        while lab.directory_server.faults.counts["add"] == 0:
            assert worker.poll() is None
            tick.wait(0.05)
        os.killpg(worker.pid, signal.SIGKILL)

    lab.go_on()

    expect_one_account(lab, application)


# fault case 4
def test_a_dead_broker_at_approval_keeps_the_work(lab: Lab, valkey: EmbeddedValkey) -> None:
    valkey.stop()
    try:
        application = journeys.approved(lab.cast)
    finally:
        valkey.start()

    lab.go_on()

    expect_one_account(lab, application)
    assert connection.is_usable()
