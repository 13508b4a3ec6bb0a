"""What the tests of jobs share: a table of their own, and a job that writes down when it ran."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest

from portal import schedule
from portal.common.time import JST
from portal.jobs.table import Job

FRIDAY = dt.datetime(2026, 11, 20, 9, 0, tzinfo=JST)
MINUTE = dt.timedelta(minutes=1)


def job(run: Callable[..., str] = lambda **_: "done", **changes: Any) -> Job:
    """A job that is due each day at half past eight."""
    values: dict[str, Any] = {"name": "test", "label": "試験処理", "cron": "30 8 * * *", "why": "test"}
    return Job(run=run, **values | changes)


def use_table(monkeypatch: pytest.MonkeyPatch, *jobs: Job) -> None:
    """Make these the jobs of the portal."""
    monkeypatch.setattr(schedule, "JOBS", jobs)
