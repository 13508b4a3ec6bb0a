"""Submitting and approving over HTTP with two gunicorn workers, beside an empty view with one insert; and the memory it takes."""

from __future__ import annotations

import http.client
import json
import os
import re
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from django.db import connection
from django.utils import timezone

from portal.embedded.sockets import answers, free_port
from portal.orgs import tokens
from portal.workflow.models import Application
from tests import journeys
from tests.perf.report import Report

ROOT = Path(__file__).resolve().parent.parent.parent
APPLICATIONS, CLIENTS = 120, 2


def measure(report: Report) -> None:
    """Reference, submit, approve; then a Celery worker carries it all out while its memory is watched."""
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE TABLE IF NOT EXISTS bench_reference (id bigserial PRIMARY KEY, at timestamptz DEFAULT now())"
        )
    cast = journeys.Cast()
    drafts = [journeys.draft(cast) for _ in range(APPLICATIONS)]
    port = free_port("127.0.0.1")
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "tests.perf.settings"}
    gunicorn = _start(
        "gunicorn", ["portal.wsgi", "--workers", "2", "--bind", f"127.0.0.1:{port}"], environment
    )
    try:
        _wait(lambda: answers("127.0.0.1", port))
        applicant, approver, operator = (
            _token(user) for user in (cast.applicant, cast.approver, cast.operator)
        )
        reference = _rate(port, [("GET", "/bench/insert/", applicant, None, "")] * (APPLICATIONS * 3))
        submitted = _rate(port, _submissions(port, drafts, applicant))
        first = _rate(port, _decisions(port, drafts, approver))
        _rate(port, _decisions(port, drafts, operator))
        memory = max(_peak_megabytes(pid) for pid in _children(gunicorn.pid))
    finally:
        _stop(gunicorn)
    name = "empty view with one insert"
    report.add("submit", submitted, "requests/s", reference=name, reference_value=reference)
    report.add("approve", first, "requests/s", reference=name, reference_value=reference)
    report.add("peak memory of a web worker", memory, "MB", reference="limit", reference_value=200)
    report.add(
        "peak memory of a Celery worker",
        _celery_memory(environment),
        "MB",
        reference="limit",
        reference_value=200,
    )


Request = tuple[str, str, str, dict[str, Any] | None, str]  # method, path, token, body, version


def _submissions(port: int, applications: Sequence[Application], token: str) -> list[Request]:
    """Submissions of drafts; what was shown is fetched before the clock starts."""
    return [
        ("POST", f"{path}submit/", token, {}, version)
        for path, _, version in _shown(port, applications, token)
    ]


def _decisions(port: int, applications: Sequence[Application], token: str) -> list[Request]:
    """Approvals as the API wants them; what was shown is fetched before the clock starts."""
    made: list[Request] = []
    for path, shown, version in _shown(port, applications, token):
        body = {key: shown["decision"][key] for key in ("stage_id", "content_hash", "plan_digest")}
        made.append(("POST", f"{path}approve/", token, body, version))
    return made


def _shown(port: int, applications: Sequence[Application], token: str) -> Iterator[tuple[str, Any, str]]:
    client = http.client.HTTPConnection("127.0.0.1", port)
    for application in applications:
        path = f"/api/v1/applications/{application.number}/"
        status, shown, version = _send(client, ("GET", path, token, None, ""))
        assert status == 200, shown
        yield path, shown, version
    client.close()


def _rate(port: int, requests: Sequence[Request]) -> float:
    """Requests per second with CLIENTS connections at once."""
    parts = [requests[n::CLIENTS] for n in range(CLIENTS)]
    problems: list[str] = []

    def run(part: Sequence[Request]) -> None:
        client = http.client.HTTPConnection("127.0.0.1", port)
        for request in part:
            status, body, _ = _send(client, request)
            if status >= 300:
                problems.append(f"{request[1]}: {status} {body}")
                break

    threads = [threading.Thread(target=run, args=(part,)) for part in parts]
    start = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    seconds = time.perf_counter() - start
    assert not problems, problems
    return len(requests) / seconds


def _send(client: http.client.HTTPConnection, request: Request) -> tuple[int, Any, str]:
    """Status, body and version (ETag) of the answer."""
    method, path, token, body, version = request
    headers = {"Authorization": f"Token {token}", "Accept": "application/json"}
    if body is not None:
        headers |= {"Content-Type": "application/json", "Idempotency-Key": str(uuid.uuid4())}
    if version:
        headers["If-Match"] = version
    client.request(method, path, body=json.dumps(body) if body is not None else None, headers=headers)
    answer = client.getresponse()
    text = answer.read().decode()
    content = json.loads(text) if text.startswith("{") else text
    return answer.status, content, answer.getheader("ETag", "")


def _token(user: Any) -> str:
    _, secret = tokens.create_token(
        actor=user, name="bench", scope="EVERYTHING", days=1, second_factor=True, now=timezone.now()
    )
    return secret


def _celery_memory(environment: dict[str, str]) -> float:
    """Peak of a pool process that carries out what the approvals above left to do."""
    from portal.fulfilment.models import SETTLED, Operation

    worker = _start("celery", ["-A", "portal", "worker", "-c", "1", "--loglevel", "ERROR"], environment)
    try:
        from portal.common import bell
        from portal.fulfilment.by_hand import DRAIN_TASK

        bell.ring_now(DRAIN_TASK, "directory")
        _wait(lambda: not Operation.system.exclude(status__in=SETTLED).exists(), seconds=120)
        return max(_peak_megabytes(pid) for pid in _children(worker.pid))
    finally:
        _stop(worker)


def _start(module: str, arguments: list[str], environment: dict[str, str]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", module, *arguments],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    process.wait(30)


def _wait(condition: Callable[[], bool], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited too long"
        time.sleep(0.1)


def _children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def _peak_megabytes(pid: int) -> float:
    found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    assert found is not None
    return int(found.group(1)) / 1024
