"""What the months of the audit tell other rooms: where their mail leads and what stands in the calendar."""

from __future__ import annotations

from audit.cycles import calendar, telling
from portal.workflow.calendar import entries


def register_all() -> None:
    """Called once from AuditConfig.ready."""
    telling.register_all()
    entries.register(calendar.entries)
