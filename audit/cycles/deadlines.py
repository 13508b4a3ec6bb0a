"""Versions of the deadlines and local closures: entered for the future, never changed under a month that is open (AUD-08)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, timedelta

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from audit.cycles import dates, rules
from audit.cycles.errors import NotAllowed, Refused
from audit.cycles.models import AuditCycle, Closure, DeadlinePolicy, PolicyStep, first_of_month
from audit.cycles.selectors import Month
from audit.cycles.services import frozen_steps
from audit.cycles.working_days import WorkingDays
from portal.common.time import today
from portal.orgs.models import User
from portal.orgs.permissions import MANAGE_AUDIT_DEADLINES
from portal.trail import services as trail

_DAY = timedelta(days=1)
LONGEST_CLOSURE = 31  # days in one entry


@transaction.atomic
def enter_policy(
    *, policy: DeadlinePolicy, steps: Iterable[PolicyStep], actor: User, now: datetime
) -> DeadlinePolicy:
    """Keep a new version that holds from a later month on; months that are open keep theirs.

    Neither `policy` nor `steps` have been saved. Raises NotAllowed, Refused.
    """
    _require(actor)
    steps = list(steps)
    check_policy(policy=policy, steps=steps, now=now)
    policy.made_by_name = actor.display_name
    try:
        with transaction.atomic():
            policy.save()
    except IntegrityError as error:  # somebody else was faster
        raise Refused(("valid_from", _taken())) from error
    for step in steps:
        step.policy = policy
    PolicyStep.objects.bulk_create(steps)
    _record("audit_deadlines.enter", policy, actor, now, {"steps": [_told(step) for step in steps]})
    return policy


@transaction.atomic
def withdraw_policy(*, policy_id: int, actor: User, now: datetime) -> None:
    """Take back a version that has not begun; the one before it holds on. Raises NotAllowed, Refused."""
    _require(actor)
    policy = DeadlinePolicy.objects.select_for_update().get(pk=policy_id)
    if policy.valid_from <= first_of_month(today(now)) or policy.cycles.exists():
        raise Refused(("", _("This version holds already. Enter a new one for a later month.")))
    told = [_told(step) for step in policy.steps.all()]
    _record("audit_deadlines.withdraw", policy, actor, now, {"steps": told})
    policy.delete()


def preview(policy: DeadlinePolicy, steps: Iterable[PolicyStep], count: int = 12) -> list[Month]:
    """The first months of a version as they would be opened, none of it saved."""
    steps, days, months = list(steps), WorkingDays.load(), []
    after = None
    for n in range(count):
        month = dates.add_months(policy.valid_from, n)
        covers_from, after = dates.covered(month, from_day=policy.covers_from_day, after=after)
        cycle = AuditCycle(month=month, covers_from=covers_from, covers_until=after)
        months.append(Month(cycle=cycle, steps=frozen_steps(cycle, policy, steps, days)))
    return months


@transaction.atomic
def enter_closures(
    *, first: date, last: date, name: str, works: bool, actor: User, now: datetime
) -> list[Closure]:
    """Tell days apart from the usual calendar: closed, or worked although they would not be.

    The days of months that are open stay as they are. Raises NotAllowed, Refused.
    """
    _require(actor)
    if first < today(now):
        raise Refused(("first", _("This day has passed.")))
    if not 0 <= (last - first).days < LONGEST_CLOSURE:
        raise Refused(("last", _("Enter a day from the first one on, at most 31 days in all.")))
    days = [first + _DAY * n for n in range((last - first).days + 1)]
    usual = WorkingDays()
    days = [day for day in days if usual.is_working(day) != works]
    if not days:
        raise Refused(
            (
                "first",
                _("These days are worked anyway.") if works else _("Nobody works on these days anyway."),
            )
        )
    taken = sorted(Closure.objects.filter(day__in=days).values_list("day", flat=True))
    if taken:
        raise Refused(("first", _("Entered already: %(day)s") % {"day": taken[0].isoformat()}))
    made = Closure.objects.bulk_create(
        Closure(day=day, name=name, works=works, made_by=actor) for day in days
    )
    detail = {"days": [day.isoformat() for day in days], "works": works}
    trail.record(action="audit_closure.enter", now=now, actor=actor, object_label=name, detail=detail)
    return made


@transaction.atomic
def remove_closure(*, closure_id: int, actor: User, now: datetime) -> None:
    """Forget a day that has not come. Raises NotAllowed, Refused, Closure.DoesNotExist."""
    _require(actor)
    closure = Closure.objects.select_for_update().get(pk=closure_id)
    if closure.day < today(now):
        raise Refused(("", _("This day has passed.")))
    trail.record(
        action="audit_closure.remove",
        now=now,
        actor=actor,
        object_label=closure.name,
        detail={"days": [closure.day.isoformat()], "works": closure.works},
    )
    closure.delete()


def check_policy(*, policy: DeadlinePolicy, steps: list[PolicyStep], now: datetime) -> None:
    """What `enter_policy` would say, without keeping anything. Raises Refused."""
    found = list(rules.problems(policy.opens_day, policy.covers_from_day, steps))
    if policy.valid_from <= first_of_month(today(now)):
        found.append(("valid_from", _("Choose a later month: this one has begun.")))
    if DeadlinePolicy.objects.filter(valid_from=policy.valid_from).exists():
        found.append(("valid_from", _taken()))
    if found:
        raise Refused(*found)


def _taken() -> str:
    return _("A version begins with this month already. Withdraw it first, or choose another month.")


def _require(actor: User) -> None:
    if not actor.may(MANAGE_AUDIT_DEADLINES):
        raise NotAllowed(
            _("Only network operations and the central association settle the deadlines of the audit.")
        )


def _told(step: PolicyStep) -> dict[str, object]:
    """A step for the trail."""
    names = ("step", "month_offset", "due_day", "roll", "min_working_days", "together", "remind_before")
    more = ("escalate_owner", "escalate_supervisor", "escalate_central")
    return {name: getattr(step, name) for name in names + more}


def _record(
    action: str, policy: DeadlinePolicy, actor: User, now: datetime, detail: dict[str, object]
) -> None:
    trail.record(
        action=action,
        now=now,
        actor=actor,
        object_type="audit.deadlinepolicy",
        object_id=policy.pk,
        object_label=str(policy),
        detail={"opens_day": policy.opens_day, "covers_from_day": policy.covers_from_day, **detail},
    )
