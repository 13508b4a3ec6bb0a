"""Dates as they are decided in Japan: stored in UTC, judged in Asia/Tokyo, counted in business days, shown in 和暦."""

from __future__ import annotations

import datetime as dt
import re
import unicodedata
from zoneinfo import ZoneInfo

import jpholiday

JST = ZoneInfo("Asia/Tokyo")

_ERAS = (
    (dt.date(2019, 5, 1), "令和"),
    (dt.date(1989, 1, 8), "平成"),
    (dt.date(1926, 12, 25), "昭和"),
)
_WEEKDAYS = "月火水木金土日"


def today(now: dt.datetime) -> dt.date:
    """The calendar day in Japan at `now` (an aware datetime)."""
    return now.astimezone(JST).date()


def is_business_day(day: dt.date) -> bool:
    """Monday to Friday, no national holiday, not 29 December to 3 January (行政機関の休日に関する法律 第1条)."""
    if day.weekday() >= 5 or jpholiday.is_holiday(day):
        return False
    return not ((day.month == 12 and day.day >= 29) or (day.month == 1 and day.day <= 3))


def add_business_days(day: dt.date, count: int) -> dt.date:
    """The business day that is `count` business days after `day`; 0 gives the next business day on or after it."""
    while count > 0:
        day += dt.timedelta(days=1)
        if is_business_day(day):
            count -= 1
    while not is_business_day(day):
        day += dt.timedelta(days=1)
    return day


def business_days_between(start: dt.date, end: dt.date) -> int:
    """Business days after `start` up to and including `end`; negative when `end` lies before `start`."""
    if end < start:
        return -business_days_between(end, start)
    days = (end - start).days
    return sum(is_business_day(start + dt.timedelta(days=n)) for n in range(1, days + 1))


def wareki(day: dt.date, weekday: bool = True) -> str:
    """令和8年12月1日（火）. The first year of an era is 元年. Before 昭和 the western year is used."""
    tail = f"（{_WEEKDAYS[day.weekday()]}）" if weekday else ""
    for start, name in _ERAS:
        if day >= start:
            year = day.year - start.year + 1
            return f"{name}{'元' if year == 1 else year}年{day.month}月{day.day}日{tail}"
    return f"{day.year}年{day.month}月{day.day}日{tail}"


def parse_date(value: str) -> dt.date | None:
    """A date as people type it: 2026-12-01, 2026/12/1, R8.12.1, 令和8年12月1日; None when it is none."""
    text = unicodedata.normalize("NFKC", value).strip().replace("元年", "1年")
    found = re.fullmatch(
        r"(?:(\d{4})|(令和|平成|昭和|[RHSrhs])\s*(\d{1,2}))[-/.年]\s*(\d{1,2})[-/.月]\s*(\d{1,2})日?", text
    )
    if found is None:
        return None
    western, era, era_year, month, day = found.groups()
    starts = {"令和": 2019, "R": 2019, "平成": 1989, "H": 1989, "昭和": 1926, "S": 1926}
    year = int(western) if western else starts[era.upper()] + int(era_year) - 1
    try:
        return dt.date(year, int(month), int(day))
    except ValueError:
        return None


def plain_moment(value: dt.datetime | None) -> str:
    """2026-11-20 09:14 in Japan, as files show it; "" for none."""
    return f"{value.astimezone(JST):%Y-%m-%d %H:%M}" if value else ""
