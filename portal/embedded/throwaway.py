"""Throw-away servers for one test process: named in the environment before Django reads it, started at first need."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from functools import cache
from pathlib import Path

from portal.embedded.postgres import EmbeddedPostgres
from portal.embedded.valkey import EmbeddedValkey

# Which test process the addresses in the environment belong to; absent when a person gave them.
_OWNER = "PORTAL_THROWAWAY_OWNER"


def point_environment() -> None:
    """Name throw-away servers in DATABASE_URL, REDIS_URL and CELERY_BROKER_URL, unless the environment names others.

    A parallel test worker gets servers of its own; a child process of a test uses its parent's.
    """
    worker = os.environ.get("PYTEST_XDIST_WORKER", "main")
    inherited = os.environ.get(_OWNER)
    if inherited == worker or (inherited is None and "DATABASE_URL" in os.environ):
        return
    os.environ[_OWNER] = worker
    os.environ["DATABASE_URL"] = postgres().url
    os.environ["REDIS_URL"] = valkey().cache_url
    os.environ["CELERY_BROKER_URL"] = valkey().broker_url
    (folder() / "state" / "static").mkdir(parents=True, exist_ok=True)
    os.environ["PORTAL_STATE_DIR"] = str(folder() / "state")


def are_ours() -> bool:
    """Whether this process uses its own throw-away servers, and not those that somebody named."""
    return os.environ.get("DATABASE_URL") == postgres().url


def start_servers() -> None:
    """Start what `point_environment` named; nothing to do when a person or a parent process named the servers."""
    if not are_ours():
        return
    for server in (postgres(), valkey()):
        if server.process is None:
            server.start()


@cache
def folder() -> Path:
    """A folder for this process only, removed at its end."""
    path = Path(tempfile.mkdtemp(prefix="portal-test-"))
    path.chmod(0o711)
    owner = os.getpid()

    def remove() -> None:
        # A forked child inherits this hook and must not take its parent's data away.
        if os.getpid() == owner:
            shutil.rmtree(path, ignore_errors=True)

    atexit.register(remove)
    return path


@cache
def postgres() -> EmbeddedPostgres:
    """This process' PostgreSQL, not necessarily started."""
    server = EmbeddedPostgres(folder() / "postgres", durable=False)
    atexit.register(_stop_own, server, os.getpid())
    return server


@cache
def valkey() -> EmbeddedValkey:
    """This process' Valkey, not necessarily started."""
    server = EmbeddedValkey(folder() / "valkey", durable=False)
    atexit.register(_stop_own, server, os.getpid())
    return server


def _stop_own(server: EmbeddedPostgres | EmbeddedValkey, owner: int) -> None:
    if os.getpid() == owner:
        server.stop()
