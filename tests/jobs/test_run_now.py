"""An operator starts a job by hand: beside the schedule, never at the same time as another run of it (SEC-04)."""

from __future__ import annotations

import datetime as dt
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from portal.jobs import claiming, errors, selectors, services, tasks, upkeep
from portal.jobs.models import JobRun
from portal.notices import messages
from portal.notices.models import Notice
from portal.orgs.models import User
from portal.orgs.permissions import Role
from portal.trail.models import TrailEntry
from tests import factories
from tests.jobs.support import FRIDAY, MINUTE, job, use_table

pytestmark = pytest.mark.django_db


@pytest.fixture
def operator() -> User:
    return factories.user(Role.OPERATOR, code="operations", email="unyo@operations.example.jp")


def explode(**_: Any) -> str:
    raise RuntimeError("personal data")


def test_it_runs_beside_the_schedule_and_shows_its_result(
    operator: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    daily = job()
    use_table(monkeypatch, daily)
    services.run_due(FRIDAY, [daily])

    asked = services.request_run(job_name="test", actor=operator, now=FRIDAY + MINUTE)
    waiting = asked.status
    services.run_due(FRIDAY + 2 * MINUTE, [daily])
    services.run_due(FRIDAY + dt.timedelta(days=1), [daily])

    assert waiting == "QUEUED"
    assert list(JobRun.objects.order_by("period").values_list("period", "status", "requested_by")) == [
        ("2026-11-20T08:30", "DONE", None),
        ("2026-11-20T09:01:00", "DONE", operator.pk),
        ("2026-11-21T08:30", "DONE", None),
    ]
    entry = TrailEntry.objects.get(action="job.run")
    assert (entry.actor, entry.object_id) == (operator, "test")


def test_a_run_by_hand_is_no_period_of_the_schedule(operator: User, monkeypatch: pytest.MonkeyPatch) -> None:
    periods: list[str] = []
    daily = job(lambda **values: periods.append(f"{values['period']:%d %H:%M}") or "", every_period=True)  # type: ignore[func-returns-value]
    use_table(monkeypatch, daily)
    services.run_due(FRIDAY, [daily])
    services.request_run(job_name="test", actor=operator, now=FRIDAY + dt.timedelta(days=2))

    services.run_due(FRIDAY + dt.timedelta(days=2, minutes=1), [daily])

    # First what was asked for, then everything that is owed, in order.
    assert periods == ["20 08:30", "22 09:01", "21 08:30", "22 08:30"]


def test_while_a_run_is_open_no_other_can_be_asked_for(
    operator: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_table(monkeypatch, job())
    services.request_run(job_name="test", actor=operator, now=FRIDAY)

    with pytest.raises(errors.AlreadyOpen):
        services.request_run(job_name="test", actor=operator, now=FRIDAY + MINUTE)

    assert JobRun.objects.count() == 1
    assert TrailEntry.objects.filter(action="job.run").count() == 1


def test_the_schedule_waits_for_the_run_by_hand(operator: User, monkeypatch: pytest.MonkeyPatch) -> None:
    daily = job()
    use_table(monkeypatch, daily)
    asked = services.request_run(job_name="test", actor=operator, now=FRIDAY)
    claiming.take_queued(daily, FRIDAY)

    meanwhile = services.run_due(FRIDAY + MINUTE, [daily])
    asked.refresh_from_db()
    claiming.settle(asked, status="DONE", finished_at=FRIDAY + MINUTE)
    after = services.run_due(FRIDAY + 2 * MINUTE, [daily])

    assert meanwhile == []
    assert [run.period for run in after] == ["2026-11-20T08:30"]


def test_the_database_itself_refuses_a_second_open_run(monkeypatch: pytest.MonkeyPatch) -> None:
    values = {"job": "test", "started_at": FRIDAY, "lease_until": FRIDAY}
    JobRun.objects.create(period="2026-11-20T08:30", status="RUNNING", **values)

    for status in ("QUEUED", "RUNNING"):
        with pytest.raises(IntegrityError), transaction.atomic():
            JobRun.objects.create(period="2026-11-20T09:00:01", status=status, **values)


@pytest.mark.django_db(transaction=True)
def test_of_run_now_and_two_beats_at_the_same_moment_never_two_run_together(
    operator: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    together = threading.Semaphore(1)
    clashes: list[str] = []

    def run(**_: Any) -> str:
        if not together.acquire(blocking=False):
            clashes.append("two at once")
            return ""
        try:
            JobRun.objects.count()  # let the other threads at the database
        finally:
            together.release()
        return ""

    daily = job(run)
    use_table(monkeypatch, daily)
    barrier = threading.Barrier(6)

    def work(number: int) -> None:
        barrier.wait(timeout=10)
        try:
            if number % 3 == 0:
                services.request_run(job_name="test", actor=operator, now=FRIDAY)
            for _ in range(3):
                services.run_due(FRIDAY, [daily])
        except errors.AlreadyOpen:
            pass
        finally:
            connection.close()

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(work, range(6)))
    services.run_due(FRIDAY, [daily])

    assert clashes == []
    assert JobRun.objects.filter(period="2026-11-20T08:30").count() == 1
    assert set(JobRun.objects.values_list("status", "attempts")) == {("DONE", 1)}


def test_only_operators_start_jobs_and_only_jobs_that_exist(
    operator: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_table(monkeypatch, job())
    auditor = factories.user(Role.AUDITOR, code="operations")

    with pytest.raises(errors.NotAllowed):
        services.request_run(job_name="test", actor=auditor, now=FRIDAY)
    with pytest.raises(errors.UnknownJob):
        services.request_run(job_name="other", actor=operator, now=FRIDAY)


def test_a_failed_run_by_hand_is_not_repeated_by_itself(
    operator: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    daily = job(explode, cron="30 8 1 1 *")
    use_table(monkeypatch, daily)
    services.request_run(job_name="test", actor=operator, now=FRIDAY)
    services.run_due(FRIDAY, [daily])

    again = services.run_due(FRIDAY + dt.timedelta(hours=1), [daily])

    assert again == []
    assert JobRun.objects.get().status == "FAILED"


# Failures are told


def test_operations_are_mailed_once_when_a_job_failed_for_good(
    operator: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    daily = job(explode)
    use_table(monkeypatch, daily)

    told = []
    for minutes in (0, 5, 10, 15, 20):
        services.run_due(FRIDAY + dt.timedelta(minutes=minutes), [daily])
        told.append(Notice.system.filter(template="job_failed").count())

    assert told == [0, 0, 1, 1, 1]
    notice = Notice.system.get(template="job_failed")
    assert notice.to_user == operator
    assert notice.context["reason"] == "RuntimeError"
    assert selectors.failing_count() == 1
    text = str(messages.build(notice, now=FRIDAY).get_content())
    assert "試験処理" in text
    assert "/jobs/test/" in text
    assert "personal data" not in text


def test_a_job_of_every_minute_that_fails_is_mailed_once_a_day_and_again_after_a_success(
    operator: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    works: list[bool] = []
    minutely = job(lambda **_: "done" if works else explode(), cron="* * * * *", name="minutely")
    use_table(monkeypatch, minutely)

    def run(minutes: int) -> int:
        services.request_run(job_name="minutely", actor=operator, now=FRIDAY + minutes * MINUTE)
        services.run_due(FRIDAY + minutes * MINUTE, [minutely])
        return Notice.system.filter(template="job_failed").count()

    first, second = run(0), run(10)
    works.append(True)
    run(20)
    works.clear()

    assert (first, second, run(30)) == (1, 1, 2)


def test_a_run_whose_worker_died_three_times_is_failed_and_told(
    operator: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    daily = job()
    use_table(monkeypatch, daily)
    JobRun.objects.create(
        job="test", period="2026-11-20T08:30", started_at=FRIDAY, lease_until=FRIDAY, attempts=3
    )

    services.run_due(FRIDAY + MINUTE, [daily])

    run = JobRun.objects.get()
    assert (run.status, run.summary) == ("FAILED", "WorkerLost")
    assert Notice.system.filter(template="job_failed").count() == 1


def test_a_dead_run_of_yesterday_does_not_hold_up_today(monkeypatch: pytest.MonkeyPatch) -> None:
    daily = job()
    JobRun.objects.create(job="test", period="2026-11-19T08:30", started_at=FRIDAY, lease_until=FRIDAY)

    services.run_due(FRIDAY + MINUTE, [daily])

    assert list(JobRun.objects.order_by("period").values_list("period", "status")) == [
        ("2026-11-19T08:30", "FAILED"),
        ("2026-11-20T08:30", "DONE"),
    ]


# One task for each job


def test_the_tick_only_rings_for_what_is_due(operator: User, monkeypatch: pytest.MonkeyPatch) -> None:
    rung: list[tuple[str, ...]] = []
    monkeypatch.setattr("portal.common.bell.ring_now", lambda *args: rung.append(args))
    monkeypatch.setattr("portal.gateways.clock.now", lambda: FRIDAY)
    ran: list[str] = []
    slow, done, asked = (
        job(lambda **_: ran.append("run") or "", name=name) for name in ("slow", "done", "asked")
    )  # type: ignore[func-returns-value]
    use_table(monkeypatch, slow, done, asked, job(name="due"))
    services.run_due(FRIDAY, [done, asked])
    services.request_run(job_name="asked", actor=operator, now=FRIDAY)
    claiming.claim(slow, FRIDAY.replace(hour=8, minute=30), FRIDAY)
    ran.clear()

    tasks.run_due_jobs()

    assert rung == [(services.RUN_TASK, "asked"), (services.RUN_TASK, "due")]
    assert ran == []


def test_tasks_of_jobs_go_to_their_own_queue() -> None:
    from portal.celery import app

    assert app.amqp.router.route({}, services.RUN_TASK)["queue"].name == "jobs"
    assert app.amqp.router.route({}, "portal.jobs.tasks.run_due_jobs")["queue"].name == "celery"


def test_a_task_for_a_job_that_is_gone_does_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    use_table(monkeypatch)

    tasks.run_job("gone")

    assert not JobRun.objects.exists()


def test_old_runs_go_and_the_newest_of_each_schedule_stays(operator: User) -> None:
    now = timezone.now()
    for days, period, by in ((500, "2025-01-01T08:30", None), (450, "2025-02-01T08:30", None)):
        moment = now - dt.timedelta(days=days)
        JobRun.objects.create(
            job="yearly", period=period, status="DONE", started_at=moment, lease_until=moment, requested_by=by
        )

    assert upkeep.purge_old_runs(now=now) == 1
    assert JobRun.objects.get().period == "2025-02-01T08:30"


def test_uneventful_runs_of_every_minute_are_kept_for_two_weeks_and_failed_ones_longer() -> None:
    now = dt.datetime(2026, 11, 30, 3, tzinfo=dt.UTC)
    for days, status in ((15, "DONE"), (15, "FAILED"), (13, "DONE"), (0, "DONE")):
        moment = now - dt.timedelta(days=days)
        JobRun.objects.create(
            job="seal_evidence",
            period=f"{moment:%Y-%m-%dT%H:%M}{'' if status == 'DONE' else ':01'}",
            status=status,
            started_at=moment,
            lease_until=moment,
        )

    assert upkeep.purge_old_runs(now=now) == 1

    assert not JobRun.objects.filter(status="DONE", started_at__lt=now - dt.timedelta(days=14)).exists()
