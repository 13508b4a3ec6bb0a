"""How a cell of the matrix stands: worked out from state, days and today, for every state there is (AUD-08)."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audit.cycles.models import AuditCycle, CycleStep, Step
from audit.cycles.working_days import WorkingDays
from audit.dashboards import matrix
from audit.dashboards.matrix import Mark, Report
from audit.reports.models import OWED, ReportStatus
from portal.orgs.models import Organisation

MONTH = dt.date(2026, 9, 1)
DUE = {
    Step.CREATE: dt.date(2026, 9, 28),
    Step.CENTRAL_CHECK: dt.date(2026, 10, 20),
    Step.PROVIDE: dt.date(2026, 10, 21),
    Step.FEDERATION_CHECK: dt.date(2026, 10, 27),
    Step.PRESENT: dt.date(2026, 10, 28),
    Step.RETURN: dt.date(2026, 10, 28),
    Step.STORE_COPY: dt.date(2026, 10, 28),
}
STEPS = {int(step): CycleStep(cycle_id=1, step=step, starts_on=day, due_on=day) for step, day in DUE.items()}


def _report(status: ReportStatus, **fields: Any) -> Report:
    values: dict[str, Any] = {
        "cycle_id": 1,
        "organisation_id": 13,
        "code": "13",
        "month": MONTH,
        "revision": 1,
        "returned_on": None,
        "asked": False,
    }
    return Report(status=status, **values | fields)


def _mark(report: Report, today: dt.date, steps: dict[int, CycleStep] = STEPS) -> Mark:
    return matrix.mark_of(report, steps, today, WorkingDays())[0]


@pytest.mark.parametrize(
    ("status", "mark"),
    [
        (ReportStatus.PLANNED, Mark.TO_MAKE),
        (ReportStatus.CREATED, Mark.CENTRAL),
        (ReportStatus.CENTRAL_CONFIRMED, Mark.CENTRAL),
        (ReportStatus.PROVIDED, Mark.FEDERATION),
        (ReportStatus.FEDERATION_CONFIRMED, Mark.FEDERATION),
    ],
)
def test_in_time_a_cell_says_who_has_it_and_a_day_later_that_it_is_overdue(
    status: ReportStatus, mark: Mark
) -> None:
    due = DUE[OWED[status]]

    assert _mark(_report(status), due) == mark
    assert _mark(_report(status), due + dt.timedelta(days=1)) == Mark.OVERDUE
    assert _mark(_report(status, asked=True), due) == Mark.ASKED


def test_aud_08_a_cell_turns_red_as_the_deadlines_say_that_the_month_froze() -> None:
    late = _report(ReportStatus.PROVIDED)  # owed until Tuesday the 27th of October
    strict = {4: CycleStep(cycle_id=1, step=4, due_on=DUE[Step.FEDERATION_CHECK], escalate_central=1)}
    day = dt.date(2026, 11, 4)  # the fifth working day after it: the 3rd is a holiday

    assert [_mark(late, day - dt.timedelta(days=n)) for n in (1, 0)] == [Mark.OVERDUE, Mark.LONG_OVERDUE]
    assert _mark(late, dt.date(2026, 10, 28), strict) == Mark.LONG_OVERDUE
    brought_late = _report(ReportStatus.PROVIDED, owed_since=dt.date(2026, 11, 2))
    assert _mark(brought_late, day) == Mark.OVERDUE  # the delay was that of those before


@pytest.mark.parametrize("status", [ReportStatus.RETURNED, ReportStatus.COPY_STORED, ReportStatus.DISPOSED])
def test_what_came_back_after_its_day_stays_marked_as_late(status: ReportStatus) -> None:
    due = DUE[Step.RETURN]
    much_later = due + dt.timedelta(days=400)

    assert _mark(_report(status, returned_on=due), much_later) == Mark.DONE
    late = _report(status, returned_on=due + dt.timedelta(days=1))
    assert _mark(late, much_later) == Mark.LATE


def test_what_a_federation_has_handled_says_while_it_is_corrected_that_a_correction_is_in_progress() -> None:
    replaced = _report(ReportStatus.SUPERSEDED, returned_on=DUE[Step.RETURN])

    for day in (MONTH, DUE[Step.RETURN] + dt.timedelta(days=60)):
        assert matrix.mark_of(replaced, STEPS, day, WorkingDays()) == (Mark.CORRECTION, None)


@settings(deadline=None)  # the first draw loads what later ones have
@given(status=st.sampled_from(ReportStatus), day=st.dates(dt.date(2026, 9, 1), dt.date(2027, 3, 31)))
def test_every_state_on_every_day_has_a_mark_with_a_word(status: ReportStatus, day: dt.date) -> None:
    mark, owed = matrix.mark_of(_report(status, returned_on=day), STEPS, day, WorkingDays())

    assert mark in Mark
    assert (owed is None) == (status not in OWED)


def test_counts_of_the_month_add_up_to_the_federations_and_months_without_a_cycle_are_empty() -> None:
    places = [
        Organisation(pk=number, code=f"{number:02}", short_name=f"連合会{number}") for number in range(1, 48)
    ]
    cycle = AuditCycle(pk=1, month=MONTH)
    reports = [
        _report(ReportStatus.PROVIDED, organisation_id=place.pk, asked=place.pk == 7) for place in places[:-1]
    ]

    picture = matrix.build(
        year=2026,
        current=cycle,
        today=dt.date(2026, 10, 22),
        days=WorkingDays(),
        organisations=places,
        cycles=[cycle],
        steps=STEPS.values(),
        reports=reports,
    )

    assert picture.counts == {Mark.FEDERATION: 45, Mark.ASKED: 1, Mark.NONE: 1}
    assert [month.first.month for month in picture.months] == [4, 5, 6, 7, 8, 9, 10, 11, 12, 1, 2, 3]
    assert picture.by_month(Mark.FEDERATION) == [0, 0, 0, 0, 0, 45, 0, 0, 0, 0, 0, 0]
    assert [row.urgency for row in picture.rows if row.organisation.pk in (1, 7)] == [3, 2]


@given(st.dates(dt.date(2020, 1, 1), dt.date(2045, 12, 31)))
def test_a_day_lies_in_the_months_of_its_fiscal_year(day: dt.date) -> None:
    assert day.replace(day=1) in matrix.months_of(matrix.fiscal_year(day))
