"""Application numbers: A-2026-000123, from one database sequence, never used twice."""

from __future__ import annotations

from datetime import datetime

from django.db import connection

from portal.common.time import today


def next_number(prefix: str, now: datetime) -> str:
    """The next free number; gaps are possible, doubles are not."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT nextval('workflow_application_number')")
        (value,) = cursor.fetchone()
    return f"{prefix}-{today(now).year}-{value:06d}"
