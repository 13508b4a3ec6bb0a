"""A worker in a process of its own that kills itself at a named point: SIGKILL, so nothing is cleaned up.

The points are wrapped around the real code from outside; the portal knows nothing of them. The process is a fork of the
one that tests, as Celery's are, so that nothing has to start anew.
"""

from __future__ import annotations

import os
import signal
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

# Every way to write a password.
_WRITES = ("create_account", "reset_password", "replace_initial_password")

# Every other write.
_STEPS = (
    "rename",
    "update_account",
    "move",
    "add_to_group",
    "remove_from_group",
    "disable",
    "enable",
    "delete",
)


def _die(*args: Any, **kwargs: Any) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _before(function: Callable[..., Any]) -> Callable[..., Any]:
    return _die


def _after(function: Callable[..., Any]) -> Callable[..., Any]:
    def run(*args: Any, **kwargs: Any) -> None:
        function(*args, **kwargs)
        _die()

    return run


def _asleep(function: Callable[..., Any]) -> Callable[..., Any]:
    """Stand still until somebody wakes this process (SIGCONT), then go on as if nothing had been."""

    def run(*args: Any, **kwargs: Any) -> Any:
        os.kill(os.getpid(), signal.SIGSTOP)
        return function(*args, **kwargs)

    return run


def _wrap(owner: Any, name: str, around: Callable[[Callable[..., Any]], Callable[..., Any]]) -> None:
    setattr(owner, name, around(getattr(owner, name)))


def _at(count: int) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Die after the reply of the call with this number."""
    calls = iter(range(1, count + 1))

    def around(function: Callable[..., Any]) -> Callable[..., Any]:
        def run(*args: Any, **kwargs: Any) -> Any:
            answer = function(*args, **kwargs)
            if next(calls) == count:
                _die()
            return answer

        return run

    return around


def _die_before_the_reply(name: str) -> None:
    """Die when a request of this kind has left and its reply is waited for."""
    import ldap3

    send = getattr(ldap3.Connection, name)

    def run(self: Any, *args: Any, **kwargs: Any) -> Any:
        self.strategy.get_response = _die
        return send(self, *args, **kwargs)

    setattr(ldap3.Connection, name, run)


def arm(point: str) -> None:
    """Make this process die at `point`. Raises KeyError for an unknown one."""
    import smtplib

    import ldap3

    from accounts import provisioning
    from portal.fulfilment.claiming import HeldRun
    from portal.gateways import _ldap3_connection
    from portal.gateways.directory_ldap3 import Ldap3Directory
    from portal.notices import secrets

    points: dict[str, Callable[[], None]] = {
        "before_bind": lambda: _wrap(_ldap3_connection, "open_connection", _before),
        "after_send": lambda: [_die_before_the_reply(n) for n in ("add", "modify")] and None,
        "asleep_before_check": lambda: _wrap(provisioning, "generate_initial_password", _asleep),
        "asleep_before_write": lambda: (
            [_wrap(ldap3.Connection, n, _asleep) for n in ("add", "modify")] and None
        ),
        "before_send": lambda: [_wrap(Ldap3Directory, n, _before) for n in _WRITES] and None,
        "after_reply": lambda: [_wrap(Ldap3Directory, n, _after) for n in _WRITES] and None,
        "after_commit": lambda: _wrap(HeldRun, "checkpoint", _after),
        "before_mail": lambda: _wrap(secrets, "deliver_initial_password", _before),
        "after_mail": lambda: _wrap(smtplib.SMTP, "data", _after),
        "before_record": lambda: _wrap(secrets, "deliver_initial_password", _after),
    }
    for name in _STEPS:
        points[f"before_{name}"] = lambda name=name: _wrap(Ldap3Directory, name, _before)  # type: ignore[misc]
        points[f"after_{name}"] = lambda name=name: _wrap(Ldap3Directory, name, _after)  # type: ignore[misc]
    if point.startswith("row_"):
        _wrap(Ldap3Directory, "create_account", _at(int(point.removeprefix("row_"))))
        return
    points[point]()


@dataclass
class Forked:
    """A process that works and perhaps dies."""

    pid: int

    def wait(self, timeout: float = 60) -> int:
        """Its exit status, negative for a signal as in subprocess."""
        until = time.monotonic() + timeout
        while time.monotonic() < until:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                return os.waitstatus_to_exitcode(status)
            time.sleep(0.02)
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        raise TimeoutError(f"the worker did not end within {timeout:.0f} seconds")

    def fall_asleep(self) -> None:
        """Wait until it stands still."""
        _pid, status = os.waitpid(self.pid, os.WUNTRACED)
        assert os.WIFSTOPPED(status), "it ended instead"

    def wake(self) -> int:
        """Let it go on, to its end."""
        os.kill(self.pid, signal.SIGCONT)
        return self.wait()


def fork(work: Callable[[], None]) -> Forked:
    """Do the work in a child of this process, on connections of its own."""
    if pid := os.fork():
        return Forked(pid)
    try:
        from django.db import connections

        # The parent's: neither used nor closed here.
        inherited = [(kept, kept.connection) for kept in connections.all(initialized_only=True)]
        for kept, _connection in inherited:
            kept.connection = None
        work()
    except BaseException:
        traceback.print_exc()
        os._exit(1)
    os._exit(0)


def drain(point: str = "") -> None:
    """Drain the directory's queue once."""
    from portal.fulfilment import services
    from portal.fulfilment.running import DRAIN_LIMIT
    from portal.gateways import clock

    if point:
        arm(point)
    while services.drain("directory", now_fn=clock.now) >= DRAIN_LIMIT:
        pass  # a further ring of the bell
