"""The evidence log: what sealing adds to a write with 8 clients, and how long a million leaves take to be verified."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from statistics import median
from typing import Any

from django.conf import settings
from django.db import connection, connections
from django.utils import timezone

from tests.evidence import RunningSigner, signing_process
from tests.perf.report import Report, peak_megabytes

CLIENTS, ROUNDS, SECONDS = 8, 5, 10.0
LIMIT_SECONDS, LIMIT_MEGABYTES = 10, 300
_FILL = """
INSERT INTO trail_trailentry (at, actor_name, action, object_type, object_id, object_label, error_number, ip, detail)
SELECT now() - interval '1 hour', '試験 ' || n, 'application.view', 'application', n::text, 'A-2026-' || n, '', '192.0.2.7',
       jsonb_build_object('filters', jsonb_build_object('status', 'IN_REVIEW', 'page', n %% 50))
FROM generate_series(1, %s) AS n
"""


def measure(report: Report, size: int) -> None:
    """Writes first, on an almost empty log, then the million."""
    with (
        tempfile.TemporaryDirectory(prefix="bench-signer-") as folder,
        signing_process(Path(folder)) as signer,
    ):
        settings.EVIDENCE = signer.settings
        _measure_writes(report, signer)
        _measure_verifying(report, signer, size)


def _measure_writes(report: Report, signer: RunningSigner) -> None:
    """In turn: a window without a seal, then one during which the records of a window are sealed. Once a minute in production,
    six times as often here."""
    plain, sealed, writing = [], [], 0.0
    told: list[list[float]] = []
    with _beside(signer) as tell:
        _window(lambda: None)
        for _round in range(ROUNDS):
            tell("seal")  # what earlier windows left is no part of this round
            each, used = _window(lambda: None)
            plain.append(each)
            writing += used
            each, _used = _window(lambda: told.append(tell("seal")))
            sealed.append(each)
    name = f"evidence: one write of {CLIENTS} clients, sealed meanwhile"
    report.add(
        name,
        median(sealed),
        "ms",
        reference="the same writes without a seal (bar 1.1)",
        reference_value=median(plain),
    )
    report.add(
        f"{name}, processor time of both sides",
        writing + sum(used for _taken, used, _peak in told),
        "s",
        reference="that of the writes alone (bar 1.1)",
        reference_value=writing,
    )


def _window(meanwhile: Callable[[], object]) -> tuple[float, float]:
    """Milliseconds of one write over all clients of one window, and the seconds of processor that they used."""
    from portal.trail import services

    end, counts, used = time.perf_counter() + SECONDS, [0] * CLIENTS, [0.0] * CLIENTS

    def write(client: int) -> None:
        try:
            while time.perf_counter() < end:
                services.record(
                    action="application.view", now=timezone.now(), actor=None, object_label="A-2026-000001"
                )
                counts[client] += 1
            used[client] = _server_seconds()
        finally:
            connections.close_all()

    own = time.process_time()
    threads = [threading.Thread(target=write, args=[client]) for client in range(CLIENTS)]
    for thread in threads:
        thread.start()
    meanwhile()
    for thread in threads:
        thread.join()
    return SECONDS * 1000 * CLIENTS / sum(counts), time.process_time() - own + sum(used)


@contextmanager
def _beside(signer: RunningSigner) -> Iterator[Any]:
    """A process beside the clients, as portal-jobs is; seals or verifies when it is told: seconds, seconds of both
    processors, and the peak of its memory in MB."""
    environment = os.environ | {
        "EVIDENCE_SIGNER_SOCKET": signer.socket,
        "EVIDENCE_PUBLIC_KEYS": signer.verifier,
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.perf.evidence"],
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    stdin, stdout = process.stdin, process.stdout

    def tell(act: str) -> list[float]:
        stdin.write(f"{act}\n".encode())
        stdin.flush()
        done, *figures = stdout.readline().decode().split()
        assert done == act
        return [float(figure) for figure in figures]

    try:
        yield tell
    finally:
        stdin.close()
        process.wait()


def _measure_verifying(report: Report, signer: RunningSigner, size: int) -> None:
    from portal.trail import sealing, services

    with connection.cursor() as cursor:
        cursor.execute(_FILL, [size])
        cursor.execute("VACUUM ANALYZE trail_trailentry")
    now = timezone.now()
    taken = _seconds(lambda: sealing.seal(now=now))
    report.add(f"evidence: first seal of {size:,} records", taken, "s")
    # Some minutes later the keys of the million are closed, and looked through for what was put in behind.
    for minutes in range(2, 8, 2):
        services.record(action="application.view", now=now, actor=None)
        sealing.seal(now=now + timedelta(minutes=minutes))
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE trail_leaf")
    bare = _seconds(_bare_copy)
    with _beside(signer) as tell:
        taken, used, peak = tell("verify")
    name = f"evidence: verifying {size:,} leaves"
    report.add(name, taken, "s", reference="limit", reference_value=LIMIT_SECONDS)
    report.add(
        f"{name}, processor time of both sides",
        used,
        "s",
        reference="two processors for as long as the limit",
        reference_value=2 * LIMIT_SECONDS,
    )
    report.add(f"{name}, peak memory", peak, "MB", reference="limit", reference_value=LIMIT_MEGABYTES)
    report.add(
        f"{name} beside a bare COPY",
        taken,
        "s",
        reference="COPY of the same records to the client",
        reference_value=bare,
    )


def _bare_copy() -> None:
    with connection.cursor() as cursor:
        raw: Any = cursor.cursor
        with raw.copy("COPY trail_trailentry TO STDOUT") as copy:
            for _block in copy:
                pass


def _seconds(work: Any) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def _act_when_told() -> None:
    import django

    django.setup()
    from portal.trail import sealing, verifying

    for line in sys.stdin:
        act, now = line.strip(), timezone.now()
        used, start = _used_so_far(), time.perf_counter()
        if act == "seal":
            sealing.seal(now=now)
        else:
            result = verifying.verify()
            assert result.fits, result.findings[:3]
        taken, used = time.perf_counter() - start, _used_so_far() - used
        print(act, taken, used, peak_megabytes(), flush=True)


def _used_so_far() -> float:
    """Seconds of processor of this process and its PostgreSQL: on a machine with other work they say more than a clock."""
    return time.process_time() + _server_seconds()


def _server_seconds() -> float:
    connection.ensure_connection()
    stat = Path(f"/proc/{connection.connection.info.backend_pid}/stat").read_text()
    user, system = stat.rpartition(")")[2].split()[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    _act_when_told()
