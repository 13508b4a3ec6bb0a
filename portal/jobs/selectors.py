"""What the pages of jobs show: when each job ran last, when it runs next, and its history (SEC-04)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db import connection
from django.db.models import QuerySet

from portal.jobs.models import OPEN, JobRun
from portal.jobs.table import Job, all_jobs

# The jobs that failed at their newest run. The menu counts them on every page, in one statement with its other numbers.
FAILING = """
    SELECT count(*) FROM jobs_jobrun failed
    WHERE failed.status = 'FAILED' AND failed.job = ANY(%(jobs)s) AND NOT EXISTS (
        SELECT FROM jobs_jobrun newer WHERE newer.job = failed.job AND newer.started_at > failed.started_at
                                        AND newer.status NOT IN ('QUEUED', 'RUNNING'))
"""


@dataclass(frozen=True)
class JobState:
    """One line of the page: `open` is the run that is under way or waits for a worker, `last` the one before it."""

    job: Job
    open: JobRun | None
    last: JobRun | None
    next_at: datetime | None


def job_states(now: datetime) -> list[JobState]:
    """Every job in the order of the table."""
    settled = JobRun.objects.exclude(status__in=OPEN).order_by("job", "-started_at", "-pk").distinct("job")
    last = {run.job: run for run in settled.select_related("requested_by")}
    under_way = {run.job: run for run in JobRun.objects.filter(status__in=OPEN)}
    return [
        JobState(job, under_way.get(job.name), last.get(job.name), job.times.next_after(now))
        for job in all_jobs()
    ]


def job_state(job: Job, now: datetime) -> JobState:
    """One job."""
    found = runs(job.name)
    under_way = found.filter(status__in=OPEN).first()
    last = found.exclude(status__in=OPEN).order_by("-started_at", "-pk").first()
    return JobState(job, under_way, last, job.times.next_after(now))


def runs(job_name: str) -> QuerySet[JobRun]:
    """The history of one job, also of one that is no longer in the table."""
    return JobRun.objects.filter(job=job_name).select_related("requested_by")


def recent_runs(limit: int = 50) -> list[JobRun]:
    """The newest runs of all jobs."""
    return list(JobRun.objects.select_related("requested_by").order_by("-started_at", "-pk")[:limit])


def failing_count() -> int:
    """How many jobs failed at their newest run: the number in the menu of operations."""
    with connection.cursor() as cursor:
        cursor.execute(FAILING, {"jobs": job_names()})
        return int(cursor.fetchone()[0])


def job_names() -> list[str]:
    """The jobs of the table: one that was taken out of it fails no more."""
    return [job.name for job in all_jobs()]
