"""Scheduled jobs run once for each period and catch up after an outage (SEC-04)."""

from __future__ import annotations

import datetime as dt
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pyrage
import pytest
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session
from django.db import connection
from django.utils import timezone

from portal import schedule
from portal.beat import BEAT
from portal.common.time import JST
from portal.jobs import services, tasks
from portal.jobs.models import JobRun
from portal.jobs.table import Job, all_jobs
from portal.trail import sealing
from portal.workflow.models import IdempotencyKey
from tests import factories
from tests.evidence import RunningSigner
from tests.fakes import FakeDirectory

pytestmark = pytest.mark.django_db

FRIDAY = dt.datetime(2026, 11, 20, 9, 0, tzinfo=JST)


class Recorder:
    """A job that writes down when it ran, and fails as often as told."""

    def __init__(self) -> None:
        self.calls: list[dict[str, Any]] = []
        self.failures = 0

    def __call__(self, **values: Any) -> str:
        self.calls.append(values)
        if self.failures:
            self.failures -= 1
            raise RuntimeError("personal data")
        return f"run {len(self.calls)}"

    @property
    def periods(self) -> list[str]:
        return [f"{call['period']:%m-%d %H:%M}" for call in self.calls]


def job(run: Recorder, **changes: Any) -> Job:
    values: dict[str, Any] = {"name": "test", "label": "test", "cron": "30 8 * * *", "why": "test"} | changes
    return Job(run=run, **values)


def test_a_job_runs_once_for_its_period() -> None:
    recorder = Recorder()

    for minutes in range(3):
        services.run_due(FRIDAY + dt.timedelta(minutes=minutes), [job(recorder)])
    services.run_due(FRIDAY + dt.timedelta(days=1), [job(recorder)])

    assert len(recorder.calls) == 2
    assert list(JobRun.objects.order_by("period").values_list("period", "status", "summary")) == [
        ("2026-11-20T08:30", "DONE", "run 1"),
        ("2026-11-21T08:30", "DONE", "run 2"),
    ]


def test_it_does_not_run_before_its_time() -> None:
    recorder = Recorder()
    services.run_due(FRIDAY, [job(recorder)])

    services.run_due(FRIDAY + dt.timedelta(hours=23, minutes=29), [job(recorder)])

    assert len(recorder.calls) == 1


def test_after_three_days_a_state_is_brought_up_to_date_once() -> None:
    recorder = Recorder()
    services.run_due(FRIDAY, [job(recorder)])

    services.run_due(FRIDAY + dt.timedelta(days=3), [job(recorder)])

    assert list(JobRun.objects.order_by("period").values_list("period", flat=True)) == [
        "2026-11-20T08:30",
        "2026-11-23T08:30",
    ]


def test_after_three_days_what_is_owed_for_each_period_is_done_in_order() -> None:
    recorder = Recorder()
    daily = job(recorder, every_period=True)
    services.run_due(FRIDAY, [daily])

    services.run_due(FRIDAY + dt.timedelta(days=3), [daily])

    assert recorder.periods == ["11-20 08:30", "11-21 08:30", "11-22 08:30", "11-23 08:30"]


def test_a_new_portal_owes_nothing_for_the_past() -> None:
    recorder = Recorder()

    services.run_due(FRIDAY, [job(recorder, every_period=True)])

    assert recorder.periods == ["11-20 08:30"]


def test_a_failed_period_is_tried_again_three_times_and_later_ones_wait() -> None:
    recorder = Recorder()
    daily = job(recorder, every_period=True)
    services.run_due(FRIDAY, [daily])
    recorder.failures = 2

    for minutes in (0, 1, 5, 10):
        services.run_due(FRIDAY + dt.timedelta(days=2, minutes=minutes), [daily])

    assert recorder.periods[1:] == ["11-21 08:30"] * 3 + ["11-22 08:30"]
    repeated = JobRun.objects.get(period="2026-11-21T08:30")
    assert (repeated.status, repeated.attempts) == ("DONE", 3)


