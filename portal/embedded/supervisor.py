"""Keeps a set of servers running until told to stop: starts in order, restarts what ends, leaves nothing behind."""

from __future__ import annotations

import signal
import subprocess
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Protocol

from portal.embedded.account import Account
from portal.embedded.process import ServerError, spawn, stop, wait_until

# A server that ends this often within this time will not get well by another start.
_TOO_OFTEN, _WITHIN_SECONDS = 5, 60.0
_LARGEST_LOG = 10 * 1024 * 1024


class Server(Protocol):
    """Something with one child process, such as EmbeddedPostgres or a Command."""

    log: Path

    @property
    def process(self) -> subprocess.Popen[bytes] | None: ...
    def start(self) -> None: ...
    def stop(self) -> None: ...


class Command:
    """A server that is one command of this project; `ready` says when it answers (None: as soon as it runs)."""

    def __init__(
        self,
        name: str,
        command: Sequence[str | Path],
        *,
        account: Account,
        log: Path,
        env: Mapping[str, str],
        cwd: Path,
        ready: Callable[[], bool] | None = None,
        patience: float = 10.0,
    ) -> None:
        self.name = name
        self.command = command
        self.account = account
        self.log = log
        self.env = env
        self.cwd = cwd
        self.ready = ready
        self.patience = patience
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def process(self) -> subprocess.Popen[bytes] | None:
        """The child while this object has started one."""
        return self._process

    def launch(self) -> None:
        """Start the child without waiting for it, so that several can come up side by side."""
        self.stop()
        if self.log.exists() and self.log.stat().st_size > _LARGEST_LOG:
            self.log.replace(self.log.with_suffix(".log.1"))
        self._process = spawn(self.command, account=self.account, log=self.log, env=self.env, cwd=self.cwd)

    def wait(self) -> None:
        """Wait until it answers. Raises ServerError with the end of its log when it does not."""
        if self.ready is not None:
            wait_until(self.ready, process=self._process, name=self.name, log=self.log, patience=60)

    def start(self) -> None:
        """Start the child and wait until it answers."""
        self.launch()
        self.wait()

    def stop(self) -> None:
        """End the child and its process group; no error when it does not run."""
        if self._process is not None:
            stop(self._process, with_signal=signal.SIGTERM, patience=self.patience)
            self._process = None


class Stopped(BaseException):
    """Ctrl-C, SIGTERM or SIGHUP arrived. No Exception, so that no handler on the way swallows it."""


class Supervisor:
    """Context manager around the servers: whatever ends the block, all of them are stopped in reverse order."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self.say = say
        self.servers: dict[str, Server] = {}
        self._ended: dict[str, deque[float]] = {}

    def __enter__(self) -> Supervisor:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._interrupt)
        return self

    def __exit__(self, *_: object) -> None:
        # A second Ctrl-C must not leave half of the servers behind.
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        for server in reversed(self.servers.values()):
            server.stop()

    def add(self, name: str, server: Server) -> None:
        """Take responsibility for a server, before it is started."""
        self.servers[name] = server
        self._ended[name] = deque(maxlen=_TOO_OFTEN)

    def watch(self) -> None:
        """Restart whatever ends, for ever.

        Raises Stopped when told to stop, ServerError when one server ends again and again.
        """
        while True:
            for name, server in self.servers.items():
                if server.process is not None and server.process.poll() is not None:
                    self._restart(name, server, server.process.returncode)
            time.sleep(0.5)

    def _restart(self, name: str, server: Server, code: int) -> None:
        ended = self._ended[name]
        ended.append(time.monotonic())
        if len(ended) == _TOO_OFTEN and ended[-1] - ended[0] < _WITHIN_SECONDS:
            raise ServerError(
                f"{name} ended {_TOO_OFTEN} times within a minute; stopping. Its log is {server.log}"
            )
        self.say(f"{name} ended ({_reason(code)}); starting it again. Its log is {server.log}")
        server.start()

    def _interrupt(self, number: int, frame: object) -> None:
        raise Stopped(signal.Signals(number).name)


def _reason(code: int) -> str:
    return f"signal {signal.Signals(-code).name}" if code < 0 else f"exit {code}"
