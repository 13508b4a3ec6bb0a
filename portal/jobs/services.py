"""Running what is due: each job once for each period, whoever asks, caught up after an outage (SEC-04)."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from django.db.models import F, Q

from portal.common.time import JST
from portal.jobs.models import JobRun, JobRunStatus
from portal.jobs.table import Job, all_jobs

log = logging.getLogger(__name__)

ATTEMPTS = 3
_LEASE = timedelta(minutes=30)
_TRY_AGAIN_AFTER = timedelta(minutes=5)
_LOOK_BACK = timedelta(days=62)  # nothing older is caught up
_FIRST_LOOK_BACK = timedelta(days=1)  # of a job that never ran: a new portal owes nothing for the past


def run_due(now: datetime, jobs: Iterable[Job] | None = None) -> list[JobRun]:
    """Run every job whose period began and that nobody ran yet; the runs of this call.

    Called each minute, by any number of workers: the unique pair of job and period decides who runs it.
    """
    done = []
    for job in all_jobs() if jobs is None else jobs:
        for moment in _missed(job, now):
            run = _claim(job, moment, now)
            if run is None:
                if job.every_period:
                    break  # another worker is at this period, or it failed for now: later ones wait for it
                continue
            _carry_out(job, moment, run, now)
            done.append(run)
            if job.every_period and run.status != JobRunStatus.DONE:
                break
    return done


def _missed(job: Job, now: datetime) -> list[datetime]:
    """The moments of periods that are still to be run, oldest first."""
    known = JobRun.objects.filter(job=job.name).order_by("period")
    oldest = known.values_list("period", flat=True).first()
    if oldest is None:
        return list(job.times.between(now - _FIRST_LOOK_BACK, now))[-1:]
    if not job.every_period:
        return list(job.times.between(now - _LOOK_BACK, now))[-1:]
    over = Q(status=JobRunStatus.DONE) | Q(status=JobRunStatus.FAILED, attempts__gte=ATTEMPTS)
    last = known.filter(over).values_list("period", flat=True).last()
    start = _moment_of(last) if last else _moment_of(oldest) - timedelta(minutes=1)
    return list(job.times.between(max(start, now - _LOOK_BACK), now))


def _moment_of(period: str) -> datetime:
    return datetime.strptime(period, "%Y-%m-%dT%H:%M").replace(tzinfo=JST)


def _claim(job: Job, moment: datetime, now: datetime) -> JobRun | None:
    """The right to run the job for this period; None when somebody has it, had it, or it is too early to try again."""
    period = job.period_of(moment)
    values: dict[str, Any] = {"started_at": now, "lease_until": now + _LEASE}
    run, made = JobRun.objects.get_or_create(job=job.name, period=period, defaults=values)
    if made:
        return run
    # A worker that died in the middle, or a failure: the compare-and-set decides who goes on.
    again = JobRun.objects.filter(pk=run.pk, lease_until__lte=now, attempts__lt=ATTEMPTS).exclude(
        status=JobRunStatus.DONE
    )
    values |= {"status": JobRunStatus.RUNNING, "attempts": F("attempts") + 1, "finished_at": None}
    if not again.update(**values):
        return None
    run.refresh_from_db()
    return run


def _carry_out(job: Job, moment: datetime, run: JobRun, now: datetime) -> None:
    try:
        summary = job.run(now=now, period=moment) if job.every_period else job.run(now=now)
    except Exception as error:
        # As everywhere: the text of an unexpected error may hold personal data, its class does not.
        log.error("job %s for %s: %s", job.name, run.period, type(error).__name__)
        _finish(run, JobRunStatus.FAILED, type(error).__name__, now, now + _TRY_AGAIN_AFTER)
    else:
        _finish(run, JobRunStatus.DONE, summary, now, run.lease_until)


def _finish(run: JobRun, status: str, summary: str, now: datetime, lease_until: datetime) -> None:
    """Write the result, unless another worker took the period over because this one was too slow."""
    run.status, run.summary, run.finished_at, run.lease_until = status, summary[:300], now, lease_until
    JobRun.objects.filter(pk=run.pk, attempts=run.attempts, status=JobRunStatus.RUNNING).update(
        status=run.status, summary=run.summary, finished_at=run.finished_at, lease_until=run.lease_until
    )
