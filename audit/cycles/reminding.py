"""Mail about steps: before the due day, and after it first to those who owe the step and then to those above them (AUD-08)."""

from __future__ import annotations

from collections import defaultdict
from datetime import date, datetime

from django.db import transaction
from django.db.models import QuerySet

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
    """On a working day: every mail that is owed, each report once for person and level, in one mail a day; how many."""
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
        return _send(step, organisation_id, to, StepMail.Level.BEFORE, min(spoken), reports, now)
    late = {
        report.pk: lateness.lateness(
            step, due_on=step.due_on, today=day, days=days, owed_since=lateness.owed_since(report)
        ).level
        for report in reports
    }
    sent = 0
    for level, reached, roles in (
        (StepMail.Level.OWNER, Level.OWNER, rules.WORKERS),
        (StepMail.Level.SUPERVISOR, Level.SUPERVISOR, rules.SUPERVISORS),
    ):
        about = [report for report in reports if late[report.pk] >= reached]
        if about:
            to = _people(roles, step, organisation_id, day)
            sent += _send(step, organisation_id, to, level, 0, about, now)
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
    about: list[AuditReport],
    now: datetime,
) -> int:
    keys = {report.pk for report in about}
    return sum(_send_one(step, organisation_id, person, level, before, keys, now) for person in to.values())


@transaction.atomic
def _send_one(
    step: CycleStep,
    organisation_id: int,
    person: User,
    level: StepMail.Level,
    before: int,
    about: set[int],
    now: datetime,
) -> bool:
    """Write it down and queue it; not when it was done before. A second worker waits here for the first."""
    day, is_late = today(now), level != StepMail.Level.BEFORE
    mails = StepMail.system.filter(step=step, organisation_id=organisation_id, to_user=person)
    told = list(mails.filter(level=level, days=before).values_list("reports", flat=True))
    # A reminder before the day is one for whatever comes; lateness is told of each report.
    if about <= set().union(*told) if is_late else told:
        return False
    mail, made = StepMail.system.get_or_create(
        step=step,
        organisation_id=organisation_id,
        to_user=person,
        level=level,
        days=before,
        day=day,
        defaults={"sent_at": now, "reports": sorted(about)},
    )
    if not made or (is_late and _told_today(mails, mail)):
        return False
    telling.queue(step, organisation_id, person, late=is_late, count=len(about), now=now)
    return True


def _told_today(mails: QuerySet[StepMail], mail: StepMail) -> bool:
    """Whether the person reads the same words today already, as one of those who owe the step."""
    others = mails.filter(day=mail.day).exclude(pk=mail.pk)
    return others.exclude(level=StepMail.Level.BEFORE).exists()
