"""The clock, as a gateway: one place to ask for the time, so that tests can stop it."""

from __future__ import annotations

from datetime import datetime

from django.utils import timezone


def now() -> datetime:
    """The present moment, in UTC and aware of it."""
    return timezone.now()
