"""Everything that is insert-only goes into the evidence log, with every column (SEC-02)."""

from __future__ import annotations

import pytest
from django.apps import apps
from django.db import connection

from portal.trail.sources import all_sources, register_source

# No evidence themselves: the log, and what others register.
LOG = {"trail_leaf", "trail_checkpoint", "trail_treenode"}
# Derived from other columns, or about the way of a row that is evidence already.
LEFT_OUT = {
    "change_requests_ownchange": {"search_text"},
    "notices_notice": {"status", "not_before", "attempts", "read_at", "error_code", "error_message"},
    "workflow_approvalstage": {"label", "concerned", "opened_at", "business_days", "due_on", "reminded_on"},
    "workflow_resultreport": {"notice_id", "reached_at", "reached_how", "reached_by_id", "reached_note"},
}


@pytest.mark.django_db
def test_every_insert_only_table_is_a_source() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT DISTINCT tgrelid::regclass::text FROM pg_trigger WHERE tgname LIKE '%\\_no\\_change'"
        )
        guarded = {name for (name,) in cursor.fetchall()} - LOG
    sources = {
        table for source in all_sources() for table in (source.table, source.rows and source.rows.table)
    }

    assert {name for name in guarded if not name.startswith("audit_")} - sources == set()


def test_every_column_is_sealed_or_left_out_on_purpose() -> None:
    models = {model._meta.db_table: model for model in apps.get_models()}

    for source in all_sources():
        columns = {field.column for field in models[source.table]._meta.concrete_fields}
        assert columns - set(source.columns) - LEFT_OUT.get(source.table, set()) == set(), source.name
        assert set(source.columns) <= columns, source.name


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": "Wrong Name"},
        {"table": "a; drop table b"},
        {"columns": "id, x"},
        {"columns": ""},
        {"when": "t.x"},
        {"name": "trail.entry"},
    ],
)
def test_what_is_no_source_is_refused_at_the_start(wrong: dict[str, str]) -> None:
    values = {"name": "other.thing", "label": "x", "table": "other", "columns": "id"} | wrong

    with pytest.raises(ValueError):
        register_source(**values)  # type: ignore[arg-type]
