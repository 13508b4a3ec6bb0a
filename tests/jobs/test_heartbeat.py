"""A long run keeps its lease while its worker lives, and tells how far it is (SEC-04)."""

from __future__ import annotations

import datetime as dt
import threading
from typing import Any

import pytest
from django.db import connection

from portal.jobs import services
from portal.jobs.errors import LeaseLost
from portal.jobs.heartbeat import LEASE, Heartbeat, Progress
from portal.jobs.models import JobRun
from tests.jobs.support import FRIDAY, job

pytestmark = pytest.mark.django_db


def running(**changes: Any) -> JobRun:
    values = {"job": "test", "period": "2026-11-20T08:30", "started_at": FRIDAY, "lease_until": FRIDAY}
    return JobRun.objects.create(**values | changes)


@pytest.mark.django_db(transaction=True)
def test_the_lease_is_renewed_from_a_thread_while_the_job_works() -> None:
    run = running()
    beaten = threading.Event()

    def now() -> dt.datetime:
        beaten.set()
        return FRIDAY + dt.timedelta(hours=2)

    with Heartbeat(run, now, seconds=0.001):
        assert beaten.wait(timeout=10)

    run.refresh_from_db()
    assert run.lease_until == FRIDAY + dt.timedelta(hours=2) + LEASE


@pytest.mark.django_db(transaction=True)
def test_a_job_of_two_hours_is_not_started_a_second_time() -> None:
    started, go_on = threading.Event(), threading.Event()
    clock = {"now": FRIDAY}
    calls: list[str] = []

    def slow(**_: Any) -> str:
        calls.append("run")
        started.set()
        assert go_on.wait(timeout=10)
        return "slow"

    def work() -> None:
        try:
            services.run_job(job(slow), now_fn=lambda: clock["now"])
        finally:
            connection.close()

    worker = threading.Thread(target=work)
    worker.start()
    assert started.wait(timeout=10)
    clock["now"] = FRIDAY + dt.timedelta(hours=2)
    Heartbeat(JobRun.objects.get(), lambda: clock["now"]).renew()

    second = services.run_job(job(slow), now_fn=lambda: clock["now"] + dt.timedelta(minutes=1))
    quick = services.run_job(job(name="quick"), now_fn=lambda: clock["now"])
    go_on.set()
    worker.join(timeout=10)

    assert second == []
    assert [run.status for run in quick] == ["DONE"], "a slow job must not hold up another"
    assert calls == ["run"]
    assert JobRun.objects.get(job="test").duration == dt.timedelta(hours=2)


def test_who_lost_the_run_stops_and_writes_nothing() -> None:
    run = running()
    heartbeat = Heartbeat(run, lambda: FRIDAY)
    JobRun.objects.update(attempts=2, summary="the other's")

    heartbeat.renew()

    assert heartbeat.lost
    with pytest.raises(LeaseLost):
        Progress(run, heartbeat)(1, 2)
    run.refresh_from_db()
    assert (run.summary, run.progress_total) == ("the other's", 0)


def test_a_worker_that_was_too_slow_does_not_overwrite_the_result_of_its_successor() -> None:
    def slow(**_: Any) -> str:
        JobRun.objects.update(attempts=2, status="DONE", summary="successor")
        return "too late"

    (run,) = services.run_due(FRIDAY, [job(slow)])

    assert run.summary == "successor"
    assert JobRun.objects.get().summary == "successor"


def test_progress_is_shown_and_the_end_is_always_written() -> None:
    seen = []

    def long(*, now: dt.datetime, progress: Progress) -> str:
        for done in range(1, 501):
            progress(done, 500)
            if done in (1, 2):
                seen.append(JobRun.objects.get().progress_done)
        return "500"

    services.run_due(FRIDAY, [job(long, reports_progress=True)])

    run = JobRun.objects.get()
    assert seen == [1, 1], "written once a second at most"
    assert (run.progress_done, run.progress_total) == (500, 500)
