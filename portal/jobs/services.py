"""Running jobs: each once for each period, whoever asks, caught up after an outage, or now for an operator (SEC-04)."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import translation

from portal.common import bell
from portal.common.time import JST
from portal.jobs import claiming
from portal.jobs.errors import AlreadyOpen, NotAllowed, UnknownJob
from portal.jobs.heartbeat import Heartbeat, NowFn, Progress
from portal.jobs.models import OPEN, JobRun, JobRunStatus
from portal.jobs.table import Job, all_jobs, find_job
from portal.orgs import outbox, selectors
from portal.orgs.models import User
from portal.orgs.permissions import RUN_OPERATIONS
from portal.trail import services as trail

log = logging.getLogger(__name__)

RUN_TASK = "portal.jobs.tasks.run_job"
_TRY_AGAIN_AFTER = timedelta(minutes=5)
_TOLD_AGAIN_AFTER = timedelta(hours=20)  # a job of every minute that fails must not fill mailboxes
_WORKER_LOST = "WorkerLost"


def due(now: datetime, jobs: Iterable[Job] | None = None) -> list[str]:
    """The names of the jobs that have something to do now. Each is carried out by a task of its own."""
    return [job.name for job in (all_jobs() if jobs is None else jobs) if claiming.has_work(job, now)]


def run_due(now: datetime, jobs: Iterable[Job] | None = None) -> list[JobRun]:
    """Run whatever is due, one job after the other; the runs of this call."""
    return [run for job in (all_jobs() if jobs is None else jobs) for run in run_job(job, now_fn=lambda: now)]


def run_job(job: Job, *, now_fn: NowFn) -> list[JobRun]:
    """Run what this job owes: what an operator asked for, then its periods in order; the runs of this call.

    Called by any number of workers at once: the unique pair of job and period and the one open run decide.
    """
    for lost in claiming.lost_runs(job, now_fn()):
        _fail(job, lost, _WORKER_LOST, now_fn(), try_again_after=timedelta())
    done = []
    if (asked := claiming.take_queued(job, now_fn())) is not None:
        moment = now_fn().astimezone(JST).replace(second=0, microsecond=0)
        done.append(_carry_out(job, moment, asked, now_fn))
    for moment in claiming.missed(job, now_fn()):
        run = claiming.claim(job, moment, now_fn())
        if run is None:
            break  # another worker is at it, or it failed for now: later periods wait for it
        done.append(_carry_out(job, moment, run, now_fn))
        if run.status != JobRunStatus.DONE:
            break
    return done


@transaction.atomic
def request_run(*, job_name: str, actor: User, now: datetime) -> JobRun:
    """Let a job run now, beside its schedule, as soon as a worker is free. The trail keeps who asked.

    Raises NotAllowed, UnknownJob, and AlreadyOpen while a run of the job is open.
    """
    if not actor.may(RUN_OPERATIONS):
        raise NotAllowed(job_name)
    job = find_job(job_name)
    if job is None:
        raise UnknownJob(job_name)
    for lost in claiming.lost_runs(job, now):
        _fail(job, lost, _WORKER_LOST, now, try_again_after=timedelta())
    run = _queue(job, actor, now)
    trail.record(
        action="job.run",
        now=now,
        actor=actor,
        object_type="job",
        object_id=job.name,
        object_label=run.period,
        object_organisation_id=actor.organisation_id,
    )
    bell.ring_on_commit(RUN_TASK, job.name)
    return run


def _queue(job: Job, actor: User, now: datetime) -> JobRun:
    """A row with a period of its own: the second in which it was asked for."""
    if JobRun.objects.filter(job=job.name, status__in=OPEN).exists():
        raise AlreadyOpen(job.name)
    try:
        with transaction.atomic():
            return JobRun.objects.create(
                job=job.name,
                period=f"{now.astimezone(JST):%Y-%m-%dT%H:%M:%S}",
                requested_by=actor,
                status=JobRunStatus.QUEUED,
                started_at=now,
                lease_until=now,
                attempts=0,
            )
    except IntegrityError as error:
        raise AlreadyOpen(job.name) from error


def _carry_out(job: Job, moment: datetime, run: JobRun, now_fn: NowFn) -> JobRun:
    with Heartbeat(run, now_fn) as heartbeat:
        values: dict[str, Any] = {"now": run.started_at}
        if job.every_period:
            values["period"] = moment
        if job.reports_progress:
            values["progress"] = Progress(run, heartbeat)
        try:
            told = job.run(**values)
        except Exception as error:
            # As everywhere: the text of an unexpected error may hold personal data, its class does not.
            log.error("job %s for %s: %s", job.name, run.period, type(error).__name__)
            _fail(job, run, type(error).__name__, now_fn(), try_again_after=_TRY_AGAIN_AFTER)
        else:
            claiming.settle(run, status=JobRunStatus.DONE, summary=_summary(told), finished_at=now_fn())
    return run


def _summary(told: object) -> str:
    return "" if told is None else str(told)[:300]


@transaction.atomic
def _fail(job: Job, run: JobRun, reason: str, now: datetime, *, try_again_after: timedelta) -> None:
    """Write that it failed; operations are mailed once when nothing tries it again."""
    values = {"status": JobRunStatus.FAILED, "summary": reason, "finished_at": now}
    if claiming.settle(run, **values, lease_until=now + try_again_after) and run.failed_for_good:
        _tell_operations(job, run, now)


def _tell_operations(job: Job, run: JobRun, now: datetime) -> None:
    runs = JobRun.objects.filter(job=job.name)
    told = runs.filter(told_at__gt=now - _TOLD_AGAIN_AFTER).order_by("-told_at").first()
    if told is not None and not runs.filter(status=JobRunStatus.DONE, finished_at__gt=told.told_at).exists():
        return
    JobRun.objects.filter(pk=run.pk).update(told_at=now)
    with translation.override("ja"):
        context = {"job": job.name, "label": str(job.label), "period": run.period, "reason": run.summary}
    for operator in selectors.operators(now):
        outbox.queue(
            template="job_failed",
            now=now,
            organisation_id=operator.organisation_id,
            to_user=operator,
            context=context,
        )
