"""The bell's side of this app: a task carries no data and may run twice or late."""

from __future__ import annotations

from celery import shared_task

from portal.gateways import clock
from requests.bundles import services
from requests.bundles.linking import LOOK_TASK


@shared_task(name=LOOK_TASK)
def look_at_bundle(bundle_id: str) -> None:
    """A part was settled: what waits for it goes on or is applied for, and the bundle ends when all is done."""
    if not services.look(bundle_id=int(bundle_id), now=clock.now()):
        services.follow(bundle_id=int(bundle_id), now=clock.now())
