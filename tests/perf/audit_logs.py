"""A million log rows against five thousand works: from the stored file to the kept result, in a process of its own.

"wide": 302 machines with 8 accounts each; "dense": 5 with 3, where nearly every moment lies in several works. The rows are
those of tests/audit/reconciliation/data.py, in the order of time as an export has them. Bare COPY: the very rows that the
import wrote, into a table without index, in the same run.
"""

from __future__ import annotations

import csv
import datetime as dt
import gc
import io
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from statistics import median
from typing import Any

from tests.perf.report import ROOT, Report, peak_megabytes

ROWS = 1_000_000
LIMITS = {"wide": 12.0, "dense": 20.0}
_HEADER = "_time,_indextime,event_id,host,db_name,db_user,os_user,client,program,session_id,action,object,rows,return_code"


def measure(report: Report, rows: int = ROWS) -> None:
    """Both shapes, one after the other."""
    from tests.audit.reconciliation import data

    for name, shape in (("wide", data.WIDE), ("dense", data.DENSE)):
        made = _prepare(name, shape, rows)
        gc.collect()
        found = _in_a_process_of_its_own(made)
        print(f"{name}: {found}", flush=True)
        bare = median(_bare_copy() for _run in range(3))
        limit = max(LIMITS[name], 4 * bare)
        print(f"{name}: bare COPY {bare:.1f} s, so at most {limit:.1f} s", flush=True)
        report.add(
            f"{rows:,} log rows against 5,000 works, {name}: import to kept result",
            found["import"] + found["reconcile"],
            "s",
            reference=f"bare COPY of the same rows (at most 4 times, or {LIMITS[name]:.0f} s)",
            reference_value=bare,
        )
        report.add(f"… of it the reconciliation, {name}", found["reconcile"], "s")
        report.add(
            f"… peak memory of the worker, {name}",
            found["memory"],
            "MB",
            reference="at most",
            reference_value=150.0,
        )
        _empty()


def _prepare(name: str, shape: Any, rows: int) -> int:
    from audit.imports import loading, storing
    from audit.imports.models import Host
    from audit.ledgers.models import WorkEntry
    from portal.orgs.permissions import Role
    from tests import factories
    from tests.audit.reconciliation import data

    now = data.UNTIL + dt.timedelta(days=1)
    federation, actor = factories.organisation("13"), factories.user(Role.OPERATOR, code="operations")
    Host.system.bulk_create(
        Host(
            organisation=federation,
            name=f"host{n:03}",
            key=f"host{n:03}",
            sends_database="DAILY",
            first_day=dt.date(2026, 1, 1),
        )
        for n in range(shape.hosts)
    )
    works = data.works(shape)
    WorkEntry.system.bulk_create([_entry(work, federation) for work in works], batch_size=1000)
    with tempfile.TemporaryFile() as file:
        _write(file, data.rows(shape, works, rows))
        file.seek(0)
        start = time.perf_counter()
        made = storing.store_file(
            log_kind="DATABASE",
            month=dt.date(2026, 9, 1),
            name=f"{name}.csv",
            file=file,
            actor=actor,
            now=now,
        )
        print(f"{name}: {made.size / 1e6:.0f} MB kept in {time.perf_counter() - start:.1f} s", flush=True)
    loading.start(import_id=made.pk, actor=actor, now=now)
    return made.pk


