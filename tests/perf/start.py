"""Seconds from `make run` to the first page, on a second start."""

from __future__ import annotations

import os
import signal
import subprocess
import time
import urllib.error
import urllib.request

from portal.embedded.sockets import free_port
from tests.perf.report import ROOT, Report

LIMIT = 10


def measure(report: Report) -> None:
    """Start, stop, start again and wait for the login page; data lie under var/ as for everybody."""
    _seconds_to_first_page()
    report.add(
        "second start to the first page",
        _seconds_to_first_page(),
        "s",
        reference="limit",
        reference_value=LIMIT,
    )


def _seconds_to_first_page() -> float:
    port = free_port("127.0.0.1")
    kept = {
        key: value
        for key, value in os.environ.items()
        if key not in {"DATABASE_URL", "REDIS_URL", "CELERY_BROKER_URL"}
    }
    start = time.perf_counter()
    process = subprocess.Popen(
        ["make", "run", f"PORT={port}"], cwd=ROOT, env=kept, stdout=subprocess.DEVNULL, start_new_session=True
    )
    try:
        while not _answers(f"http://127.0.0.1:{port}/auth/login/"):
            assert process.poll() is None, "make run ended"
            time.sleep(0.05)
        return time.perf_counter() - start
    finally:
        os.killpg(process.pid, signal.SIGINT)
        process.wait(60)


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, ConnectionError, TimeoutError):
        return False
