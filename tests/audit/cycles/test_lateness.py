"""How late a step is: a pure function of days (AUD-08)."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from audit.cycles.lateness import Level, lateness
from audit.cycles.models import CycleStep
from audit.cycles.working_days import WorkingDays

RULE = CycleStep(escalate_owner=1, escalate_supervisor=3, escalate_central=5)
DUE = dt.date(2026, 9, 18)  # the Friday before the five-day holiday


@pytest.mark.parametrize(
    ("today", "days", "level"),
    [
        ("2026-09-17", 0, Level.IN_TIME),
        ("2026-09-18", 0, Level.IN_TIME),
        ("2026-09-19", 0, Level.LATE),  # nobody works until the 24th, and nobody is told
        ("2026-09-23", 0, Level.LATE),
        ("2026-09-24", 1, Level.OWNER),
        ("2026-09-25", 2, Level.OWNER),
        ("2026-09-28", 3, Level.SUPERVISOR),
        ("2026-09-29", 4, Level.SUPERVISOR),
        ("2026-09-30", 5, Level.CENTRAL),
        ("2027-03-01", 103, Level.CENTRAL),
    ],
)
def test_lateness_counts_working_days(today: str, days: int, level: Level) -> None:
    found = lateness(RULE, due_on=DUE, today=dt.date.fromisoformat(today), days=WorkingDays())

    assert (found.days, found.level) == (days, level)


def test_nobody_is_blamed_for_the_delay_of_those_before() -> None:
    def of(since: dt.date) -> Any:
        return lateness(RULE, due_on=DUE, today=dt.date(2026, 9, 30), days=WorkingDays(), owed_since=since)

    assert of(dt.date(2026, 9, 10)).days == 5
    assert (of(dt.date(2026, 9, 28)).days, of(dt.date(2026, 9, 28)).level) == (2, Level.OWNER)
    assert (of(dt.date(2026, 9, 30)).days, of(dt.date(2026, 9, 30)).level) == (0, Level.LATE)
