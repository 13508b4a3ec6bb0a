"""From approval to operations, and from settled operations back to the application."""

from __future__ import annotations

from datetime import datetime

from portal.fulfilment.models import Operation


def operation_settled(operation: Operation, now: datetime) -> None:
    """Update the application of a settled operation."""
