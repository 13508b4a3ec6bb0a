"""Starting and stopping child processes: own process group, log file, dropped rights, no survivors."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO

from portal.embedded.account import Account

_PR_SET_PDEATHSIG = 1


class ServerError(Exception):
    """A server did not start or did not stop; the text names it, its log and what to do."""


def spawn(
    command: Sequence[str | Path],
    *,
    account: Account,
    log: Path,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    end_signal: signal.Signals = signal.SIGTERM,
    follow_parent: bool = True,
) -> subprocess.Popen[bytes]:
    """Start a server in its own process group with its output appended to `log`.

    With `follow_parent` the kernel sends `end_signal` to the child when this process dies, whatever kills it;
    without, the child is a daemon that outlives us.
    """
    argv = [str(part) for part in command]
    plain = account.uid is not None and not account.wrapper
    if account.wrapper:
        # The wrapper changes the uid itself, which clears a wish made before: it has an option of its own for it.
        tie = [f"--pdeathsig={end_signal.name.removeprefix('SIG')}"] if follow_parent else []
        argv = [*account.wrapper, *tie, *argv]
    with _open_log(log, account) as output:
        return subprocess.Popen(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=env,
            cwd=cwd,
            start_new_session=True,
            user=account.uid if plain else None,
            group=account.gid if plain else None,
            extra_groups=[] if plain else None,
            preexec_fn=_tie_to_parent(end_signal) if follow_parent and not account.wrapper else None,
        )


def stop(process: subprocess.Popen[bytes], *, with_signal: signal.Signals, patience: float = 15.0) -> None:
    """Ask the child to end, then make it: afterwards nothing of its process group is left."""
    if process.poll() is None:
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(with_signal)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(patience)
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def wait_until(
    ready: Callable[[], bool],
    *,
    process: subprocess.Popen[bytes] | None,
    name: str,
    log: Path,
    patience: float,
) -> None:
    """Poll until the server answers.

    Raises ServerError with the end of its log when it ends instead, or stays silent.
    """
    deadline = time.monotonic() + patience
    while not ready():
        if process is not None and process.poll() is not None:
            raise ServerError(f"{name} ended at start (exit {process.returncode}).\n{last_lines(log)}")
        if time.monotonic() > deadline:
            raise ServerError(f"{name} does not answer after {patience:.0f} s.\n{last_lines(log)}")
        time.sleep(0.02)


def is_running(pid: int) -> bool:
    """Whether the process still runs; one that ended and was not collected by its parent yet does not."""
    return _start_time(pid) != ""


def last_lines(log: Path, count: int = 8) -> str:
    """The end of a log for an error message, with its place."""
    try:
        lines = log.read_text(errors="replace").splitlines()[-count:]
    except OSError:
        lines = []
    return "\n".join([f"Its log is {log}:", *(f"  {line}" for line in lines)])


class PidFile:
    """Finds a daemon again: its pid together with its start time, since a pid alone may be somebody else's by now."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def write(self, pid: int) -> None:
        """Remember the process."""
        self.path.write_text(f"{pid} {_start_time(pid)}")

    def pid(self) -> int | None:
        """The pid while it is still the process that was remembered."""
        try:
            pid, started = self.path.read_text().split()
            return int(pid) if _start_time(int(pid)) == started else None
        except (OSError, ValueError):
            return None

    def stop(self, with_signal: signal.Signals = signal.SIGTERM, patience: float = 15.0) -> None:
        """End the remembered process and everything in its group; no error when it is gone already."""
        pid = self.pid()
        if pid is not None:
            os.kill(pid, with_signal)
            deadline = time.monotonic() + patience
            while self.pid() is not None and time.monotonic() < deadline:
                time.sleep(0.05)
            if self.pid() is not None:
                os.killpg(pid, signal.SIGKILL)
        self.path.unlink(missing_ok=True)


def _open_log(log: Path, account: Account) -> IO[bytes]:
    log.parent.mkdir(parents=True, exist_ok=True)
    output = log.open("ab")
    log.chmod(0o600)
    account.own(log)
    return output


def _tie_to_parent(end_signal: signal.Signals) -> Callable[[], None] | None:
    """For use between fork and exec, after the change of uid (which would clear it)."""
    if not sys.platform.startswith("linux"):
        return None
    libc = ctypes.CDLL(None, use_errno=True)
    parent = os.getpid()

    def tie() -> None:
        libc.prctl(_PR_SET_PDEATHSIG, int(end_signal))
        if os.getppid() != parent:
            os._exit(1)

    return tie


def _start_time(pid: int) -> str:
    """Clock ticks since boot at which the process began (Linux), or what `ps` says elsewhere; "" when it is gone."""
    try:
        # The name in the second field may hold spaces and brackets: count from the last bracket.
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return "" if fields[0] == "Z" else fields[19]
    except OSError:
        if sys.platform.startswith("linux"):
            return ""
    told = subprocess.run(
        ["ps", "-o", "lstart=", "-p", str(pid)], capture_output=True, text=True, check=False
    )
    return told.stdout.strip().replace(" ", "_")
