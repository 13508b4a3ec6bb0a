"""Faults of an import (issue 6): killed half-way, two workers at once, rows that somebody wants to change."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction
from django.urls import reverse

from audit import waiting
from audit.imports import loading, writing
from audit.imports.models import LogBatch, LogCoverage, LogImport, LogRow
from audit.reconciliation import services
from tests import factories
from tests.audit.imports import logs
from tests.threads import at_once

ROOT = Path(__file__).resolve().parents[3]
pytestmark = pytest.mark.django_db(transaction=True)
LINES = 400


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> LogImport:
    """A file of many pieces, started."""
    return logs.many_pieces(monkeypatch, LINES)


def whole(made: LogImport) -> None:
    """Every line once, and every count right."""
    made.refresh_from_db()
    assert (made.state, made.kept_count, made.duplicate_count) == ("DONE", LINES, 0)
    rows = LogRow.system.all()
    assert sorted(row.line_number for row in rows) == list(range(2, LINES + 2))
    assert sum(LogCoverage.system.values_list("row_count", flat=True)) == LINES
    assert sum(LogBatch.objects.values_list("row_count", flat=True)) == LINES
    assert LogBatch.objects.count() == made.chunk_count


@pytest.mark.parametrize("point", ["writing._cover", "findings.merge", "afterwards.note_months"])
def test_an_import_that_is_killed_neither_loses_nor_doubles_a_row(made: LogImport, point: str) -> None:
    """SIGKILL after COPY, before the commit of a piece, and before the end; each time in the middle of the file."""
    room, name = point.split(".")
    code = (
        "import os, signal, django; django.setup()\n"
        "from portal.gateways import clock\n"
        f"from audit.imports import loading, {room}\n"
        f"true, calls = {point}, []\n"
        "def dies(*args):\n"
        "    calls.append(1)\n"
        f"    if len(calls) > {0 if name == 'note_months' else 5}: os.kill(os.getpid(), signal.SIGKILL)\n"
        "    return true(*args)\n"
        f"{point} = dies\n"
        f"loading.run(import_id={made.pk}, now_fn=clock.now)\n"
    )
    settings = connection.settings_dict
    environment = os.environ | {
        "DJANGO_SETTINGS_MODULE": "portal.settings.test",
        "DATABASE_URL": _url(settings),
    }

    died = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=environment, check=False, timeout=300)

    assert died.returncode == -signal.SIGKILL
    made.refresh_from_db()
    assert 0 < LogRow.system.count() == made.kept_count
    assert made.state == "RUNNING"
    later = made.lease_until + timedelta(seconds=1)  # type: ignore[operator]
    assert loading.missed(later) == [made.pk]
    loading.run(import_id=made.pk, now_fn=lambda: later)
    whole(made)


def test_an_import_that_breaks_again_and_again_at_one_place_stops_and_says_with_what(
    made: LogImport, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing of the text of the fault is shown: it may hold values of rows."""
    cover = writing._cover
    faults = [(0, ValueError), (3, ValueError), (3, ValueError), (3, DatabaseError)] + [(3, ValueError)] * 3

    def breaks(cursor: Any, row: LogImport, parsed: Any) -> None:
        place, kind = faults[0]
        if row.chunks_done == place:
            raise kind("tanaka saw T_KOJIN")
        cover(cursor, row, parsed)

    def later(runs: int) -> Any:
        return logs.NOW + runs * timedelta(minutes=4)

    monkeypatch.setattr(writing, "_cover", breaks)
    for number in range(len(faults)):
        made.refresh_from_db()
        assert (made.state, made.problem) == ("RUNNING", ""), "not three alike at one place"
        with pytest.raises(faults[0][1]):
            loading.run(import_id=made.pk, now_fn=partial(later, number))
        del faults[0]

    now = later(9)
    made.refresh_from_db()
    assert (made.state, made.chunks_done, made.lease_until) == ("FAILED", 3, None)
    assert "ValueError" in made.problem
    assert "tanaka" not in made.problem
    assert loading.missed(now) == []
    assert reverse("log_imports") in {card.url for card in waiting.of(made.uploaded_by, now)}
    monkeypatch.setattr(writing, "_cover", cover)
    loading.start(import_id=made.pk, actor=made.uploaded_by, now=now)
    loading.run(import_id=made.pk, now_fn=lambda: now)
    whole(made)
    assert "fault" not in made.findings


def _url(settings: dict[str, Any]) -> str:
    url = os.environ["DATABASE_URL"]
    head, _, query = url.partition("?")
    return f"{head.rpartition('/')[0]}/{settings['NAME']}?{query}"


def test_two_workers_do_not_import_one_file_twice(made: LogImport) -> None:
    at_once(*[lambda: loading.run(import_id=made.pk, now_fn=lambda: logs.NOW)] * 2)

    whole(made)


def test_a_worker_that_lost_its_lease_writes_nothing_more(
    made: LogImport, monkeypatch: pytest.MonkeyPatch
) -> None:
    later, true = logs.NOW + timedelta(minutes=10), loading._store

    def overtaken(*args: Any) -> None:
        true(*args)
        if args[2] == 3:
            monkeypatch.setattr(loading, "_store", true)
            loading.run(import_id=made.pk, now_fn=lambda: later)

    monkeypatch.setattr(loading, "_store", overtaken)

    assert loading.run(import_id=made.pk, now_fn=lambda: logs.NOW) is None
    whole(made)


def test_overlapping_files_of_two_workers_leave_each_row_once(made: LogImport) -> None:
    actor = logs.operator()
    lines = [
        logs.line(f"2026-09-01 10:{n // 60:02}:{n % 60:02}", event=f"e{n}") for n in range(100, LINES + 50)
    ]
    other = logs.upload(logs.text(*lines), actor=actor)
    loading.start(import_id=other.pk, actor=actor, now=logs.NOW)

    at_once(
        lambda: loading.run(import_id=made.pk, now_fn=lambda: logs.NOW),
        lambda: loading.run(import_id=other.pk, now_fn=lambda: logs.NOW),
    )

    found = list(LogRow.system.values_list("source_id", flat=True))
    assert len(found) == len(set(found)) == LINES + 50
    made.refresh_from_db()
    other.refresh_from_db()
    assert made.duplicate_count + other.duplicate_count == LINES - 100
    assert services.reconcile(
        cycle=logs.cycle(), organisation=factories.organisation("13"), now=logs.NOW
    ).counts == {"DATABASE": {"U_NOPLAN": LINES + 50}}


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_logrow SET db_user = 'x'",
        "DELETE FROM audit_logrow",
        "TRUNCATE audit_logrow",
        "UPDATE audit_logrow_numbers_2026_09 SET db_user = 'x'",
        "DELETE FROM audit_logrow_numbers_2026_09",
        "TRUNCATE audit_logrow_numbers_2026_09",
        "DELETE FROM audit_logchunk",
        "UPDATE audit_logbatch SET row_count = 0",
    ],
)
def test_rows_are_never_changed_also_not_in_their_partition(statement: str) -> None:
    logs.host()
    logs.load(logs.text(logs.line()))

    with (
        pytest.raises(DatabaseError, match="insert-only"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(statement)
