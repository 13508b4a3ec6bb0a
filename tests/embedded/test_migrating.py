"""The swift migrations of the demonstration and of the tests end where Django's own do."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from django.db import connection
from django.db.migrations.state import ProjectState

from portal.embedded.migrating import swift_migrations

ROOT = Path(__file__).resolve().parent.parent.parent


@pytest.mark.real
@pytest.mark.django_db(transaction=True)
def test_swift_migrations_make_the_very_tables_that_djangos_own_make() -> None:
    ours = urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{connection.settings_dict['NAME']}")
    swift = ours._replace(path="/swift_migrations")
    with connection.cursor() as cursor:
        cursor.execute("DROP DATABASE IF EXISTS swift_migrations")
        cursor.execute("CREATE DATABASE swift_migrations")
    try:
        environment = {**os.environ, "DATABASE_URL": swift.geturl()}
        subprocess.run(
            [sys.executable, "-m", "portal.embedded.migrating"], cwd=ROOT, env=environment, check=True
        )

        tables = [tables_of(url.geturl()) for url in (swift, ours)]
    finally:
        with connection.cursor() as cursor:
            cursor.execute("DROP DATABASE swift_migrations")

    assert tables[0] == tables[1]
    assert "CREATE TRIGGER" in tables[0]


def tables_of(url: str) -> str:
    """Tables, indexes, constraints, functions and triggers as pg_dump writes them; without partitions, which come with rows."""
    options = ["--schema-only", "--no-owner", "--exclude-table=audit_logrow_*_2*"]
    dump = subprocess.run(["pg_dump", *options, url], capture_output=True, text=True)
    assert dump.returncode == 0, dump.stderr
    return re.sub(r"^\\(un)?restrict .*$", "", dump.stdout, flags=re.MULTILINE)  # a word drawn anew each time


def test_afterwards_django_does_it_its_own_way_again() -> None:
    before = ProjectState._find_reload_model

    with swift_migrations():
        meanwhile = ProjectState._find_reload_model

    assert meanwhile is not before
    assert ProjectState._find_reload_model is before
