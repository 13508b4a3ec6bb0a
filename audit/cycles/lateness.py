"""How late a step is. It is worked out from the days whenever somebody asks; it is no state (AUD-08)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import IntEnum

from audit.cycles.models import CycleStep, Step, StepRule
from audit.cycles.working_days import WorkingDays
from audit.reports.models import OWED, AuditReport, ReportStatus
from portal.common.time import today as day_of
from portal.orgs.models import User


class Level(IntEnum):
    """How far it has gone: who has to know."""

    IN_TIME = 0
    LATE = 1
    OWNER = 2
    SUPERVISOR = 3
    CENTRAL = 4  # red on the dashboard of the central association


@dataclass(frozen=True, kw_only=True)
class Lateness:
    """Working days since the due day, or since the step came to its owner when that was later."""

    days: int
    level: Level

    @property
    def is_late(self) -> bool:
        """Whether the due day has passed."""
        return self.level > Level.IN_TIME

    @property
    def is_red(self) -> bool:
        """Whether the central association sees it red."""
        return self.level == Level.CENTRAL


@dataclass(frozen=True, kw_only=True)
class LateStep:
    """The step that one report owes, after its due day."""

    step: CycleStep
    report: AuditReport
    lateness: Lateness


# Since when the step of a state is owed.
_SINCE = {
    ReportStatus.CREATED: "made_at",
    ReportStatus.CENTRAL_CONFIRMED: "central_confirmed_at",
    ReportStatus.PROVIDED: "provided_at",
    ReportStatus.FEDERATION_CONFIRMED: "federation_confirmed_at",
    ReportStatus.RETURNED: "returned_at",
}


def lateness(
    rule: StepRule, *, due_on: date, today: date, days: WorkingDays, owed_since: date | None = None
) -> Lateness:
    """How late a step is on `today`.

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
    if report.status == ReportStatus.PLANNED:
        return day_of(report.cycle.opened_at)
    name = _SINCE.get(ReportStatus(report.status))
    moment = getattr(report, name) if name else None
    return day_of(moment) if moment else None


def late_steps(
    today: date, *, user: User | None = None, days: WorkingDays | None = None, owner: str = ""
) -> list[LateStep]:
    """Every step that is owed and late on `today`, the oldest month first, then by step and organisation.

    `user`: what this person may see. `owner` (an OrganisationKind): what this party owes. Three statements at most.
    """
    rows = AuditReport.objects.visible_to(user) if user else AuditReport.system.all()
    rows = rows.filter(is_current=True, status__in=list(OWED), cycle__steps__due_on__lt=today).distinct()
    reports = list(
        rows.select_related("cycle", "organisation").order_by("cycle__month", "organisation__sort_order")
    )
    steps = {
        (step.cycle_id, step.step): step
        for step in CycleStep.objects.filter(
            cycle__in={report.cycle_id for report in reports}, due_on__lt=today
        ).select_related("cycle")
    }
    if not steps:
        return []
    days = days or WorkingDays.load()
    found = []
    for report in reports:
        step = steps.get((report.cycle_id, OWED[ReportStatus(report.status)]))
        if step is None or (owner and step.owner != owner):
            continue
        late = lateness(step, due_on=step.due_on, today=today, days=days, owed_since=owed_since(report))
        found.append(LateStep(step=step, report=report, lateness=late))
    return sorted(found, key=lambda late: (late.step.cycle.month, late.step.step))


def is_late(report: AuditReport, step: CycleStep, today: date) -> bool:
    """Whether the report owes this step and its day has passed."""
    return OWED.get(ReportStatus(report.status)) == Step(step.step) and today > step.due_on
