"""Which periods a job still owes, and which worker may run it: one for each period, and one at a time (SEC-04)."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import F, Q

from portal.common.time import JST
from portal.jobs.heartbeat import LEASE, held
from portal.jobs.models import ATTEMPTS, OPEN, JobRun, JobRunStatus
from portal.jobs.table import Job

_LOOK_BACK = timedelta(days=62)  # nothing older is caught up
_FIRST_LOOK_BACK = timedelta(days=1)  # of a job that never ran: a new portal owes nothing for the past
_MINUTE = timedelta(minutes=1)


def scheduled(job: Job) -> Any:
    """The runs of the schedule; what operators asked for is no period that counts."""
    return JobRun.objects.filter(job=job.name, requested_by__isnull=True).order_by("period")


def missed(job: Job, now: datetime) -> list[datetime]:
    """The moments of periods that are still to be run, oldest first: all of them, or only the newest."""
    known = scheduled(job).values_list("period", flat=True)
    oldest = known.first()
    if oldest is None:
        return list(job.times.between(now - _FIRST_LOOK_BACK, now))[-1:]
    if not job.every_period:
        newest = _moment_of(known.last() or oldest) - _MINUTE
        return list(job.times.between(max(newest, now - _LOOK_BACK), now))[-1:]
    over = Q(status=JobRunStatus.DONE) | Q(status=JobRunStatus.FAILED, attempts__gte=ATTEMPTS)
    last = known.filter(over).last()
    start = _moment_of(last) if last else _moment_of(oldest) - _MINUTE
    return list(job.times.between(max(start, now - _LOOK_BACK), now))


def has_work(job: Job, now: datetime) -> bool:
    """Whether a worker would find something to do, told without a lock."""
    runs = JobRun.objects.filter(job=job.name)
    open_run = runs.filter(status__in=OPEN).first()
    if open_run is not None:
        return open_run.status == JobRunStatus.QUEUED or open_run.lease_until <= now
    moments = missed(job, now)
    if not moments:
        return False
    run = runs.filter(period=job.period_of(moments[0])).first()
    return run is None or _can_be_tried_again(run, now)


def claim(job: Job, moment: datetime, now: datetime) -> JobRun | None:
    """The right to run the job for the period that began at `moment`.

    None when another run of the job is open, when the period had its run, or when it is too early to try again.
    """
    runs = JobRun.objects.filter(job=job.name)
    if runs.filter(status__in=OPEN).exists():
        return None
    run = runs.filter(period=job.period_of(moment)).first()
    if run is not None and not _can_be_tried_again(run, now):
        return None
    values: dict[str, Any] = {"started_at": now, "lease_until": now + LEASE}
    try:
        with transaction.atomic():
            if run is None:
                return JobRun.objects.create(job=job.name, period=job.period_of(moment), **values)
            return _start(run, values)
    except IntegrityError:
        return None  # another worker was faster


def take_queued(job: Job, now: datetime) -> JobRun | None:
    """The run that an operator asked for, as running and ours; None when there is none or another worker has it."""
    run = JobRun.objects.filter(job=job.name, status=JobRunStatus.QUEUED).first()
    return _start(run, {"started_at": now, "lease_until": now + LEASE}) if run else None


def lost_runs(job: Job, now: datetime) -> list[JobRun]:
    """Runs whose worker died: their lease is over."""
    return list(JobRun.objects.filter(job=job.name, status=JobRunStatus.RUNNING, lease_until__lte=now))


def settle(run: JobRun, **values: Any) -> bool:
    """Write the end of a run; False when another worker has taken it over, and then nothing is written."""
    written = bool(held(run).update(**values))
    run.refresh_from_db()
    return written


def _start(run: JobRun, values: dict[str, Any]) -> JobRun | None:
    unchanged = JobRun.objects.filter(pk=run.pk, status=run.status, attempts=run.attempts)
    values = values | {"status": JobRunStatus.RUNNING, "attempts": F("attempts") + 1, "finished_at": None}
    if not unchanged.update(**values, progress_done=0, progress_total=0):
        return None
    run.refresh_from_db()
    return run


def _can_be_tried_again(run: JobRun, now: datetime) -> bool:
    return (
        run.status == JobRunStatus.FAILED
        and not run.failed_for_good
        and run.requested_by_id is None
        and run.lease_until <= now
    )


def _moment_of(period: str) -> datetime:
    return datetime.strptime(period, "%Y-%m-%dT%H:%M").replace(tzinfo=JST)
