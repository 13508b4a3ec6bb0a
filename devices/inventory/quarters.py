"""Quarters begin on 1 April, July, October and January in Japan; how long a device was not used is counted in days (DEV-07)."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta

from portal.common.time import JST, today

FIRST_MONTHS = (1, 4, 7, 10)


def first_of_quarter(moment: datetime) -> date:
    """The first day of the quarter in which `moment` lies, in Japan."""
    day = today(moment)
    return date(day.year, day.month - (day.month - 1) % 3, 1)


def recent_from(starts_on: date, unused_days: int) -> datetime:
    """A device that was used at this moment or later was used recently.

    With 90 days, one that was used last on the 90th day before the quarter began is unused.
    """
    return datetime.combine(starts_on - timedelta(days=unused_days - 1), time(), JST)
