"""Opening the months of the audit: each once, in order, with its days and its reports (AUD-08, SEC-04)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime

from django.db import transaction

from audit.cycles import dates
from audit.cycles.errors import NoDeadlines
from audit.cycles.models import AuditCycle, CycleStep, DeadlinePolicy, StepRule, first_of_month
from audit.cycles.working_days import WorkingDays
from audit.reports.models import AuditReport
from portal.common.time import today
from portal.orgs.models import Organisation
from portal.orgs.permissions import OrganisationKind
from portal.trail import services as trail

RULE_FIELDS = tuple(field.name for field in StepRule._meta.get_fields())


def open_due_cycles(now: datetime) -> list[AuditCycle]:
    """Open every month that has begun and is not open yet, the oldest first; what this call opened.

    A portal without any month owes nothing for the past and begins with the newest one.
    """
    newest = AuditCycle.objects.order_by("-month").values_list("month", flat=True).first()
    last = _newest_due(today(now))
    month = dates.add_months(newest, 1) if newest else last
    opened = []
    while month <= last:
        cycle = open_cycle(month=month, now=now)
        if cycle is not None:
            opened.append(cycle)
        month = dates.add_months(month, 1)
    return opened


@transaction.atomic
def open_cycle(*, month: date, now: datetime) -> AuditCycle | None:
    """Open one month: freeze its days, and plan one report for each federation. None when it was open already.

    Whoever comes second waits for the first at the unique month.
    """
    policy = policy_for(month)
    before = AuditCycle.objects.filter(month=dates.add_months(month, -1)).first()
    covers_from, covers_until = dates.covered(
        month, from_day=policy.covers_from_day, after=before.covers_until if before else None
    )
    cycle, made = AuditCycle.objects.get_or_create(
        month=month,
        defaults={
            "policy": policy,
            "covers_from": covers_from,
            "covers_until": covers_until,
            "opened_at": now,
        },
    )
    if not made:
        return None
    CycleStep.objects.bulk_create(frozen_steps(cycle, policy, policy.steps.all(), WorkingDays.load()))
    federations = Organisation.objects.filter(kind=OrganisationKind.FEDERATION).order_by("sort_order", "code")
    reports = AuditReport.system.bulk_create(
        AuditReport(cycle=cycle, organisation=federation) for federation in federations
    )
    trail.record(
        action="audit_cycle.open",
        now=now,
        actor=None,
        object_type="audit.auditcycle",
        object_id=cycle.pk,
        object_label=cycle.key,
        detail={"policy": str(policy), "reports": len(reports)},
    )
    return cycle


def policy_for(month: date) -> DeadlinePolicy:
    """The version of the deadlines that holds in a month. Raises NoDeadlines."""
    policy = DeadlinePolicy.objects.filter(valid_from__lte=month).order_by("-valid_from").first()
    if policy is None:
        raise NoDeadlines(f"{month:%Y-%m}")
    return policy


def _newest_due(day: date) -> date:
    """The newest month whose opening day has come."""
    month = first_of_month(day)
    return month if day.day >= policy_for(month).opens_day else dates.add_months(month, -1)


def frozen_steps(
    cycle: AuditCycle, policy: DeadlinePolicy, rules: Iterable[StepRule], days: WorkingDays
) -> list[CycleStep]:
    """The steps of a month with their days as this version gives them; not saved."""
    planned = dates.plan(rules, cycle.month, days, opens_day=policy.opens_day)
    return [
        CycleStep(
            cycle=cycle,
            starts_on=step.starts_on,
            due_on=step.due_on,
            moved=step.moved,
            **{name: getattr(step.rule, name) for name in RULE_FIELDS},
        )
        for step in planned
    ]
