"""How late a step is. It is worked out from the days whenever somebody asks; it is no state (AUD-08)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import IntEnum
from typing import Any

from audit.cycles.models import StepRule
from audit.cycles.working_days import WorkingDays
from audit.reports.models import AuditReport, ReportStatus
from portal.common.time import today as day_of


class Level(IntEnum):
    """How far it has gone: who has to know."""

    IN_TIME = 0
    LATE = 1  # the pages say so
    OWNER = 2  # mail to those who owe it
    SUPERVISOR = 3  # mail to those above them
    CENTRAL = 4  # red in the matrix


@dataclass(frozen=True, kw_only=True)
class Lateness:
    """Working days since the due day, or since the step came to its owner when that was later."""

    days: int
    level: Level


# Since when the step of a state is owed, as a field of the report; that of the first one since its month was opened.
SINCE = {
    ReportStatus.PLANNED: "cycle__opened_at",
    ReportStatus.CREATED: "made_at",
    ReportStatus.CENTRAL_CONFIRMED: "central_confirmed_at",
    ReportStatus.PROVIDED: "provided_at",
    ReportStatus.FEDERATION_CONFIRMED: "federation_confirmed_at",
    ReportStatus.RETURNED: "returned_at",
}


def lateness(
    rule: StepRule, *, due_on: date, today: date, days: WorkingDays, owed_since: date | None = None
) -> Lateness:
    """How late a step is on `today`: what pages, matrix and mails go by, each from its own level on.

    Nobody is blamed for the delay of those before: the days count from the day on which the step came to its owner, when
    that is later than the due day.
    """
    if today <= due_on:
        return Lateness(days=0, level=Level.IN_TIME)
    passed = max(0, days.between(max(due_on, owed_since or due_on), today))
    reached = Level.LATE
    for level, after in (
        (Level.OWNER, rule.escalate_owner),
        (Level.SUPERVISOR, rule.escalate_supervisor),
        (Level.CENTRAL, rule.escalate_central),
    ):
        if passed >= after:
            reached = level
    return Lateness(days=passed, level=reached)


def owed_since(report: AuditReport) -> date | None:
    """The day on which the step that the report owes came to its owner; that of the opening for the first one."""
    found: Any = report
    for name in SINCE.get(ReportStatus(report.status), "").split("__"):
        found = getattr(found, name, None)
    return day_of(found) if found else None
