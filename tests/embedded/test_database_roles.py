"""deploy/postgresql/roles.sql: the web role can serve the portal and cannot change its tables."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import psycopg
import pytest

from portal.embedded.postgres import EmbeddedPostgres

ROOT = Path(__file__).resolve().parent.parent.parent
pytestmark = pytest.mark.slow


def url(server: EmbeddedPostgres, role: str) -> str:
    return f"postgres://{role}:secret@/portal?host={quote(str(server.sockets))}"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedPostgres]:
    with EmbeddedPostgres(tmp_path_factory.mktemp("roles") / "pg", durable=False) as running:
        superuser = {
            **os.environ,
            "PGHOST": str(running.sockets),
            "PGUSER": "postgres",
            "PGPASSWORD": (running.directory / "postgres.password").read_text(),
        }
        given = ["-v", "ON_ERROR_STOP=1", "-v", "owner_password=secret", "-v", "web_password=secret"]
        script = ["-d", "portal", *given, "-f", ROOT / "deploy" / "postgresql" / "roles.sql"]
        subprocess.run([running.binaries / "psql", *script], env=superuser, check=True, capture_output=True)
        owner = {**os.environ, "DATABASE_URL": url(running, "portal_owner")}
        subprocess.run([sys.executable, "manage.py", "migrate", "-v", "0"], cwd=ROOT, env=owner, check=True)
        yield running


def test_the_web_role_reads_and_writes_rows(server: EmbeddedPostgres) -> None:
    with psycopg.connect(url(server, "portal_web")) as connection:
        made = connection.execute(
            "INSERT INTO django_session VALUES ('key', 'data', now()) RETURNING session_key"
        ).fetchone()
        connection.execute("DELETE FROM django_session")
        tables = connection.execute(
            "SELECT count(*) FROM pg_class, unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE']) AS privilege"
            " WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'"
            " AND NOT has_table_privilege(pg_class.oid, privilege)"
        ).fetchone()

    assert made == ("key",)
    assert tables == (0,)


@pytest.mark.parametrize(
    "statement",
    [
        "DROP TABLE django_session",
        "ALTER TABLE django_session DISABLE TRIGGER ALL",
        "CREATE TABLE own ()",
        "TRUNCATE django_session",
        "CREATE ROLE intruder",
    ],
)
def test_the_web_role_cannot_change_the_tables(server: EmbeddedPostgres, statement: str) -> None:
    with (
        psycopg.connect(url(server, "portal_web")) as connection,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        connection.execute(statement)


def test_nobody_else_may_connect(server: EmbeddedPostgres) -> None:
    with psycopg.connect(url(server, "portal_owner")) as connection:
        allowed = connection.execute(
            "SELECT count(*) FROM pg_database d, aclexplode(d.datacl) a WHERE d.datname = 'portal' AND a.grantee = 0"
        ).fetchone()

    assert allowed == (0,)
