"""What the history of jobs keeps."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db.models import Exists, OuterRef, Q

from portal.jobs.models import OPEN, JobRun, JobRunStatus
from portal.jobs.table import all_jobs

_KEPT = timedelta(days=400)
_OFTEN_KEPT = timedelta(
    days=14
)  # what went well in jobs of every minute or so: half a million rows a year tell nobody anything
_OFTEN = 48  # runs a day


def purge_old_runs(*, now: datetime) -> int:
    """Remove runs older than 400 days (those that went well in jobs of every minute after 14); how many.

    The newest run of each schedule stays: it says what is owed since.
    """
    day = timedelta(days=1)
    often = [job.name for job in all_jobs() if len(list(job.times.between(now - day, now))) > _OFTEN]
    newer = JobRun.objects.filter(
        job=OuterRef("job"), requested_by__isnull=True, period__gt=OuterRef("period")
    )
    uneventful = Q(job__in=often, status=JobRunStatus.DONE, started_at__lt=now - _OFTEN_KEPT)
    old = JobRun.objects.filter(Q(started_at__lt=now - _KEPT) | uneventful).exclude(status__in=OPEN)
    count, _by_model = old.filter(Exists(newer)).delete()
    return count
