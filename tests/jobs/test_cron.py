"""The five fields of cron, read in Japanese time."""

from __future__ import annotations

import datetime as dt

import pytest

from portal.common.time import JST
from portal.jobs.cron import Cron


def moments(cron: str, first: str, last: str) -> list[str]:
    after, until = (dt.datetime.fromisoformat(text).replace(tzinfo=JST) for text in (first, last))
    return [f"{moment:%m-%d %H:%M}" for moment in Cron.parse(cron).between(after, until)]


def test_working_days_at_half_past_eight() -> None:
    found = moments("30 8 * * 1-5", "2026-11-20T00:00", "2026-11-24T08:30")

    assert found == ["11-20 08:30", "11-23 08:30", "11-24 08:30"]


def test_the_first_moment_is_left_out_and_the_last_is_in() -> None:
    assert moments("0 2 * * *", "2026-11-20T02:00", "2026-11-21T02:00") == ["11-21 02:00"]


def test_steps_lists_and_the_day_of_the_month() -> None:
    assert moments("*/30 9,17 1 * *", "2026-11-30T00:00", "2026-12-02T00:00") == [
        "12-01 09:00",
        "12-01 09:30",
        "12-01 17:00",
        "12-01 17:30",
    ]


def test_the_day_is_the_japanese_one() -> None:
    before_midnight_utc = dt.datetime(2026, 11, 20, 16, 59, tzinfo=dt.UTC)

    assert Cron.parse("0 2 21 11 *").next_after(before_midnight_utc) == dt.datetime(
        2026, 11, 21, 2, 0, tzinfo=JST
    )


def test_leap_day_is_found_and_a_day_that_never_comes_is_not() -> None:
    now = dt.datetime(2026, 11, 20, tzinfo=JST)

    assert Cron.parse("0 0 29 2 *").next_after(now) == dt.datetime(2028, 2, 29, tzinfo=JST)
    assert Cron.parse("0 0 30 2 *").next_after(now) is None


@pytest.mark.parametrize("text", ["", "* * * *", "60 * * * *", "* * * * 7", "5-1 * * * *", "x * * * *"])
def test_nonsense_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        Cron.parse(text)
