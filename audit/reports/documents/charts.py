"""The two small charts on the first page, as figures that the template draws in SVG."""

from __future__ import annotations

from dataclasses import dataclass

from audit.reconciliation.models import FITTING, Code
from audit.reports.documents.content import Content

_BAR_WIDTH = 320.0  # of the longest bar, in units of the drawing
_DAY_HEIGHT = 70.0
_DAY_STEP = 14.0
_ROW_STEP = 16.0


@dataclass(frozen=True)
class Bar:
    """One bar: its place and length in units of the drawing, what it is called and what it counts."""

    label: str
    count: int
    x: float
    y: float
    length: float


@dataclass(frozen=True)
class Chart:
    """The bars with the size of the drawing."""

    bars: list[Bar]
    width: float
    height: float


def finding_chart(content: Content) -> Chart:
    """How many sessions there are of each finding, most first; what did not occur is left out."""
    counts: dict[str, int] = {}
    for line in content.mismatches:
        counts[line.code] = counts.get(line.code, 0) + 1
    names = {code.value: str(code.label) for code in Code if code not in FITTING}
    order = sorted(counts.items(), key=lambda pair: (-pair[1], list(names).index(pair[0])))
    longest = max(counts.values(), default=1)
    bars = [
        Bar(
            names[code],
            count,
            0,
            row * _ROW_STEP,
            _BAR_WIDTH * count / longest,
        )
        for row, (code, count) in enumerate(order)
    ]
    return Chart(bars, _BAR_WIDTH, max(len(bars), 1) * _ROW_STEP)


def day_chart(content: Content) -> Chart:
    """How many sessions began on each day of the period."""
    highest = max((count for _, count in content.by_day), default=0) or 1
    bars = []
    for number, (day, count) in enumerate(content.by_day):
        length = _DAY_HEIGHT * count / highest
        bars.append(Bar(f"{day.month}/{day.day}", count, number * _DAY_STEP, _DAY_HEIGHT - length, length))
    return Chart(bars, len(bars) * _DAY_STEP, _DAY_HEIGHT)
