"""What the page of jobs shows: when each job ran last, and when it runs next (SEC-04)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from portal.jobs.models import JobRun
from portal.jobs.table import Job, all_jobs


@dataclass(frozen=True)
class JobState:
    """One line of the page."""

    job: Job
    last: JobRun | None
    next_at: datetime | None


def job_states(now: datetime) -> list[JobState]:
    """Every job in the order of the table."""
    newest = JobRun.objects.order_by("job", "-period").distinct("job")
    last = {run.job: run for run in newest}
    return [JobState(job, last.get(job.name), job.times.next_after(now)) for job in all_jobs()]


def recent_runs(limit: int = 50) -> list[JobRun]:
    """The newest runs of all jobs."""
    return list(JobRun.objects.order_by("-started_at", "-pk")[:limit])
