"""Records as lines: whatever happens on the way, the connection is free for the next statement (SEC-02)."""

from __future__ import annotations

import psycopg
import pytest
from django.db import connection, transaction

from portal.trail import reading

pytestmark = pytest.mark.django_db


def answer() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 42")
        return int(cursor.fetchone()[0])


def test_a_row_is_the_line_that_copy_writes_without_its_line_feed() -> None:
    found = list(reading.lines("SELECT %s::text, NULL::text, E'a\\tb\\nc\\\\d'", ["50 % 国保"]))

    assert found == ["50 % 国保\t\\N\ta\\tb\\nc\\\\d".encode()]
    assert list(reading.lines("SELECT 1 WHERE false")) == []
    assert answer() == 42


def test_a_reader_who_fails_on_the_way_leaves_the_connection_free() -> None:
    def fail() -> None:
        for line in reading.lines("SELECT n, repeat('x', 1000) FROM generate_series(1, 100000) n"):
            assert line.startswith(b"1\t")
            raise LookupError

    with pytest.raises(LookupError), transaction.atomic():
        fail()

    assert answer() == 42


def test_what_the_server_says_in_the_middle_is_raised_and_leaves_the_connection_free() -> None:
    seen = []

    def read() -> None:
        for line in reading.lines("SELECT n, 1 / (50000 - n) FROM generate_series(1, 100000) n"):
            seen.append(line)

    with pytest.raises(psycopg.errors.DivisionByZero), transaction.atomic():
        read()
    with pytest.raises(psycopg.errors.UndefinedTable), transaction.atomic():
        list(reading.lines("SELECT * FROM nowhere"))

    assert len(seen) == 49_999
    assert answer() == 42
