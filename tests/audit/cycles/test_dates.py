"""The days of a month: every month of 2026-2045 under the default version and under generated ones (AUD-02 … AUD-08)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from itertools import pairwise

import holidays
import jpholiday
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audit.cycles import dates, rules
from audit.cycles.models import PolicyStep, Roll, Step
from audit.cycles.working_days import WorkingDays

USUAL = WorkingDays()
MONTHS = [dt.date(year, month, 1) for year in range(2026, 2046) for month in range(1, 13)]
DAY = dt.timedelta(days=1)
# Each of the typical other wishes: everything early, everything on one day, no rolling, long checks.
_TIGHT = [(1, 0), (1, 1), (2, 1), (3, 1), (4, 1), (4, 1), (4, 1)]


def steps(rows: Iterable[tuple[int, int, str, int, bool]]) -> list[PolicyStep]:
    """Rules of the seven steps: day, months later, roll, least working days, together."""
    return [
        PolicyStep(
            step=step, due_day=day, month_offset=offset, roll=roll, min_working_days=least, together=both
        )
        for step, (day, offset, roll, least, both) in zip(Step, rows, strict=True)
    ]


POLICIES = {
    "default": (21, rules.default_steps()),
    "previous": (1, steps((d, m, Roll.PREVIOUS, 1, False) for d, m in _TIGHT)),
    "stays": (1, steps((d, m, Roll.NONE, 1, False) for d, m in _TIGHT)),
    "long": (28, steps((28, m, Roll.NEXT, 5, False) for m in (0, 1, 1, 1, 1, 1, 2))),
}


def check(planned: list[dates.PlannedStep], opens_on: dt.date, days: WorkingDays = USUAL) -> None:
    """What holds for every month whatever the version says."""
    assert [step.step for step in planned] == list(Step)
    assert planned[0].starts_on == opens_on
    end = opens_on
    for before, step in pairwise([None, *planned]):
        assert step is not None
        assert step.starts_on <= step.due_on, "start is not after the due day"
        if before is not None and step.rule.together:
            assert step.starts_on == before.starts_on
        elif before is not None:
            assert step.starts_on == end + DAY, "no gap, no overlap, never the 29th"
        assert days.count(step.starts_on, step.due_on) >= step.rule.min_working_days
        assert bool(step.moved) == (step.due_on != dates.nominal(step.rule, opens_on.replace(day=1)))
        if step.rule.roll != Roll.NONE:
            assert days.is_working(step.due_on)
        end = max(end, step.due_on)


@pytest.mark.parametrize("name", POLICIES)
def test_every_month_of_twenty_years_has_its_days(name: str) -> None:
    opens_day, rules_ = POLICIES[name]

    for month in MONTHS:
        check(dates.plan(rules_, month, USUAL, opens_day=opens_day), month.replace(day=opens_day))


_rule = st.tuples(
    st.integers(1, 28), st.integers(0, 2), st.sampled_from(Roll.values), st.integers(1, 12), st.booleans()
)


@settings(max_examples=30, deadline=None)
@given(
    rows=st.lists(_rule, min_size=7, max_size=7),
    opens_day=st.integers(1, 28),
    month=st.sampled_from(MONTHS),
    closed=st.sets(st.integers(0, 120), max_size=25),
    worked=st.sets(st.integers(0, 120), max_size=10),
)
def test_generated_versions_and_closures_leave_no_gap_and_no_overlap(
    rows: list[tuple[int, int, str, int, bool]],
    opens_day: int,
    month: dt.date,
    closed: set[int],
    worked: set[int],
) -> None:
    days = WorkingDays(
        {month + DAY * n: "臨時休業" for n in closed}, {month + DAY * n: "出勤" for n in worked}
    )

    for later in range(12):
        first = dates.add_months(month, later)
        planned = dates.plan(steps(rows), first, days, opens_day=opens_day)
        check(planned, first.replace(day=opens_day), days)
        assert all(len(step.moved) <= 300 for step in planned)


def test_the_days_of_the_notes_hold_in_a_month_without_holidays() -> None:
    planned = dates.plan(rules.default_steps(), dt.date(2026, 9, 1), USUAL)

    assert [(s.starts_on.isoformat(), s.due_on.isoformat()) for s in planned] == [
        ("2026-09-21", "2026-09-28"),
        ("2026-09-29", "2026-10-20"),
        ("2026-10-21", "2026-10-21"),
        ("2026-10-22", "2026-10-27"),
        ("2026-10-28", "2026-10-28"),
        ("2026-10-28", "2026-10-28"),
        ("2026-10-28", "2026-10-28"),
    ]
    assert not any(step.moved for step in planned)


def test_the_second_step_of_february_starts_on_the_first_of_march() -> None:
    for year, due in ((2027, "2027-03-01"), (2028, "2028-02-28"), (2029, "2029-02-28")):
        first, second, *_rest = dates.plan(rules.default_steps(), dt.date(year, 2, 1), USUAL)

        assert first.due_on.isoformat() == due
        assert second.starts_on == first.due_on + DAY
    assert dates.plan(rules.default_steps(), dt.date(2029, 2, 1), USUAL)[1].starts_on == dt.date(2029, 3, 1)


def test_the_five_day_holiday_of_september_2026_extends_the_check_and_moves_the_28th_and_says_why() -> None:
    planned = dates.plan(rules.default_steps(), dt.date(2026, 8, 1), USUAL)
    check_, provide, federation, present, back, copy = planned[1:]

    assert USUAL.count(dt.date(2026, 9, 22), dt.date(2026, 9, 27)) == 2  # 24th and 25th
    assert (check_.due_on, check_.moved) == (
        dt.date(2026, 9, 18),
        "9月20日は日曜日のため、前の営業日の9月18日へ",
    )
    assert (provide.starts_on, provide.due_on) == (dt.date(2026, 9, 19), dt.date(2026, 9, 24))
    assert provide.moved == "9月21日は敬老の日のため、次の営業日の9月24日へ"
    assert (federation.starts_on, federation.due_on) == (dt.date(2026, 9, 25), dt.date(2026, 9, 29))
    assert federation.moved == (
        "9月27日は日曜日のため、次の営業日の9月28日へ。"
        "9月25日～9月28日の営業日は2日で、必要な3日に足りないため、9月29日へ延長"
    )
    for step in (present, back, copy):
        assert (step.starts_on, step.due_on) == (dt.date(2026, 9, 30), dt.date(2026, 9, 30))
        assert step.moved == "前の工程が9月29日までのため、9月30日へ"


def test_a_local_closure_counts_as_a_holiday_and_a_worked_holiday_as_a_day() -> None:
    closed = WorkingDays({dt.date(2026, 10, 20): "開所記念日"})
    worked = WorkingDays({}, {dt.date(2026, 9, 22): "臨時開庁"})

    moved = dates.plan(rules.default_steps(), dt.date(2026, 9, 1), closed)[1]
    assert (moved.due_on, moved.moved) == (
        dt.date(2026, 10, 19),
        "10月20日は開所記念日のため、前の営業日の10月19日へ",
    )
    assert dates.plan(rules.default_steps(), dt.date(2026, 8, 1), worked)[2].due_on == dt.date(2026, 9, 22)


def test_the_holidays_of_twenty_years_are_those_of_an_independent_package() -> None:
    other = holidays.country_holidays("JP", years=range(2026, 2046))
    day, differing = dt.date(2026, 1, 1), []

    while day < dt.date(2046, 1, 1):
        if (day in other) != bool(jpholiday.is_holiday(day)):
            differing.append(day)
        year_end = (day.month, day.day) in {(12, 29), (12, 30), (12, 31), (1, 1), (1, 2), (1, 3)}
        assert USUAL.is_working(day) == (day.weekday() < 5 and day not in other and not year_end)
        assert bool(USUAL.why_off(day)) != USUAL.is_working(day)
        day += DAY
    assert differing == []


def test_a_report_covers_the_21st_to_the_20th_without_a_hole_when_the_day_changes() -> None:
    first = dates.covered(dt.date(2026, 3, 1))

    assert first == (dt.date(2026, 2, 21), dt.date(2026, 3, 20))
    assert dates.covered(dt.date(2026, 4, 1), from_day=16, after=first[1]) == (
        dt.date(2026, 3, 21),
        dt.date(2026, 4, 15),
    )
    assert dates.covered(dt.date(2026, 1, 1), from_day=1) == (dt.date(2025, 12, 1), dt.date(2025, 12, 31))
