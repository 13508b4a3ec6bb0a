"""The bell's side of this room: tasks carry numbers only, and may run twice or late."""

from __future__ import annotations

from celery import shared_task

from portal.gateways import clock
from portal.workflow.bulk import checking


@shared_task(name=checking.CHECK_TASK)
def check_upload(upload_id: str) -> None:
    """Check the rows of one file."""
    checking.check(upload_id=int(upload_id), now=clock.now())


@shared_task(name="portal.workflow.tasks.check_missed_uploads")
def check_missed_uploads() -> None:
    """Each minute: files whose check was missed or died."""
    checking.check_missed(clock.now())
