"""What the history of jobs keeps."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db.models import Exists, OuterRef

from portal.jobs.models import OPEN, JobRun

_KEPT = timedelta(days=400)


def purge_old_runs(*, now: datetime) -> int:
    """Remove runs older than 400 days; how many. The newest run of each schedule stays: it says what is owed since."""
    newer = JobRun.objects.filter(
        job=OuterRef("job"), requested_by__isnull=True, period__gt=OuterRef("period")
    )
    old = JobRun.objects.filter(started_at__lt=now - _KEPT).exclude(status__in=OPEN)
    count, _by_model = old.filter(Exists(newer)).delete()
    return count
