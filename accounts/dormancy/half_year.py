"""How long is half a year: counted by the calendar in Japan, as people count it (ACC-14)."""

from __future__ import annotations

import calendar
from datetime import date, datetime, time

from portal.common.time import JST, today


def months_before(day: date, months: int) -> date:
    """The same day of the month so many months earlier; the last day of that month where it is shorter."""
    number = day.year * 12 + day.month - 1 - months
    year, month = divmod(number, 12)
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


def cut_off(day: date, months: int) -> datetime:
    """Who logged on at this moment or before has been away for so many months on `day`: the beginning of that day in Japan."""
    return datetime.combine(months_before(day, months), time(), JST)


def first_of_month(now: datetime) -> date:
    """The month that a list is for, named by its first day in Japan."""
    return today(now).replace(day=1)
