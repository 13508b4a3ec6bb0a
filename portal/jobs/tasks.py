"""The bell's side of the jobs: one task for each job, so that a slow one holds up no other."""

from __future__ import annotations

import logging

from celery import shared_task

from portal.common import bell
from portal.gateways import clock
from portal.jobs import services
from portal.jobs.table import find_job

log = logging.getLogger(__name__)


@shared_task(name="portal.jobs.tasks.run_due_jobs")
def run_due_jobs() -> None:
    """Each minute: ring for every job that has something to do."""
    for name in services.due(clock.now()):
        bell.ring_now(services.RUN_TASK, name)


@shared_task(name=services.RUN_TASK)
def run_job(name: str) -> None:
    """Run what one job owes, in the queue of the jobs."""
    job = find_job(name)
    if job is None:
        log.warning("there is no job %s any more", name)
        return
    services.run_job(job, now_fn=clock.now)
