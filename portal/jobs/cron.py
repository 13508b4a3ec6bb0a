"""When a job is due: the five fields of cron, read in Japanese time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, time, timedelta

from portal.common.time import JST

_RANGES = ((0, 59), (0, 23), (1, 31), (1, 12), (0, 6))


@dataclass(frozen=True)
class Cron:
    """Minute, hour, day of month, month, day of week (0 is Sunday), as sets of numbers."""

    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]

    @classmethod
    def parse(cls, text: str) -> Cron:
        """Read `30 8 * * 1-5`. A field is `*`, numbers, ranges and steps (`*/15`), joined by commas.

        Raises ValueError. Unlike in cron, a day has to meet both the day of month and the day of week.
        """
        fields = text.split()
        if len(fields) != len(_RANGES):
            raise ValueError(f"{text!r} does not have five fields")
        sets = [_numbers(field, low, high) for field, (low, high) in zip(fields, _RANGES, strict=True)]
        minutes, hours, days, months, weekdays = sets
        return cls(tuple(sorted(minutes)), tuple(sorted(hours)), days, months, weekdays)

    def between(self, after: datetime, until: datetime) -> Iterator[datetime]:
        """The moments after `after`, up to and including `until`, in order."""
        day = after.astimezone(JST).date()
        last = until.astimezone(JST).date()
        while day <= last:
            if day.day in self.days and day.month in self.months and day.isoweekday() % 7 in self.weekdays:
                for hour in self.hours:
                    for minute in self.minutes:
                        moment = datetime.combine(day, time(hour, minute), JST)
                        if after < moment <= until:
                            yield moment
            day += timedelta(days=1)

    def next_after(self, moment: datetime) -> datetime | None:
        """The first moment after `moment`; None when there is none within four years (30 February)."""
        return next(self.between(moment, moment + timedelta(days=4 * 366)), None)


def _numbers(field: str, low: int, high: int) -> frozenset[int]:
    found: set[int] = set()
    for part in field.split(","):
        span, _, step = part.partition("/")
        if span == "*":
            first, last = low, high
        else:
            start, _, end = span.partition("-")
            first, last = int(start), int(end or start)
        if not low <= first <= last <= high:
            raise ValueError(f"{field!r} is not within {low} to {high}")
        found.update(range(first, last + 1, int(step or 1)))
    return frozenset(found)