def test_after_the_third_failure_the_next_period_has_its_turn() -> None:
    recorder = Recorder()
    daily = job(recorder, every_period=True)
    recorder.failures = 3

    for minutes in (0, 5, 10, 15):
        services.run_due(FRIDAY + dt.timedelta(minutes=minutes), [daily])
    services.run_due(FRIDAY + dt.timedelta(days=1), [daily])

    assert recorder.periods == ["11-20 08:30"] * 3 + ["11-21 08:30"]
    failed = JobRun.objects.get(period="2026-11-20T08:30")
    assert (failed.status, failed.summary) == ("FAILED", "RuntimeError")


def test_a_run_whose_worker_died_is_taken_over_when_its_lease_ends() -> None:
    recorder = Recorder()
    JobRun.objects.create(
        job="test",
        period="2026-11-20T08:30",
        started_at=FRIDAY,
        lease_until=FRIDAY + dt.timedelta(minutes=5),
    )

    services.run_due(FRIDAY + dt.timedelta(minutes=4), [job(recorder)])
    assert recorder.calls == []
    services.run_due(FRIDAY + dt.timedelta(minutes=5), [job(recorder)])

    assert len(recorder.calls) == 1
    assert JobRun.objects.get().status == "DONE"


@pytest.mark.django_db(transaction=True)
def test_of_many_workers_one_runs_the_job() -> None:
    recorder = Recorder()
    barrier = threading.Barrier(6)

    def work(_: int) -> None:
        barrier.wait(timeout=10)
        try:
            services.run_due(FRIDAY, [job(recorder)])
        finally:
            connection.close()

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(work, range(6)))

    assert len(recorder.calls) == 1


def test_every_job_of_the_table_runs_and_is_done(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, settings: Any, signer: RunningSigner
) -> None:
    directory = FakeDirectory()
    key = str(pyrage.x25519.Identity.generate().to_public())
    settings.CONTINUITY = {**settings.CONTINUITY, "recipients": [key], "folder": str(tmp_path)}
    monkeypatch.setattr("portal.continuity.packing.render_pdf", lambda template, context: b"%PDF-")
    monkeypatch.setattr("portal.gateways.directory_factory.get_directory", lambda: directory)
    sealing.seal(now=timezone.now())  # the checkpoint that is mailed
    for name in services.due(timezone.now()):
        tasks.run_job(name)

    assert {run.job: run.status for run in JobRun.objects.all()}.items() <= {
        entry.name: "DONE" for entry in all_jobs()
    }.items()
    for entry in all_jobs():
        values: dict[str, Any] = {"now": timezone.now()}
        if entry.every_period:
            values["period"] = timezone.localtime()
        if entry.reports_progress:
            values["progress"] = lambda done, total: None
        entry.run(**values)


def test_names_of_jobs_are_unique_and_their_times_can_be_read() -> None:
    assert len({entry.name for entry in all_jobs()}) == len(all_jobs())
    assert all(entry.times.next_after(FRIDAY) for entry in all_jobs())


def test_the_beat_knows_only_tasks_that_exist() -> None:
    from portal.celery import app

    app.loader.import_default_modules()
    assert {entry["task"] for entry in app.conf.beat_schedule.values()} <= set(app.tasks)
    assert app.conf.beat_schedule == BEAT


def test_old_idempotency_keys_and_ended_sessions_go() -> None:
    now = timezone.now()
    user = factories.applicant()
    for key, age in (("old", 3), ("new", 1)):
        row = IdempotencyKey.objects.create(user=user, key=key, request_digest="0")
        IdempotencyKey.objects.filter(pk=row.pk).update(created_at=now - dt.timedelta(days=age))
    for ended in (True, False):
        session = SessionStore()
        session.set_expiry(now + dt.timedelta(days=-1 if ended else 1))
        session.create()

    table = {job.name: job for job in schedule.JOBS}
    assert table["purge_idempotency_keys"].run(now=now) == 1
    table["purge_sessions"].run(now=now)

    assert list(IdempotencyKey.objects.values_list("key", flat=True)) == ["new"]
    assert Session.objects.count() == 1
