"""Working days of the audit: those of the offices in Japan, and what the portal was told about single days (AUD-08)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache

import jpholiday

from audit.cycles.models import Closure
from portal.common.time import is_business_day

_DAY = dt.timedelta(days=1)
_WEEKDAYS = "月火水木金土日"
_usual = cache(is_business_day)  # the same few thousand days are asked for again and again


@dataclass(frozen=True)
class WorkingDays:
    """Which days are worked. `closed` and `worked` are the exceptions by day, with their Japanese names."""

    closed: Mapping[dt.date, str] = field(default_factory=dict)
    worked: Mapping[dt.date, str] = field(default_factory=dict)

    @classmethod
    def load(cls) -> WorkingDays:
        """With the exceptions that the portal knows now; one statement."""
        closed: dict[dt.date, str] = {}
        worked: dict[dt.date, str] = {}
        for day, name, works in Closure.objects.values_list("day", "name", "works"):
            (worked if works else closed)[day] = name
        return cls(closed, worked)

    def is_working(self, day: dt.date) -> bool:
        """Whether `day` is worked."""
        return day in self.worked or (day not in self.closed and _usual(day))

    def on_or_after(self, day: dt.date) -> dt.date:
        """The first working day from `day` on."""
        while not self.is_working(day):
            day += _DAY
        return day

    def on_or_before(self, day: dt.date) -> dt.date:
        """The last working day up to `day`."""
        while not self.is_working(day):
            day -= _DAY
        return day

    def count(self, first: dt.date, last: dt.date) -> int:
        """Working days from `first` to `last`, both included; 0 when `last` lies before `first`."""
        return sum(self.is_working(first + _DAY * n) for n in range((last - first).days + 1))

    def between(self, start: dt.date, end: dt.date) -> int:
        """Working days after `start` up to and including `end`; negative when `end` lies before `start`."""
        if end < start:
            return -self.between(end, start)
        return self.count(start + _DAY, end)

    def why_off(self, day: dt.date) -> str:
        """What a day that is not worked is, in Japanese; "" for one that is."""
        if self.is_working(day):
            return ""
        if day in self.closed:
            return self.closed[day]
        name = jpholiday.is_holiday_name(day)
        if name:
            return str(name)
        return f"{_WEEKDAYS[day.weekday()]}曜日" if day.weekday() >= 5 else "年末年始"
