"""Emptying the database after a test that commits: Django's own flush would take the reference data along, and the
insert-only tables refuse it (SEC-02)."""

from __future__ import annotations

from typing import Any

from django.db import connections, transaction

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
    }
)


def empty_tables(using: str = "default") -> None:
    """Empty every table but the reference data, past the triggers that refuse it, and start the sequences anew."""
    connection = connections[using]
    quote = connection.ops.quote_name
    with transaction.atomic(using=using), connection.cursor() as cursor:
        tables = [name for name in connection.introspection.table_names(cursor) if name not in _KEPT]
        cursor.execute(
            "SELECT c.relname, t.tgname FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid "
            "WHERE NOT t.tgisinternal AND t.tgname LIKE %s",
            ["%_no_truncate"],
        )
        guards = cursor.fetchall()
        for table, trigger in guards:
            cursor.execute(f"ALTER TABLE {quote(table)} DISABLE TRIGGER {quote(trigger)}")
        cursor.execute(f"TRUNCATE {', '.join(map(quote, tables))} RESTART IDENTITY")
        for table, trigger in guards:
            cursor.execute(f"ALTER TABLE {quote(table)} ENABLE TRIGGER {quote(trigger)}")


def fixture_teardown(test_case: Any) -> None:
    """Stands in for TransactionTestCase._fixture_teardown."""
    for alias in test_case._databases_names(include_mirrors=False):
        empty_tables(alias)
