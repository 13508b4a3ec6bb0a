"""From the days of a month to what its pages and calendars show on a given day."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from django.utils.translation import pgettext_lazy

from audit.cycles.models import CycleStep, Step
from audit.cycles.selectors import Month, Progress

DONE, LATE, RUNNING, PLANNED = "DONE", "ATTENTION", "RUNNING", "WAITING"
BLOCKED, PAST = "BLOCKED", "PAST"  # days over: because those before are late, or nothing to say
LABELS = {
    DONE: pgettext_lazy("audit step", "done"),
    LATE: pgettext_lazy("audit step", "late"),
    RUNNING: pgettext_lazy("audit step", "now"),
    PLANNED: pgettext_lazy("audit step", "planned"),
    BLOCKED: pgettext_lazy("audit step", "waits for the step before"),
    PAST: pgettext_lazy("audit step", "days over"),
}
STEP_NAMES = {  # short: heads of columns
    Step.CREATE: pgettext_lazy("audit step", "Make"),
    Step.CENTRAL_CHECK: pgettext_lazy("audit step", "Check (central)"),
    Step.PROVIDE: pgettext_lazy("audit step", "Provide"),
    Step.FEDERATION_CHECK: pgettext_lazy("audit step", "Check (federation)"),
    Step.PRESENT: pgettext_lazy("audit step", "Present"),
    Step.RETURN: pgettext_lazy("audit step", "Send back"),
    Step.STORE_COPY: pgettext_lazy("audit step", "Keep copy"),
}


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One step of one month as it stands on a day."""

    step: CycleStep
    progress: Progress | None
    state: str
    is_now: bool  # today lies within its days

    @property
    def label(self) -> str:
        """The state in words."""
        return str(LABELS[self.state])

    @property
    def name(self) -> str:
        """The step in a few words."""
        return str(STEP_NAMES[Step(self.step.step)])


@dataclass(frozen=True, kw_only=True)
class Row:
    """One month on a page."""

    month: Month
    cells: list[Cell]


def rows_of(months: Iterable[Month], today: date, owner: str = "") -> list[Row]:
    """The months with their steps, of one party when `owner` names it."""
    return [
        Row(
            month=month,
            cells=[cell_of(month, step, today) for step in month.steps if owner in ("", step.owner)],
        )
        for month in months
    ]


def cell_of(month: Month, step: CycleStep, today: date) -> Cell:
    """Where a step stands: by the reports that the person may see, and by the days alone where they may see none."""
    progress = month.progress.get(step.step)
    within = step.starts_on <= today <= step.due_on
    if today < step.starts_on or not month.is_open:
        state = PLANNED
    elif progress is not None and progress.total and progress.done == progress.total:
        state = DONE
    elif within:
        state = RUNNING
    elif progress is None or not progress.total or step.optional:
        state = PAST
    else:
        state = LATE if progress.owed else BLOCKED
    return Cell(step=step, progress=progress, state=state, is_now=within and month.is_open)


def coming(rows: Iterable[Row], parties: Iterable[str], until: date) -> list[tuple[Row, Cell]]:
    """What these parties have to do next: late steps first, then due days up to `until`; nothing that is done."""
    wanted = frozenset(parties)
    found = [
        (row, cell)
        for row in rows
        for cell in row.cells
        if cell.step.owner in wanted
        and cell.state in (LATE, RUNNING, PLANNED)
        and (cell.state == LATE or cell.step.due_on <= until)
    ]
    return sorted(found, key=lambda pair: (pair[1].state != LATE, pair[1].step.due_on, pair[1].step.step))
