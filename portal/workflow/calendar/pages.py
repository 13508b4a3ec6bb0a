"""From a day and a view to what a page shows: the days of a month in weeks, a week, or one day."""

from __future__ import annotations

import dataclasses
from calendar import monthrange
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from django.utils.translation import get_language

from portal.common.time import is_business_day, parse_date, today, wareki
from portal.orgs.models import User
from portal.orgs.permissions import READ_APPLICATIONS
from portal.workflow import kinds
from portal.workflow.calendar.entries import DONE, FREEZE, STATES, Entry, Look, entries
from portal.workflow.calendar.sources import done_by_day

MONTH, WEEK, DAY = "month", "week", "day"
VIEWS = (MONTH, WEEK, DAY)
NAMES = ("view", "on", "kind", "organisation", "state")
_SHOWN = 3  # of a day in the month


@dataclass(kw_only=True)
class Day:
    """One day of a page."""

    day: date
    in_month: bool
    is_today: bool
    is_working: bool
    freezes: list[Entry] = field(default_factory=list)
    entries: list[Entry] = field(default_factory=list)
    done: int = 0

    @property
    def shown(self) -> list[Entry]:
        """What a small square has room for."""
        return self.entries[:_SHOWN]

    @property
    def more(self) -> int:
        """How many stand on the page of the day."""
        return max(len(self.entries) - _SHOWN, 0)

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to say."""
        return not (self.entries or self.freezes or self.done)


def look_of(user: User, query: Mapping[str, str], now: datetime) -> tuple[str, date, Look]:
    """View, day and look of a URL; what cannot be read counts as the month of today."""
    view = query.get("view", "")
    view = view if view in VIEWS else MONTH
    on = parse_date(query.get("on", "")[:20]) or today(now)
    if not 2020 <= on.year <= 2099:
        on = today(now)
    first, last = span(view, on)
    return view, on, narrowed(user, query, first, last, now)


def narrowed(user: User, query: Mapping[str, str], first: date, last: date, now: datetime) -> Look:
    """The look of these days with the filters of a URL; values that do not exist count as none."""
    organisations = tuple(user.organisations_where(READ_APPLICATIONS))
    state, kind, code = (query.get(name, "") for name in ("state", "kind", "organisation"))
    return Look(
        user=user,
        organisations=organisations,
        everything=user.reads_everywhere(READ_APPLICATIONS),
        first=first,
        last=last,
        now=now,
        kind=kind if kind in {k.code for k in kinds.all_kinds()} else "",
        organisation=code if code.isascii() and code.isalnum() and len(code) <= 20 else "",
        state=state if state in STATES else "",
    )


def span(view: str, on: date) -> tuple[date, date]:
    """First and last day of the page: whole weeks from Sunday, as calendars in Japan."""
    if view == DAY:
        return on, on
    if view == WEEK:
        first = _sunday(on)
        return first, first + timedelta(days=6)
    last = on.replace(day=monthrange(on.year, on.month)[1])
    return _sunday(on.replace(day=1)), _sunday(last) + timedelta(days=6)


def month_label(on: date) -> str:
    """令和8年11月; with the English catalogue 2026-11."""
    japanese = (get_language() or "ja").startswith("ja")
    return wareki(on.replace(day=1), weekday=False).removesuffix("1日") if japanese else f"{on:%Y-%m}"


def neighbours(view: str, on: date) -> tuple[date, date]:
    """The days that "before" and "after" lead to."""
    if view == DAY:
        return on - timedelta(days=1), on + timedelta(days=1)
    if view == WEEK:
        return on - timedelta(days=7), on + timedelta(days=7)
    first = on.replace(day=1)
    return (first - timedelta(days=1)).replace(day=1), (first + timedelta(days=31)).replace(day=1)


def days_of(look: Look, view: str, on: date) -> list[Day]:
    """Every day of the look with its entries. In a month what is done is counted and not named."""
    counted = view == MONTH and look.state in ("", DONE)
    found = entries(dataclasses.replace(look, names_done=not counted))
    done = done_by_day(look) if counted else {}
    length = (look.last - look.first).days + 1
    days = {look.first + timedelta(days=n): n for n in range(length)}
    made = {
        day: Day(
            day=day,
            in_month=view != MONTH or day.month == on.month,
            is_today=day == today(look.now),
            is_working=is_business_day(day),
            done=done.get(day, 0),
        )
        for day in days
    }
    _spread(found, made, look)
    return list(made.values())


def _spread(found: Iterable[Entry], days: dict[date, Day], look: Look) -> None:
    for entry in found:
        day = max(entry.day, look.first)
        while day <= min(entry.last, look.last):
            (days[day].freezes if entry.state == FREEZE else days[day].entries).append(entry)
            day += timedelta(days=1)


def _sunday(day: date) -> date:
    return day - timedelta(days=(day.weekday() + 1) % 7)
