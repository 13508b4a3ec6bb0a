"""A PostgreSQL cluster with the migrated test database, made once for each state of the migrations.

To run a hundred migrations takes longer than most tests; to copy what they made takes a moment. It lies under
var/test-databases and is made anew when a migration, a locked package or the server's program changes.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
from django.db import connections

from portal.embedded.postgres import DATABASE, EmbeddedPostgres

ROOT = Path(__file__).resolve().parents[1]
_FOLDER = ROOT / "var" / "test-databases"
_TEST_DATABASE = f"test_{DATABASE}"  # Django's name for it


def start_migrated(server: EmbeddedPostgres) -> None:
    """Start a server that was never started with the migrated cluster in it, and tell Django its password."""
    with _locked():
        seed = _seed(server)
        for part in (*seed.glob("*.password"), seed / "data"):
            target = server.directory / part.name
            shutil.rmtree(target, ignore_errors=True) if part.is_dir() else target.unlink(missing_ok=True)
            subprocess.run(["cp", "-a", part, target], check=True)
    server.start()
    os.environ["DATABASE_URL"] = server.url
    connections["default"].settings_dict["PASSWORD"] = urlsplit(server.url).password


def _seed(like: EmbeddedPostgres) -> Path:
    """The folder of the stopped cluster."""
    state = hashlib.sha256(str(like.binaries).encode())
    apps = [
        folder for folder in sorted(ROOT.iterdir()) if folder.name.isidentifier() and folder.name != "var"
    ]
    migrations = [file for folder in apps for file in sorted(folder.glob("**/migrations/*.py"))]
    for file in (*migrations, *sorted(ROOT.glob("requirements*.txt"))):
        state.update(file.read_bytes())
    seed = _FOLDER / state.hexdigest()[:16]
    if not seed.exists():
        for old in _FOLDER.glob("*/"):
            shutil.rmtree(old)
        _make(seed)
    return seed


def _make(seed: Path) -> None:
    unfinished = seed.with_suffix(".unfinished")
    with EmbeddedPostgres(unfinished, durable=False) as server:
        with psycopg.connect(server.url, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {_TEST_DATABASE}")
        url = urlsplit(server.url)._replace(path=f"/{_TEST_DATABASE}").geturl()
        environment = {**os.environ, "DATABASE_URL": url, "DJANGO_SETTINGS_MODULE": "portal.settings.test"}
        subprocess.run(
            [sys.executable, "manage.py", "migrate", "--verbosity=0"], cwd=ROOT, env=environment, check=True
        )
    unfinished.rename(seed)


@contextlib.contextmanager
def _locked() -> Iterator[None]:
    """One process of this checkout at a time."""
    _FOLDER.mkdir(parents=True, exist_ok=True)
    with (_FOLDER / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
