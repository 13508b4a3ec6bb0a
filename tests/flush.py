"""Emptying the database after a test that commits: Django's own flush would take the reference data along, and the
insert-only tables refuse it (SEC-02)."""

from __future__ import annotations

from typing import Any

from django.db import connections, transaction
from django.db.backends.utils import CursorWrapper

# Filled by migrations and never changed by a test.
_KEPT = frozenset(
    {
        "django_migrations",
        "django_content_type",
        "auth_permission",
        "orgs_organisation",
        "devices_computerkind",
        "devices_operatingsystem",
        "devices_businesssystem",
        "change_requests_segmentpool",
        "audit_worktype",
        "audit_deadlinepolicy",
        "audit_policystep",
        "audit_retentionrule",
    }
)
# Up to so many rows of one table are deleted; more are truncated away. Every deleted row is looked up in every table
# that may refer to it, a TRUNCATE makes the files of all ninety tables anew.
_FEW = 300


def empty_tables(using: str = "default") -> None:
    """Empty every table but the reference data, past the triggers that refuse it, and start the sequences anew."""
    connection = connections[using]
    quote = connection.ops.quote_name
    with transaction.atomic(using=using), connection.cursor() as cursor:
        tables = [name for name in connection.introspection.table_names(cursor) if name not in _KEPT]
        cursor.execute(
            " UNION ALL ".join(
                f"SELECT '{table}', EXISTS (SELECT FROM {quote(table)} OFFSET {_FEW}) "
                f"WHERE EXISTS (SELECT FROM {quote(table)})"
                for table in tables
            )
        )
        filled = dict(cursor.fetchall())
        touched = deleted = list(filled)
        statements = []
        if any(filled.values()):
            # PostgreSQL truncates no table to which one that is kept refers, whatever its rows say.
            seen = _seen_from_kept(cursor)
            truncated = ", ".join(quote(name) for name in tables if name not in seen)
            statements = [f"TRUNCATE {truncated} RESTART IDENTITY"]
            touched, deleted = tables, [name for name in filled if name in seen]
        if filled:
            deletions = [f"DELETE FROM {quote(table)}" for table in deleted]
            _empty(cursor, touched, [*statements, *deletions, "SET CONSTRAINTS ALL IMMEDIATE"])
            cursor.execute(
                "SELECT setval(s.seqrelid, s.seqstart, false) FROM pg_sequence s "
                "JOIN pg_depend d ON d.objid = s.seqrelid AND d.deptype IN ('a', 'i') "
                "WHERE d.refobjid = ANY(%s::regclass[])",
                [deleted],
            )


def _seen_from_kept(cursor: CursorWrapper) -> set[str]:
    """Tables to which kept ones refer."""
    cursor.execute(
        "SELECT DISTINCT confrelid::regclass::text FROM pg_constraint WHERE contype = 'f' "
        "AND conrelid::regclass::text = ANY(%s) AND NOT confrelid::regclass::text = ANY(%s)",
        [sorted(_KEPT), sorted(_KEPT)],
    )
    return {name for (name,) in cursor.fetchall()}


def _empty(cursor: CursorWrapper, tables: list[str], statements: list[str]) -> None:
    """Run the statements while the tables' own triggers sleep."""
    cursor.execute(
        # A partition has its own guard beside its parent's.
        "SELECT DISTINCT tgrelid::regclass::text FROM pg_trigger JOIN pg_class c ON c.oid = tgrelid "
        "WHERE NOT tgisinternal AND (tgrelid = ANY(%s::regclass[]) OR c.relispartition)",
        [tables],
    )
    guarded = [name for (name,) in cursor.fetchall()]
    for name in guarded:
        cursor.execute(f"ALTER TABLE {name} DISABLE TRIGGER USER")
    for statement in statements:
        cursor.execute(statement)
    for name in guarded:
        cursor.execute(f"ALTER TABLE {name} ENABLE TRIGGER USER")


def fixture_teardown(test_case: Any) -> None:
    """Stands in for TransactionTestCase._fixture_teardown."""
    for alias in test_case._databases_names(include_mirrors=False):
        empty_tables(alias)
