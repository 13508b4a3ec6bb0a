"""What outages tell other rooms: where their mail leads, what stands on the home page and in the calendar."""

from __future__ import annotations

from portal.workflow import banners, waiting
from portal.workflow.calendar import entries
from requests.outages import calendar, selectors, telling


def register_all() -> None:
    """Called once from ChangeRequestsConfig.ready."""
    telling.register_all()
    entries.register(calendar.entries)
    banners.register(selectors.banners)
    waiting.register(selectors.waiting_for)
