"""The bell's side of fulfilment: tasks carry a target's name only, and may run twice or late."""

from __future__ import annotations

from celery import shared_task
from django.conf import settings

from portal.common import bell
from portal.fulfilment import gate, services
from portal.fulfilment.by_hand import DRAIN_TASK
from portal.fulfilment.running import DRAIN_LIMIT
from portal.gateways import clock


@shared_task(name=DRAIN_TASK)
def drain_target(target: str) -> None:
    """Carry out what is due at one target over warm connections; ring again when there may be more."""
    hands = int(settings.FULFILMENT["hands"])
    if services.drain(target, limit=DRAIN_LIMIT, now_fn=clock.now, hands=hands) >= DRAIN_LIMIT:
        bell.ring_now(DRAIN_TASK, target)


@shared_task(name="portal.fulfilment.tasks.sweep")
def sweep() -> None:
    """Each minute: feed again what was missed."""
    services.sweep(clock.now())


@shared_task(name=gate.CHECK_TASK)
def check_gate() -> None:
    """While the gate is closed: compare, and open it when all is known."""
    if gate.run_checks(clock.now()):
        services.sweep(clock.now())
