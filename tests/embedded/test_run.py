"""`make run` as a person meets it: one command up, one Ctrl-C down, and plain words when it cannot."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from portal.embedded.sockets import free_port

ROOT = Path(__file__).resolve().parent.parent.parent


class Run:
    """`python -m portal.embedded.run` on a data folder of its own."""

    def __init__(self, state: Path, port: int) -> None:
        self.port = port
        self.process = subprocess.Popen(
            [sys.executable, "-m", "portal.embedded.run", "--port", str(port), "--state", state],
            cwd=ROOT,
            env={key: value for key, value in os.environ.items() if key not in ("DATABASE_URL", "REDIS_URL")},
            stdout=subprocess.PIPE,
            text=True,
        )

    def read_until(self, text: str) -> str:
        """What it says up to a line with the text, or to its end."""
        said = ""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            said += line
            if text in line:
                break
        return said

    def status_of(self, path: str) -> int:
        """The status of a page, asked for until the web server answers."""
        deadline = time.monotonic() + 30
        while True:
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=20) as answer:
                    return int(answer.status)
            except OSError:
                if time.monotonic() > deadline:
                    raise

    def children(self) -> dict[int, str]:
        """Every process below it, by pid."""
        table = subprocess.run(["ps", "-eo", "pid=,ppid=,args="], capture_output=True, text=True, check=True)
        rows = [line.split(None, 2) for line in table.stdout.splitlines()]
        found: dict[int, str] = {}
        parents = {self.process.pid}
        while new := {
            int(pid): args for pid, parent, args in rows if int(parent) in parents and int(pid) not in found
        }:
            found |= new
            parents = set(new)
        return found


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[[int], Run]]:
    started: list[Run] = []

    def begin(port: int) -> Run:
        started.append(Run(tmp_path / "var", port))
        return started[-1]

    yield begin
    for one in started:
        if one.process.poll() is None:
            one.process.terminate()
            one.process.wait(60)


@pytest.mark.slow
def test_comes_up_heals_goes_down_without_a_trace_and_comes_up_again(start: Callable[[int], Run]) -> None:
    first = start(free_port())
    said = first.read_until("Ctrl-C")
    assert "The portal is up" in said
    assert re.search(
        r"Tables \.\.\.\n.*people \.\.\.\n(.*\n)+.*audit reports \.\.\.\n", said
    )  # long enough to be told
    assert first.status_of("/_mail/") == 200

    web = next(pid for pid, args in first.children().items() if "gunicorn" in args)
    os.kill(web, signal.SIGKILL)
    assert "starting it again" in first.read_until("starting it again")
    assert first.status_of("/_mail/") == 200

    children = first.children()
    first.process.send_signal(signal.SIGINT)
    assert first.process.wait(60) == 0
    assert len(children) >= 8
    assert [pid for pid in children if Path(f"/proc/{pid}").exists()] == []

    second = start(first.port)
    assert "Preparing" not in second.read_until("Ctrl-C")
    assert second.status_of("/_mail/") == 200


def test_a_port_in_use_is_named_together_with_the_way_out(start: Callable[[int], Run]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]

        refused = start(port)
        said = refused.read_until("make run PORT=")

    assert f"Port {port} is in use" in said
    assert refused.process.wait(30) == 1
