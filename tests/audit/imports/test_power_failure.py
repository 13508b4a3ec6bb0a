"""The database loses its power in the middle of an import: what it had not written yet is done anew, nothing twice (ADR 0044)."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from portal.embedded.postgres import EmbeddedPostgres
from tests import seed

ROOT = Path(__file__).resolve().parents[3]
LINES = 1500
_BEGIN = """
import django; django.setup()
import os, signal
from audit.imports import loading, storing, writing
from tests.audit.imports import logs
storing.pieces.__defaults__ = (2_000,)
logs.host()
actor = logs.operator()
lines = [logs.line(f"2026-09-01 10:{n // 60:02}:{n % 60:02}", event=f"e{n}") for n in range(LINES)]
made = logs.upload(logs.text(*lines), actor=actor)
loading.start(import_id=made.pk, actor=actor, now=logs.NOW)
true, calls = writing._cover, []
def power_fails(*args):
    calls.append(1)
    if len(calls) == 30:
        print(loading.LogImport.objects.get(pk=made.pk).chunks_done, flush=True)
        os.kill(POSTMASTER, signal.SIGQUIT)
    return true(*args)
writing._cover = power_fails
loading.run(import_id=made.pk, now_fn=lambda: logs.NOW)
"""
_GO_ON = """
import django; django.setup()
import json
from datetime import timedelta
from audit.imports import loading
from audit.imports.models import LogBatch, LogCoverage, LogImport, LogRow
from tests.audit.imports import logs
made = LogImport.objects.get()
there, kept = LogRow.system.count(), made.kept_count
found = {"before": [made.state, made.chunks_done, there == kept == sum(LogBatch.objects.values_list("row_count", flat=True))]}
loading.run(import_id=made.pk, now_fn=lambda: logs.NOW + timedelta(minutes=10))
made.refresh_from_db()
found["after"] = [made.state, made.kept_count, made.duplicate_count]
found["lines"] = sorted(row.line_number for row in LogRow.system.all())
found["covered"] = sum(LogCoverage.system.values_list("row_count", flat=True))
print(json.dumps(found))
"""


def in_a_process(server: EmbeddedPostgres, code: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {
        "DJANGO_SETTINGS_MODULE": "portal.settings.test",
        "DATABASE_URL": seed.migrated_url(server),
    }
    command = [sys.executable, "-W", "ignore", "-c", code]
    return subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=120
    )


def test_an_import_goes_on_where_the_disk_stands(tmp_path: Path) -> None:
    server = EmbeddedPostgres(tmp_path / "postgres")
    seed.put_migrated(server)
    with server:
        postmaster = (server.data / "postmaster.pid").read_text().split()[0]
        code = _BEGIN.replace("LINES", str(LINES)).replace("POSTMASTER", postmaster)
        died = in_a_process(server, code)
        assert server.process is not None
        server.process.wait(30)
    assert "OperationalError" in died.stderr, died.stderr
    seen = int(died.stdout)

    with EmbeddedPostgres(tmp_path / "postgres") as again:
        told = json.loads(in_a_process(again, _GO_ON).stdout)

    state, chunks, fits = told["before"]
    assert (state, fits) == ("RUNNING", True)
    assert chunks <= seen
    assert told["after"] == ["DONE", LINES, 0]
    assert told["lines"] == list(range(2, LINES + 2))
    assert told["covered"] == LINES