def _write(file: Any, rows: Any) -> None:
    zone = dt.timezone(dt.timedelta(hours=9))
    text = io.TextIOWrapper(file, write_through=False, newline="")
    text.write(f"{_HEADER}\n")
    lines = csv.writer(text, lineterminator="\n")
    for row in sorted(rows, key=lambda row: row.at):
        subject = row.subject
        at = dt.datetime.fromtimestamp(row.at // 1_000_000, zone)
        lines.writerow(
            (
                f"{at:%Y-%m-%d %H:%M:%S}",
                f"{at + dt.timedelta(seconds=20):%Y-%m-%d %H:%M:%S}",
                f"main~{row.id}~6B1D",
                subject.host,
                "KOJIN",
                *subject.accounts,
                subject.client,
                "sqlplus.exe",
                f"s{row.id // 100}",
                "SELECT",
                subject.object_name,
                row.volume,
                "0",
            )
        )
    text.flush()
    text.detach()


def _entry(work: Any, federation: Any) -> Any:
    from audit.ledgers.models import WorkEntry

    return WorkEntry(
        ledger="FEDERATION" if work.rank else "CENTRAL",
        organisation=federation,
        work_number=work.number,
        work_type="OTHER",
        worker="CENTRAL",
        planned_from=work.planned_from,
        planned_until=work.planned_until,
        actual_from=work.actual_from,
        actual_until=work.actual_until,
        accounts=list(work.accounts),
        hosts=list(work.hosts),
        objects_touched=list(work.objects),
        medium_serial=work.medium_serial,
        text="作業",
        expected_rows=work.expected_rows,
        expected_files=work.expected_files,
        cancelled=work.cancelled,
    )


def _in_a_process_of_its_own(import_id: int) -> dict[str, float]:
    command = [sys.executable, "-m", "tests.perf.audit_logs", str(import_id)]
    done = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True)
    found: dict[str, float] = json.loads(done.stdout)
    return found


class _Memory(threading.Thread):
    """The most that this process and the one that reads for it held at one time, looked at every 20 ms."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.peak = 0.0

    def run(self) -> None:
        own = Path("/proc/self/task")
        while True:
            children = {pid for task in own.iterdir() for pid in (task / "children").read_text().split()}
            self.peak = max(self.peak, sum(map(_resident, ["self", *children])))
            time.sleep(0.02)


def _resident(pid: str) -> float:
    """Its resident memory in 10^6 bytes; 0 when it has ended."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0.0
    return sum(int(line.split()[1]) for line in lines if line.startswith("VmRSS")) * 1024 / 1e6


def _work(import_id: int) -> dict[str, float]:
    """What the worker does, and what it took."""
    import django

    django.setup()
    from audit.cycles.models import AuditCycle, DeadlinePolicy
    from audit.imports import loading
    from audit.reconciliation import services
    from portal.gateways import clock
    from portal.orgs.models import Organisation
    from tests.audit.reconciliation.data import UNTIL

    now = UNTIL + dt.timedelta(days=1)
    policy, _new = DeadlinePolicy.objects.get_or_create(valid_from=dt.date(2026, 1, 1))
    cycle, _new = AuditCycle.objects.get_or_create(
        month=dt.date(2026, 9, 1),
        defaults={
            "covers_from": dt.date(2026, 8, 21),
            "covers_until": dt.date(2026, 9, 20),
            "policy": policy,
            "opened_at": now,
        },
    )
    memory = _Memory()
    memory.start()
    begin = time.perf_counter()
    made = loading.run(import_id=import_id, now_fn=clock.now)
    between = time.perf_counter()
    assert made is not None
    assert made.state == "DONE", made.problem
    run = services.reconcile(cycle=cycle, organisation=Organisation.objects.get(code="13"), now=now)
    end = time.perf_counter()
    assert sum(sum(codes.values()) for codes in run.counts.values()) == made.kept_count
    return {
        "import": round(between - begin, 2),
        "reconcile": round(end - between, 2),
        "cpu": round(time.process_time(), 2),
        "memory": round(max(memory.peak, peak_megabytes()), 1),
        "rows": made.kept_count,
        "sessions": run.mismatches.count(),
    }


def _bare_copy() -> float:
    """The rows out into a file, and with COPY into a table that has no index; only the way in counts."""
    from django.db import connection, transaction

    with tempfile.TemporaryFile() as file, connection.cursor() as cursor:
        with cursor.copy("COPY (SELECT * FROM audit_logrow) TO STDOUT") as copy:
            for block in copy:
                file.write(block)
        file.seek(0)
        cursor.execute("CREATE TABLE bench_logrow (LIKE audit_logrow INCLUDING DEFAULTS)")
        start = time.perf_counter()
        with transaction.atomic(), cursor.copy("COPY bench_logrow FROM STDIN") as copy:
            while block := file.read(1 << 20):
                copy.write(block)
        seconds = time.perf_counter() - start
        cursor.execute("DROP TABLE bench_logrow")
    return seconds


def _empty() -> None:
    from tests.flush import empty_tables

    empty_tables()


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings.local")
    print(json.dumps(_work(int(sys.argv[1]))))
