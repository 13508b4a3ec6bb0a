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
_ORIGINAL = "migrated_"


def start_migrated(server: EmbeddedPostgres) -> None:
    """Start a server that was never started with the migrated cluster in it, and tell Django its password."""
    put_migrated(server)
    server.start()
    os.environ["DATABASE_URL"] = server.url
    connections["default"].settings_dict["PASSWORD"] = urlsplit(server.url).password


def put_migrated(server: EmbeddedPostgres) -> None:
    """Give a server that was never started the migrated cluster."""
    with _locked():
        seed = _seed(server)
        for part in (*seed.glob("*.password"), seed / "data"):
            target = server.directory / part.name
            shutil.rmtree(target, ignore_errors=True) if part.is_dir() else target.unlink(missing_ok=True)
            subprocess.run(["cp", "-a", part, target], check=True)


def migrated_url(server: EmbeddedPostgres) -> str:
    """DATABASE_URL of the migrated database in it."""
    return urlsplit(server.url)._replace(path=f"/{_TEST_DATABASE}").geturl()


def copy_migrated(url: str) -> None:
    """The same on a server that stays (tier 2): the test database is a copy of one that was migrated there before.

    By Django's own steps, as production is: what `swift_migrations` makes is compared with it (tests/embedded). Refused
    while another run works on the copy.
    """
    original = f"{_ORIGINAL}{_state_of_migrations()}"
    copy = f"test_{urlsplit(url).path.strip('/')}"
    with psycopg.connect(url, autocommit=True) as connection:
        found = connection.execute(
            "SELECT datname FROM pg_database WHERE starts_with(datname, %s)", [_ORIGINAL]
        ).fetchall()
        if (original,) not in found:
            unfinished = f"{_ORIGINAL}unfinished"
            for (name,) in [*found, (unfinished,)]:
                connection.execute(f"DROP DATABASE IF EXISTS {name}")
            connection.execute(f"CREATE DATABASE {unfinished}")
            _migrate(urlsplit(url)._replace(path=f"/{unfinished}").geturl(), "manage.py", "migrate", "-v0")
            connection.execute(f"ALTER DATABASE {unfinished} RENAME TO {original}")
        connection.execute(f"DROP DATABASE IF EXISTS {copy}")
        connection.execute(f"CREATE DATABASE {copy} TEMPLATE {original}")


def _migrate(url: str, *command: str) -> None:
    environment = {**os.environ, "DATABASE_URL": url, "DJANGO_SETTINGS_MODULE": "portal.settings.test"}
    subprocess.run([sys.executable, *command], cwd=ROOT, env=environment, check=True)


def _seed(like: EmbeddedPostgres) -> Path:
    """The folder of the stopped cluster."""
    seed = _FOLDER / _state_of_migrations(str(like.binaries))
    if not seed.exists():
        for old in _FOLDER.glob("*/"):
            shutil.rmtree(old)
        _make(seed)
    return seed


def _state_of_migrations(program: str = "") -> str:
    """Changes with a migration, with a locked package and with the server's program."""
    state = hashlib.sha256(program.encode())
    apps = [
        folder for folder in sorted(ROOT.iterdir()) if folder.name.isidentifier() and folder.name != "var"
    ]
    migrations = [file for folder in apps for file in sorted(folder.glob("**/migrations/*.py"))]
    for file in (*migrations, *sorted(ROOT.glob("requirements*.txt"))):
        state.update(file.read_bytes())
    return state.hexdigest()[:16]


def _make(seed: Path) -> None:
    unfinished = seed.with_suffix(".unfinished")
    with EmbeddedPostgres(unfinished, durable=False) as server:
        with psycopg.connect(server.url, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {_TEST_DATABASE}")
        _migrate(migrated_url(server), "-m", "portal.embedded.migrating")
    unfinished.rename(seed)


@contextlib.contextmanager
def _locked() -> Iterator[None]:
    """One process of this checkout at a time."""
    _FOLDER.mkdir(parents=True, exist_ok=True)
    with (_FOLDER / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
