"""A workbook of 1,000 rows: read, checked and planned, beside what the same rows cost one by one."""

from __future__ import annotations

import os
import subprocess
import sys
import time

from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.kinds import REGISTER
from portal.workflow.bulk import checking, services
from portal.workflow.bulk.models import Upload
from tests import journeys
from tests.bulk.books import book, person
from tests.perf.lab import ROOT
from tests.perf.report import Report

ROWS, FEW, ROUNDS = 1000, 100, 5
TARGET, MOST_MEGABYTES = 500.0, 150.0

# A process of its own, as a worker is one: its peak is that of this step alone.
_PEAK = """
import re, django
django.setup()
from django.utils import timezone
from portal.workflow.bulk import checking
assert checking.check(upload_id={pk}, now=timezone.now())
print(re.search(r"VmHWM:\\s+(\\d+) kB", open("/proc/self/status").read()).group(1))
"""


def measure(report: Report) -> None:
    """Rows per second, statements at two sizes, and the peak of a process that does nothing else."""
    cast = journeys.Cast()
    rates = [_rate(cast, number) for number in range(ROUNDS)]
    report.add(
        "validation and preview of a 1,000-row workbook",
        sorted(rates)[ROUNDS // 2],
        "rows/s",
        reference="wanted at least",
        reference_value=TARGET,
    )
    few, many = (_statements(cast, count, ROUNDS + n) for n, count in enumerate((FEW, ROWS)))
    report.add(
        "statements for a 1,000-row workbook",
        many,
        "statements",
        reference="statements for a 100-row workbook",
        reference_value=few,
    )
    report.add(
        "peak memory of the process that checks a 1,000-row workbook",
        _peak(cast),
        "MB",
        reference="wanted at most",
        reference_value=MOST_MEGABYTES,
    )


def _file(cast: journeys.Cast, count: int, number: int) -> bytes:
    start = number * ROWS
    return book([person(n, cast.recipient.email) for n in range(start, start + count)])


def _upload(cast: journeys.Cast, data: bytes) -> Upload:
    return services.upload_file(
        kind=REGISTER,
        organisation_id=cast.applicant.organisation_id,
        actor=cast.applicant,
        name="bench.xlsx",
        data=data,
        now=timezone.now(),
    )


def _rate(cast: journeys.Cast, number: int) -> float:
    data = _file(cast, ROWS, number)
    start = time.perf_counter()
    upload = _upload(cast, data)
    checking.check(upload_id=upload.pk, now=timezone.now())
    seconds = time.perf_counter() - start
    upload.refresh_from_db()
    assert (upload.row_count, upload.error_count) == (ROWS, 0), "the rows were not right"
    return ROWS / seconds


def _statements(cast: journeys.Cast, count: int, number: int) -> int:
    data = _file(cast, count, number)
    with CaptureQueriesContext(connection) as captured:
        checking.check(upload_id=_upload(cast, data).pk, now=timezone.now())
    return len(captured)


def _peak(cast: journeys.Cast) -> float:
    upload = _upload(cast, _file(cast, ROWS, ROUNDS + 2))
    answer = subprocess.run(
        [sys.executable, "-c", _PEAK.format(pk=upload.pk)],
        cwd=ROOT,
        env=os.environ.copy(),
        capture_output=True,
        text=True,
        check=True,
    )
    return int(answer.stdout.split()[-1]) / 1024
