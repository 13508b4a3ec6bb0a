"""A worker process that kills itself with SIGKILL at one place: `python -m tests.faults.dying_worker PLACE`.

It carries out one operation. Nothing of Python runs after the signal: no `finally`, no rollback, no goodbye.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from typing import Any

import django


def die(*args: Any, **kwargs: Any) -> Any:
    """The end."""
    os.kill(os.getpid(), signal.SIGKILL)


def then_die(work: Callable[..., Any]) -> Callable[..., Any]:
    """Do it, then the end."""

    def wrapped(*args: Any, **kwargs: Any) -> Any:
        work(*args, **kwargs)
        die()

    return wrapped


def prepare(place: str) -> None:
    """Put the end where `place` says."""
    from accounts import provisioning, registering
    from portal.fulfilment import running
    from portal.gateways.directory_ldap3 import Ldap3Directory
    from portal.notices import secrets
    from portal.notices.relay import Relay

    ends: dict[str, tuple[Any, str, Callable[..., Any]]] = {
        "before the request": (Ldap3Directory, "create_account", die),
        "after the reply": (Ldap3Directory, "create_account", then_die(Ldap3Directory.create_account)),
        "before the mail": (secrets, "deliver_initial_password", die),
        "after the mail": (Relay, "send", then_die(Relay.send)),
        "after the mail was recorded": (
            provisioning.secrets,
            "deliver_initial_password",
            then_die(secrets.deliver_initial_password),
        ),
        "before the register": (registering, "enter_account", die),
        "before the outcome": (running, "_record", die),
        "after the outcome": (running, "_record", then_die(running._record)),
    }
    if place in ends:
        setattr(*ends[place])


def main() -> None:
    """Carry out one operation, as far as it goes."""
    django.setup()
    from django.utils import timezone

    from accounts.kinds import TARGET
    from portal.fulfilment import services

    prepare(sys.argv[1])
    services.run_next(target=TARGET, now_fn=timezone.now)


if __name__ == "__main__":
    main()
