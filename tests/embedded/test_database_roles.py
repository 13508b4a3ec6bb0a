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
# SEC-02: read and added to, never changed, whatever becomes of the triggers.
EVIDENCE = [
    "auditlog_logentry",
    "trail_checkpoint",
    "trail_leaf",
    "trail_sealbatch",
    "trail_trailentry",
    "trail_treenode",
]


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
        subprocess.run([sys.executable, "-m", "portal.embedded.migrating"], cwd=ROOT, env=owner, check=True)
        yield running


def test_the_web_role_reads_and_writes_rows(server: EmbeddedPostgres) -> None:
    with psycopg.connect(url(server, "portal_web")) as connection:
        made = connection.execute(
            "INSERT INTO django_session VALUES ('key', 'data', now()) RETURNING session_key"
        ).fetchone()
        connection.execute("DELETE FROM django_session")
        lacking = connection.execute(
            "SELECT DISTINCT relname FROM pg_class, unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE']) AS privilege"
            " WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'"
            " AND NOT has_table_privilege(pg_class.oid, privilege) ORDER BY relname"
        ).fetchall()

    assert made == ("key",)
    assert [name for (name,) in lacking] == EVIDENCE


@pytest.mark.parametrize(
    "statement",
    [
        "DROP TABLE django_session",
        "ALTER TABLE django_session DISABLE TRIGGER ALL",
        "CREATE TABLE own ()",
        "TRUNCATE django_session",
        "CREATE ROLE intruder",
        *(f"DELETE FROM {table}" for table in EVIDENCE),
        *(
            f"UPDATE {table} SET hash = hash"
            for table in EVIDENCE
            if table in ("trail_leaf", "trail_treenode")
        ),
    ],
)
def test_the_web_role_cannot_change_the_tables(server: EmbeddedPostgres, statement: str) -> None:
    with (
        psycopg.connect(url(server, "portal_web")) as connection,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        connection.execute(statement)


def test_the_web_role_has_partitions_made_for_log_rows_and_cannot_empty_them(
    server: EmbeddedPostgres,
) -> None:
    """AUD-09: the function that makes them has the owner's rights; the web role has none over them but to write and read."""
    with psycopg.connect(url(server, "portal_web"), autocommit=True) as connection:
        for numbers in (True, True, False):
            connection.execute("SELECT audit_logrow_partition('2026-09-15', %s)", [numbers])
        with connection.cursor().copy(
            "COPY audit_logrow FROM STDIN"  # the columns in the order of the table
        ) as copy:
            at = "2026-09-30 14:59:59.9+00"
            copy.write(f"1\t1\t1\tDATABASE\t{at}\t\\N" + "\t" * 10 + "\t0" + "\t" * 5 + "t\tf\tf\t\\\\x00\n")
        connection.execute("SELECT audit_logrow_analyse('2026-09-15', '2026-10-01')")
        found = connection.execute(
            "SELECT DISTINCT r.tableoid::regclass::text, reltuples FROM audit_logrow r JOIN pg_class c ON c.oid = r.tableoid"
        ).fetchall()
        for statement in ("TRUNCATE audit_logrow_numbers_2026_09", "DROP TABLE audit_logrow_numbers_2026_09"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(statement)

    assert found == [("audit_logrow_numbers_2026_09", 1)]


def test_nobody_else_may_connect(server: EmbeddedPostgres) -> None:
    with psycopg.connect(url(server, "portal_owner")) as connection:
        allowed = connection.execute(
            "SELECT count(*) FROM pg_database d, aclexplode(d.datacl) a WHERE d.datname = 'portal' AND a.grantee = 0"
        ).fetchone()

    assert allowed == (0,)
