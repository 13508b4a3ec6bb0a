"""From the rules of a version of the deadlines to the days of one month (AUD-02 … AUD-08). Pure: no database, no clock."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Protocol

from audit.cycles.models import Roll, Step
from audit.cycles.working_days import WorkingDays

OPENS_DAY = COVERS_FROM_DAY = 21
_DAY = dt.timedelta(days=1)


class Rule(Protocol):
    """What PolicyStep, CycleStep and the form of a version have in common."""

    step: Any
    due_day: Any
    month_offset: Any
    roll: Any
    min_working_days: Any
    together: Any


@dataclass(frozen=True, kw_only=True)
class PlannedStep:
    """A step with its days. `moved` says in Japanese why the last day is not the one of the rule; "" when it is."""

    step: Step
    rule: Any
    starts_on: dt.date
    due_on: dt.date
    moved: str


def plan(
    policy_steps: Iterable[Rule], month: dt.date, holidays: WorkingDays, *, opens_day: int = OPENS_DAY
) -> list[PlannedStep]:
    """The days of the month that begins on `month`.

    The first step starts on `opens_day`, every other one on the day after the one before it ended: never on "the 29th"
    (AUD-08). Steps that run `together` with the one before them start with it, and the next one waits for all of them.
    Whatever the rules say, the result has no gap and no overlap, and every step has its least working days.
    """
    start, planned = month.replace(day=opens_day), []
    for group in _groups(policy_steps):
        steps = [_planned(rule, month, start, holidays) for rule in group]
        planned += steps
        start = max(step.due_on for step in steps) + _DAY
    return planned


def covered(
    month: dt.date, *, from_day: int = COVERS_FROM_DAY, after: dt.date | None = None
) -> tuple[dt.date, dt.date]:
    """First and last day that the report of a month covers: the 21st of the month before to the 20th (AUD-10).

    `after` is the last day that the month before covers: when a new version has another day, nothing is left out and
    nothing is reported twice.
    """
    first = after + _DAY if after else (month - _DAY).replace(day=from_day)
    return first, month.replace(day=from_day) - _DAY


def add_months(month: dt.date, count: int) -> dt.date:
    """The first day of the month that is `count` months after the one that begins on `month`."""
    years, index = divmod(month.year * 12 + month.month - 1 + count, 12)
    return dt.date(years, index + 1, 1)


def nominal(rule: Rule, month: dt.date) -> dt.date:
    """The day that the rule names, whatever it falls on."""
    return add_months(month, rule.month_offset).replace(day=rule.due_day)


def _groups(policy_steps: Iterable[Rule]) -> Iterator[list[Rule]]:
    number = 0

    def key(rule: Rule) -> int:
        nonlocal number
        number += not rule.together
        return number

    for _number, group in groupby(sorted(policy_steps, key=lambda rule: int(rule.step)), key):
        yield list(group)


def _planned(rule: Rule, month: dt.date, start: dt.date, days: WorkingDays) -> PlannedStep:
    due = named = nominal(rule, month)
    why = []
    if rule.roll != Roll.NONE and not days.is_working(due):
        after = rule.roll == Roll.NEXT
        due = days.on_or_after(due) if after else days.on_or_before(due)
        which = "次の営業日" if after else "前の営業日"
        why.append(f"{_short(named)}は{days.why_off(named)}のため、{which}の{_short(due)}へ")
    if due < start:
        due = days.on_or_after(start)
        why.append(f"前の工程が{_short(start - _DAY)}までのため、{_short(due)}へ")
    least = max(1, rule.min_working_days)
    worked = days.count(start, due)
    if worked < least:
        window, found = f"{_short(start)}～{_short(due)}", worked
        while worked < least:
            due = days.on_or_after(due + _DAY)
            worked += 1
        why.append(f"{window}の営業日は{found}日で、必要な{least}日に足りないため、{_short(due)}へ延長")
    return PlannedStep(
        step=Step(rule.step),
        rule=rule,
        starts_on=start,
        due_on=due,
        moved="。".join(why) if due != named else "",
    )


def _short(day: dt.date) -> str:
    return f"{day.month}月{day.day}日"
