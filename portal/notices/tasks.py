"""The bell's side of mail: no argument, safe to run twice."""

from __future__ import annotations

from celery import shared_task

from portal.gateways import clock
from portal.notices import delivery
from portal.notices.services import SEND_TASK

_BATCHES = 20


@shared_task(name=SEND_TASK)
def send_notices() -> None:
    """Each minute and after each commit that queued a mail: send what is due."""
    for _ in range(_BATCHES):
        result = delivery.send_due(now_fn=clock.now)
        if result.count < delivery.BATCH or not (result.sent or result.dropped):
            return
