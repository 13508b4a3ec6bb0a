"""How late a step is: a pure function of days (AUD-08)."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from audit.cycles.lateness import Level, late_steps, lateness
from audit.cycles.models import CycleStep
from audit.cycles.working_days import WorkingDays
from audit.reports.models import ReportStatus
from tests import factories
from tests.audit import world
from tests.audit.world import jst

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

    assert (found.days, found.level, found.is_red) == (days, level, level == Level.CENTRAL)


def test_nobody_is_blamed_for_the_delay_of_those_before() -> None:
    def of(since: dt.date) -> Any:
        return lateness(RULE, due_on=DUE, today=dt.date(2026, 9, 30), days=WorkingDays(), owed_since=since)

    assert of(dt.date(2026, 9, 10)).days == 5
    assert (of(dt.date(2026, 9, 28)).days, of(dt.date(2026, 9, 28)).level) == (2, Level.OWNER)
    assert (of(dt.date(2026, 9, 30)).days, of(dt.date(2026, 9, 30)).level) == (0, Level.LATE)


@pytest.mark.django_db
def test_late_steps_are_what_is_owed_by_each_report_within_scope(django_assert_max_num_queries: Any) -> None:
    august, september = world.open_cycle(dt.date(2026, 8, 1)), world.open_cycle()
    world.all_reports(august, ReportStatus.COPY_STORED)
    world.report(august, "13", ReportStatus.PROVIDED, provided_at=jst(2026, 9, 24, 10))
    world.report(august, "27", ReportStatus.CREATED, made_at=jst(2026, 8, 28, 10))
    officer = factories.user("SECURITY_OFFICER", code="13")

    assert late_steps(dt.date(2026, 9, 18)) == []
    with django_assert_max_num_queries(3):
        found = late_steps(dt.date(2026, 10, 6))

    pairs = [(each.step.cycle.key, each.step.step, each.report.organisation.code) for each in found]
    assert pairs[:2] == [("2026-08", 2, "27"), ("2026-08", 4, "13")]
    assert set(pairs[2:]) == {("2026-09", 1, f"{n:02}") for n in range(1, 48)}
    assert [each.lateness.level for each in found[:2]] == [Level.CENTRAL, Level.CENTRAL]
    own = late_steps(dt.date(2026, 10, 6), user=officer)
    assert {each.report.organisation.code for each in own} == {"13"}
    assert len(late_steps(dt.date(2026, 10, 6), owner="OPERATIONS")) == 47
    world.all_reports(september, ReportStatus.CREATED)
    assert len(late_steps(dt.date(2026, 10, 6))) == 2
