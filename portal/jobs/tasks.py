"""The bell's side of the jobs."""

from __future__ import annotations

from celery import shared_task

from portal.gateways import clock
from portal.jobs import services


@shared_task(name="portal.jobs.tasks.run_due_jobs")
def run_due_jobs() -> None:
    """Each minute: run the jobs whose period began."""
    services.run_due(clock.now())
