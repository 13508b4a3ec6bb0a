"""Mail about steps: before the due day, and after it first to those who owe the step and then to those above them (AUD-08)."""

from __future__ import annotations

from collections import defaultdict
from datetime import date, datetime

from django.db import transaction

from audit.cycles import lateness, rules, telling
from audit.cycles.lateness import Level
from audit.cycles.models import CycleStep, Step, StepMail
from audit.cycles.working_days import WorkingDays
from audit.reports.models import OWED, AuditReport, ReportStatus
from portal.common.time import today
from portal.orgs.models import Organisation, User
from portal.orgs.permissions import OrganisationKind
from portal.workflow import people

_Owed = dict[tuple[CycleStep, int], list[AuditReport]]  # by step and by the organisation that owes it


def remind(*, now: datetime) -> str:
    """On a working day: every mail that is owed, each at most once for a step and a person; how many."""
    day, days = today(now), WorkingDays.load()
    if not days.is_working(day):
        return ""
    sent = sum(_remind(step, pk, reports, day, days, now) for (step, pk), reports in _owed(day).items())
    return f"{sent}" if sent else ""


def _owed(day: date) -> _Owed:
    """What is owed and has begun, by step and party."""
    parties = {
        place.kind: place.pk
        for place in Organisation.objects.filter(
            kind__in=(OrganisationKind.OPERATIONS, OrganisationKind.CENTRAL)
        )
    }
    reports = AuditReport.system.filter(is_current=True, status__in=list(OWED)).select_related("cycle")
    reports = reports.order_by("cycle__month", "organisation__sort_order")
    steps = {
        (step.cycle_id, step.step): step
        for step in CycleStep.objects.filter(
            cycle__in=reports.order_by().values("cycle"), starts_on__lte=day, optional=False
        ).select_related("cycle")
    }
    found: _Owed = defaultdict(list)
    for report in reports:
        step = steps.get((report.cycle_id, OWED[ReportStatus(report.status)]))
        if step is not None:
            found[step, parties.get(step.owner, report.organisation_id)].append(report)
    return found


def _remind(
    step: CycleStep,
    organisation_id: int,
    reports: list[AuditReport],
    day: date,
    days: WorkingDays,
    now: datetime,
) -> int:
    if day <= step.due_on:
        left = days.between(day, step.due_on)
        spoken = [before for before in step.remind_before if before >= left]
        if not spoken:
            return 0
        to = _people(rules.WORKERS, step, organisation_id, day)
        return _send(step, organisation_id, to, StepMail.Level.BEFORE, min(spoken), len(reports), now)
    late = max(
        (
            lateness.lateness(
                step, due_on=step.due_on, today=day, days=days, owed_since=lateness.owed_since(report)
            )
            for report in reports
        ),
        key=lambda each: each.days,
    )
    sent = 0
    for level, reached, roles in (
        (StepMail.Level.OWNER, Level.OWNER, rules.WORKERS),
        (StepMail.Level.SUPERVISOR, Level.SUPERVISOR, rules.SUPERVISORS),
    ):
        if late.level >= reached:
            to = _people(roles, step, organisation_id, day)
            sent += _send(step, organisation_id, to, level, 0, len(reports), now)
    return sent


def _people(
    roles: dict[Step, frozenset[str]], step: CycleStep, organisation_id: int, day: date
) -> dict[int, User]:
    """Who is told; where nobody holds the role, those above: a mail to nobody would be no mail."""
    found = people.members(organisation_id, roles[Step(step.step)], day)
    return found or people.members(organisation_id, rules.SUPERVISORS[Step(step.step)], day)


def _send(
    step: CycleStep,
    organisation_id: int,
    to: dict[int, User],
    level: StepMail.Level,
    before: int,
    count: int,
    now: datetime,
) -> int:
    return sum(_send_one(step, organisation_id, person, level, before, count, now) for person in to.values())


@transaction.atomic
def _send_one(
    step: CycleStep,
    organisation_id: int,
    person: User,
    level: StepMail.Level,
    before: int,
    count: int,
    now: datetime,
) -> bool:
    """Write it down and queue it; not when it was done before. A second worker waits here for the first."""
    _mail, made = StepMail.system.get_or_create(
        step=step,
        organisation_id=organisation_id,
        to_user=person,
        level=level,
        days=before,
        defaults={"sent_at": now},
    )
    if made:
        telling.queue(
            step, organisation_id, person, late=level != StepMail.Level.BEFORE, count=count, now=now
        )
    return made
