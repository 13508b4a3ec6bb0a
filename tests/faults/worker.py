"""A worker in a process of its own that kills itself at a named point: SIGKILL, so nothing is cleaned up.

    python -m tests.faults.worker [point]

The points are wrapped around the real code from outside; the portal knows nothing of them.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings.test")


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


def arm(point: str) -> None:
    """Make this process die at `point`. Raises KeyError for an unknown one."""
    import smtplib

    from portal.fulfilment.claiming import HeldRun
    from portal.gateways.directory_ldap3 import Ldap3Directory
    from portal.notices import secrets

    points: dict[str, Callable[[], None]] = {
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


def main() -> None:
    """Drain the directory's queue once."""
    import django

    django.setup()
    from portal.fulfilment import services
    from portal.fulfilment.running import DRAIN_LIMIT
    from portal.gateways import clock

    if len(sys.argv) > 1:
        arm(sys.argv[1])
    while services.drain("directory", now_fn=clock.now) >= DRAIN_LIMIT:
        pass  # a further ring of the bell


if __name__ == "__main__":
    main()
