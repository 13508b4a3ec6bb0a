"""Federations × months: how each report stands, worked out from its state, its days and the day of today (AUD-08)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db.models import QuerySet, TextChoices
from django.utils.translation import pgettext_lazy

from audit.cycles.dates import add_months
from audit.cycles.lateness import SINCE, Level, lateness
from audit.cycles.models import AuditCycle, CycleStep, Step
from audit.cycles.working_days import WorkingDays
from audit.reports.models import OWED, AuditReport, ReportStatus
from portal.common.time import today as day_of
from portal.orgs.models import Organisation

_YEAR_BEGINS = 4  # April
_OVER = frozenset({ReportStatus.RETURNED, ReportStatus.COPY_STORED, ReportStatus.DISPOSED})


class Mark(TextChoices):
    """What one cell says; in the order of urgency."""

    LONG_OVERDUE = "red", pgettext_lazy("audit matrix", "long overdue")  # from Level.CENTRAL on
    OVERDUE = "over", pgettext_lazy("audit matrix", "overdue")
    ASKED = "ask", pgettext_lazy("audit matrix", "enquiry open")
    TO_MAKE = "make", pgettext_lazy("audit matrix", "to be made")
    CENTRAL = "run", pgettext_lazy("audit matrix", "checked by 中央会")
    FEDERATION = "fed", pgettext_lazy("audit matrix", "checked by the federation")
    CORRECTION = "corr", pgettext_lazy("audit matrix", "correction or supplement in progress")
    LATE = "late", pgettext_lazy("audit matrix", "returned late")
    DONE = "done", pgettext_lazy("audit matrix", "returned")
    NONE = "none", pgettext_lazy("audit matrix", "not begun")


# Those of a month that need somebody's eye, before the rest.
EXCEPTIONS = (Mark.LONG_OVERDUE, Mark.OVERDUE, Mark.ASKED)
LATE_NOW = (Mark.LONG_OVERDUE, Mark.OVERDUE)
_BY_OWED = {
    Step.CREATE: Mark.TO_MAKE,
    Step.CENTRAL_CHECK: Mark.CENTRAL,
    Step.PROVIDE: Mark.CENTRAL,
    Step.FEDERATION_CHECK: Mark.FEDERATION,
    Step.RETURN: Mark.FEDERATION,
}


@dataclass(frozen=True, kw_only=True)
class Report:
    """What a cell has to know of a report; read without the rest of the row."""

    cycle_id: int
    organisation_id: int
    code: str
    month: date
    revision: int
    status: ReportStatus
    returned_on: date | None
    asked: bool  # an enquiry about it is open
    owed_since: date | None = None  # since when the step that is owed is with its owner


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One federation in one month."""

    mark: Mark
    report: Report | None = None
    owed: CycleStep | None = None


@dataclass(frozen=True, kw_only=True)
class Row:
    """One federation; `urgency` sorts those with exceptions first."""

    organisation: Organisation
    cells: list[Cell]
    current: Cell  # of the month that is looked at

    @property
    def urgency(self) -> int:
        """0 for the most urgent."""
        marks = {cell.mark for cell in self.cells}
        return next((number for number, mark in enumerate(EXCEPTIONS) if mark in marks), len(EXCEPTIONS))


@dataclass(frozen=True, kw_only=True)
class Month:
    """One column."""

    first: date
    due_on: date | None  # of the return; None while the month is not open
    is_current: bool


@dataclass(frozen=True, kw_only=True)
class Matrix:
    """The whole picture of a fiscal year."""

    months: list[Month]
    rows: list[Row]
    current: AuditCycle | None
    steps: Mapping[int, list[CycleStep]]  # of every month in it, by cycle

    @property
    def counts(self) -> Counter[Mark]:
        """The current month, by mark."""
        return Counter(row.current.mark for row in self.rows)

    @property
    def overdue_before(self) -> int:
        """How many reports of earlier months of this year are overdue."""
        return sum(
            cell.mark in LATE_NOW
            for row in self.rows
            for month, cell in zip(self.months, row.cells, strict=True)
            if not month.is_current
        )

    def by_month(self, *marks: Mark) -> list[int]:
        """How many federations have one of these marks, month by month."""
        columns: Iterable[tuple[Cell, ...]] = zip(*(row.cells for row in self.rows), strict=True)
        found = [sum(cell.mark in marks for cell in column) for column in columns]
        return found or [0] * len(self.months)


