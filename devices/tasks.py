"""The bell's side of this app: a task carries no data and may run twice or late."""

from __future__ import annotations

from celery import shared_task

from devices.guard import publishing
from devices.guard.waking import FULL, PUBLISH_TASK
from portal.gateways import clock


@shared_task(name=PUBLISH_TASK)
def publish_whitelist(how: str = "") -> None:
    """After a commit that changed the list, and each minute for what was missed."""
    publishing.publish(now_fn=clock.now, full=how == FULL)
