"""Base classes and database guards that every room shares."""

from __future__ import annotations

from django.db import migrations, models


class TimestampedModel(models.Model):
    """Rows that know when they were made and last changed (UTC)."""

    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        abstract = True


def insert_only(table: str) -> migrations.RunSQL:
    """A migration operation that makes the database refuse to change or remove rows of `table` (SEC-02).

    Disposal after the keeping time goes through its own, audited function, never through DELETE.
    """
    return migrations.RunSQL(
        sql=f"""
        CREATE FUNCTION {table}_insert_only() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            RAISE EXCEPTION '{table} is insert-only (SEC-02)' USING ERRCODE = 'insufficient_privilege';
        END $$;
        CREATE TRIGGER {table}_no_change BEFORE UPDATE OR DELETE ON {table}
            FOR EACH ROW EXECUTE FUNCTION {table}_insert_only();
        CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table}
            FOR EACH STATEMENT EXECUTE FUNCTION {table}_insert_only();
        """,
        reverse_sql=f"""
        DROP TRIGGER {table}_no_change ON {table};
        DROP TRIGGER {table}_no_truncate ON {table};
        DROP FUNCTION {table}_insert_only();
        """,
    )
