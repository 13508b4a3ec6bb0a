"""Half a year is counted by the calendar in Japan (ACC-14)."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accounts.dormancy.finding import is_dormant
from accounts.dormancy.half_year import cut_off, first_of_month, months_before
from accounts.dormancy.logons import Logon
from portal.common.time import JST
from tests.accounts.dormancy.conftest import CUT, LONG_AGO
from tests.fakes import FakeDirectory

DAY = dt.timedelta(days=1)
INSTANT = dt.timedelta(microseconds=1)


@pytest.mark.parametrize(
    ("day", "before"),
    [
        ("2026-12-01", "2026-06-01"),
        ("2026-06-01", "2025-12-01"),
        ("2026-08-31", "2026-02-28"),  # February is shorter
        ("2028-08-31", "2028-02-29"),  # and in a leap year a day longer
        ("2028-08-29", "2028-02-29"),
        ("2026-08-29", "2026-02-28"),
        ("2026-10-31", "2026-04-30"),
        ("2028-02-29", "2027-08-29"),
        ("2026-01-15", "2025-07-15"),
    ],
)
def test_half_a_year_before_a_day(day: str, before: str) -> None:
    assert months_before(dt.date.fromisoformat(day), 6).isoformat() == before


@given(st.dates(min_value=dt.date(2000, 1, 1), max_value=dt.date(2100, 12, 31)), st.integers(0, 36))
def test_a_later_day_never_has_an_earlier_cut_off(day: dt.date, months: int) -> None:
    before = months_before(day, months)

    assert (day.year - before.year) * 12 + day.month - before.month == months
    assert months_before(day + DAY, months) >= before


def test_the_cut_off_is_the_beginning_of_the_day_in_japan() -> None:
    assert cut_off(dt.date(2026, 12, 1), 6) == dt.datetime(2026, 5, 31, 15, 0, tzinfo=dt.UTC)


def test_the_month_is_that_of_japan() -> None:
    assert first_of_month(dt.datetime(2026, 11, 30, 18, 30, tzinfo=dt.UTC)) == dt.date(2026, 12, 1)


@pytest.mark.parametrize(
    ("logon", "made", "changes", "dormant"),
    [
        (CUT, LONG_AGO, {}, True),  # exactly half a year
        (CUT - INSTANT, LONG_AGO, {}, True),
        (CUT + INSTANT, LONG_AGO, {}, False),
        (CUT + dt.timedelta(hours=9), LONG_AGO, {}, False),  # on the very day of the cut-off
        (None, LONG_AGO, {}, True),  # never logged on
        (None, CUT, {}, True),  # made exactly half a year ago
        (None, CUT + INSTANT, {}, False),  # younger
        (CUT - DAY, CUT + DAY, {}, False),  # younger, whatever a migration wrote as its last logon
        (None, LONG_AGO, {"must_change_password": True}, True),
        (None, LONG_AGO, {"enabled": False}, False),  # disabled or deleted
        (CUT - DAY, LONG_AGO, {"enabled": False}, False),
        (CUT - DAY, LONG_AGO, {"privileged": True}, False),
        (CUT - DAY, LONG_AGO, {"locked": True}, True),
    ],
)
def test_who_is_dormant(
    logon: dt.datetime | None, made: dt.datetime, changes: dict[str, Any], dormant: bool
) -> None:
    entry = FakeDirectory().add("tk0412-suzuki", created_at=made, **changes)
    known = Logon(at=logon, source="dc1") if logon else None

    assert is_dormant(entry, known, dt.datetime(2026, 6, 1, tzinfo=JST)) is dormant
