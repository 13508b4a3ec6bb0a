"""What outages tell other rooms: where their mail leads, what stands on the home page."""

from __future__ import annotations

from portal.workflow import banners, waiting
from requests.outages import selectors, telling


def register_all() -> None:
    """Called once from ChangeRequestsConfig.ready."""
    telling.register_all()
    banners.register(selectors.banners)
    waiting.register(selectors.waiting_for)