def fiscal_year(day: date) -> int:
    """The fiscal year of a day: from April."""
    return day.year if day.month >= _YEAR_BEGINS else day.year - 1


def months_of(year: int) -> list[date]:
    """The first days of the twelve months of a fiscal year."""
    return [add_months(date(year, _YEAR_BEGINS, 1), number) for number in range(12)]


def mark_of(
    report: Report | None, steps: Mapping[int, CycleStep], today: date, days: WorkingDays
) -> tuple[Mark, CycleStep | None]:
    """What the cell of a report says, and the step that is owed. `steps`: those of its month, by number.

    When it turns red is told by the deadlines that its month froze (AUD-08).
    """
    if report is None:
        return Mark.NONE, None
    if report.status == ReportStatus.SUPERSEDED:  # what a federation has until the next revision is provided
        return Mark.CORRECTION, None
    if report.status in _OVER:
        due = steps.get(Step.RETURN)
        late = due is not None and report.returned_on is not None and report.returned_on > due.due_on
        return (Mark.LATE if late else Mark.DONE), steps.get(OWED.get(report.status, 0))
    owed = steps.get(OWED[report.status]) if report.status in OWED else None
    if owed is None:
        return Mark.NONE, None
    standing = lateness(owed, due_on=owed.due_on, today=today, days=days, owed_since=report.owed_since)
    if standing.level > Level.IN_TIME:
        return (Mark.LONG_OVERDUE if standing.level == Level.CENTRAL else Mark.OVERDUE), owed
    return (Mark.ASKED if report.asked else _BY_OWED[Step(owed.step)]), owed


def build(
    *,
    year: int,
    current: AuditCycle | None,
    today: date,
    days: WorkingDays,
    organisations: list[Organisation],
    cycles: list[AuditCycle],
    steps: Iterable[CycleStep],
    reports: Iterable[Report],
) -> Matrix:
    """The picture of the year from what was read. Pure."""
    by_cycle: dict[int, dict[int, CycleStep]] = {cycle.pk: {} for cycle in cycles}
    for step in steps:
        by_cycle[step.cycle_id][step.step] = step
    at = {(each.organisation_id, each.cycle_id): each for each in reports}
    cycle_of = {cycle.month: cycle for cycle in cycles}
    months = []
    for first in months_of(year):
        cycle = cycle_of.get(first)
        due = by_cycle[cycle.pk].get(Step.RETURN) if cycle else None
        is_current = current is not None and current.month == first
        months.append(Month(first=first, due_on=due.due_on if due else None, is_current=is_current))
    rows = []
    for place in organisations:
        cells = []
        for month in months:
            cycle = cycle_of.get(month.first)
            report = at.get((place.pk, cycle.pk)) if cycle else None
            mark, owed = mark_of(report, by_cycle[cycle.pk] if cycle else {}, today, days)
            cells.append(Cell(mark=mark, report=report, owed=owed))
        here = next((cell for month, cell in zip(months, cells, strict=True) if month.is_current), None)
        rows.append(Row(organisation=place, cells=cells, current=here or Cell(mark=Mark.NONE)))
    ordered = {pk: [each[n] for n in sorted(each)] for pk, each in by_cycle.items()}
    return Matrix(months=months, rows=rows, current=current, steps=ordered)


def read_reports(rows: QuerySet[AuditReport, Any], asked: frozenset[tuple[int, int]]) -> list[Report]:
    """The reports of these rows; `asked` holds (organisation, cycle) with an open enquiry. One statement."""
    names = ("cycle_id", "organisation_id", "organisation__code", "cycle__month", "revision", "status")
    moments = ("returned_at", *SINCE.values())
    since = {status: number for number, status in enumerate(SINCE, 1)}
    return [
        Report(
            cycle_id=cycle,
            organisation_id=place,
            code=code,
            month=month,
            revision=revision,
            status=ReportStatus(status),
            returned_on=day_of(at[0]) if at[0] else None,
            asked=(place, cycle) in asked,
            owed_since=day_of(moment) if (moment := at[since[status]] if status in since else None) else None,
        )
        for cycle, place, code, month, revision, status, *at in rows.values_list(*names, *moments)
    ]
