"""The bell's side of the exchange."""

from __future__ import annotations

from celery import shared_task

from portal.gateways import clock
from portal.two_factor import services


@shared_task(name="portal.two_factor.tasks.exchange")
def exchange() -> None:
    """Each minute: hand over, read, wake."""
    services.exchange(clock.now())
