"""Ringing for a worker after a commit. PostgreSQL holds the work (docs/adr/0006): a lost ring costs a minute, nothing else.

The ring has a connection of its own with short timeouts, so that a dead or hanging broker neither breaks nor slows the
request that rings. After a failure the bell is left alone for a while; the sweeper finds the work.
"""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from typing import Any

from celery import current_app
from django.db import transaction
from kombu.connection import Connection
from kombu.exceptions import KombuError
from kombu.pools import producers
from redis.exceptions import RedisError

log = logging.getLogger(__name__)

_TIMEOUT_SECONDS = 0.5
_SILENT_SECONDS = 10.0
_silent_until = 0.0


@dataclass(frozen=True)
class _Ring:
    """One ring to come; equal rings of one transaction are rung once."""

    task: str
    args: tuple[str, ...]

    def __call__(self) -> None:
        ring_now(self.task, *self.args)


def ring_on_commit(task: str, *args: str) -> None:
    """Send `task` (its full name) with `args` after the commit of the running transaction, at most once per transaction."""
    ring = _Ring(task, args)
    connection = transaction.get_connection()
    # A ring that was registered inside a savepoint leaves this list together with the savepoint.
    if connection.in_atomic_block and any(entry[1] == ring for entry in connection.run_on_commit):
        return
    transaction.on_commit(ring)


def ring_now(task: str, *args: str) -> bool:
    """Send `task` at once. False when the broker did not take it, which is no error."""
    global _silent_until
    # Read straight from the process clock: how long to wait, not what time it is.
    if time.monotonic() < _silent_until:
        return False
    try:
        _send(task, args)
    except (KombuError, RedisError, OSError) as error:
        _silent_until = time.monotonic() + _SILENT_SECONDS
        log.warning("no worker was called for %s (%s); the sweeper will", task, type(error).__name__)
        return False
    return True


def forget_failures() -> None:
    """Try the broker again at the next ring, however short ago it failed."""
    global _silent_until
    _silent_until = 0.0


def _send(task: str, args: tuple[str, ...]) -> None:
    with producers[_connection()].acquire(block=True, timeout=_TIMEOUT_SECONDS) as producer:
        current_app.send_task(task, args=args, producer=producer, retry=False, ignore_result=True)


def _connection() -> Connection:
    options: dict[str, Any] = {
        **(current_app.conf.broker_transport_options or {}),
        "socket_connect_timeout": _TIMEOUT_SECONDS,
        "socket_timeout": _TIMEOUT_SECONDS,
        "max_retries": 1,
        "interval_start": 0,
        "interval_step": 0,
        "interval_max": 0,
    }
    return current_app.connection_for_write(transport_options=options, connect_timeout=_TIMEOUT_SECONDS)
