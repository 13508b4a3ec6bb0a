"""Reading the months of the audit: their days are for everybody who takes part, how far each report is only within scope."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date

from django.db.models import Count, Exists, OuterRef, Q, QuerySet

from audit.cycles import dates
from audit.cycles.models import AuditCycle, Closure, CycleStep, DeadlinePolicy, Step
from audit.cycles.rules import FOLLOWERS
from audit.cycles.services import frozen_steps
from audit.cycles.working_days import WorkingDays
from audit.reports.models import OWED, AuditReport, ReportStatus
from portal.orgs.models import Organisation, User
from portal.orgs.permissions import SEES_EVERYTHING

# The last step that is done in each state.
REACHED = {
    ReportStatus.PLANNED: 0,
    ReportStatus.CREATED: 1,
    ReportStatus.CENTRAL_CONFIRMED: 2,
    ReportStatus.PROVIDED: 3,
    ReportStatus.FEDERATION_CONFIRMED: 4,
    ReportStatus.RETURNED: 6,
    ReportStatus.COPY_STORED: 7,
    ReportStatus.DISPOSED: 7,
}
BEFORE_PROVIDED = (ReportStatus.PLANNED, ReportStatus.CREATED, ReportStatus.CENTRAL_CONFIRMED)


@dataclass(frozen=True, kw_only=True)
class Progress:
    """How many reports of a month have a step behind them, and how many owe it now."""

    done: int
    owed: int
    total: int


@dataclass(frozen=True, kw_only=True)
class Month:
    """One month with its days; without a row of its own while it is not open: then its days may still change."""

    cycle: AuditCycle
    steps: list[CycleStep]
    progress: Mapping[int, Progress] = field(default_factory=dict)  # by step; empty while it is not open

    @property
    def is_open(self) -> bool:
        """Whether its days are frozen."""
        return self.cycle.pk is not None


def current_cycles(today: date) -> list[AuditCycle]:
    """The months that are not over on `today`, the oldest first: a report owes a step, or a due day is still to come."""
    owing = AuditReport.system.filter(cycle=OuterRef("pk"), is_current=True, status__in=list(OWED))
    coming = CycleStep.objects.filter(cycle=OuterRef("pk"), due_on__gte=today)
    rows = AuditCycle.objects.filter(Exists(owing) | Exists(coming))
    return list(rows.order_by("month").prefetch_related("steps"))


def cycle(key: str) -> AuditCycle:
    """The month that is written "2026-09". Raises AuditCycle.DoesNotExist."""
    month = month_of(key)
    if month is None:
        raise AuditCycle.DoesNotExist(key)
    return AuditCycle.objects.select_related("policy").prefetch_related("steps").get(month=month)


def step(cycle: AuditCycle, step: Step) -> CycleStep:
    """One step of a month."""
    return next(each for each in cycle.steps.all() if each.step == step)


def month_of(key: str) -> date | None:
    """The first day of "2026-09"; None for what is no month between 2020 and 2099."""
    year, dash, month = key.partition("-")
    if len(key) != 7 or not dash or not (year + month).isascii() or not (year + month).isdigit():
        return None
    if not 2020 <= int(year) <= 2099 or not 1 <= int(month) <= 12:
        return None
    return date(int(year), int(month), 1)


def months(first: date, last: date, *, user: User | None = None) -> list[Month]:
    """Every month from `first` to `last` (first days): the open ones as they are, the others as they would be opened now.

    Months before the first open one and without a version of the deadlines are left out. With `user`, how far the reports
    are that this person may see. The number of statements does not grow with the months.
    """
    rows = AuditCycle.objects.filter(month__gte=first, month__lte=last).prefetch_related("steps")
    found = {row.month: row for row in rows.select_related("policy")}
    begins = AuditCycle.objects.order_by("month").values_list("month", flat=True).first()
    counts = progress_of(user, [row.pk for row in found.values()]) if user else {}
    planner = Planner.load()
    made: list[Month] = []
    month = first
    while month <= last:
        if month in found:
            row = found[month]
            made.append(
                Month(cycle=row, steps=list(row.steps.all()), progress=counts.get(row.pk, _nothing()))
            )
        elif begins is None or month > begins:
            planned = planner.month(month, after=made[-1].cycle.covers_until if made else None)
            made += [planned] if planned else []
        month = dates.add_months(month, 1)
    return made


@dataclass(frozen=True, kw_only=True)
class Planner:
    """Works out months that are not open yet, from all versions of the deadlines."""

    policies: list[DeadlinePolicy]  # the newest first
    days: WorkingDays

    @classmethod
    def load(cls) -> Planner:
        """With what holds now."""
        rows = DeadlinePolicy.objects.order_by("-valid_from").prefetch_related("steps")
        return cls(policies=list(rows), days=WorkingDays.load())

    def month(self, month: date, *, after: date | None = None) -> Month | None:
        """The month as it would be opened now; None without a version. `after`: the last day that the one before covers."""
        policy = next((each for each in self.policies if each.valid_from <= month), None)
        if policy is None:
            return None
        covers_from, covers_until = dates.covered(month, from_day=policy.covers_from_day, after=after)
        cycle = AuditCycle(month=month, policy=policy, covers_from=covers_from, covers_until=covers_until)
        return Month(cycle=cycle, steps=frozen_steps(cycle, policy, policy.steps.all(), self.days))


def progress_of(user: User, cycle_ids: Iterable[int]) -> dict[int, dict[int, Progress]]:
    """How far the current reports of these months are, by month and step, as far as the person may see them."""
    counts: dict[int, Counter[str]] = {pk: Counter() for pk in cycle_ids}
    presented: Counter[int] = Counter()
    rows = visible_reports(user).filter(cycle__in=list(counts)).order_by()
    grouped = rows.values_list("cycle", "status").annotate(
        n=Count("pk"), shown=Count("pk", filter=~Q(presentation=""))
    )
    for pk, status, number, shown in grouped:
        counts[pk][status] = number
        presented[pk] += shown
    return {pk: _progress(each, presented[pk]) for pk, each in counts.items()}


def visible_reports(user: User) -> QuerySet[AuditReport]:
    """The current reports that the person may see: a federation its own, from the day on which they are provided (AUD-04)."""
    rows = AuditReport.objects.visible_to(user).filter(is_current=True)
    if user.scope.everything:
        return rows
    return rows.exclude(status__in=BEFORE_PROVIDED)


def late_count(user: User, today: date, owners: Iterable[str] | None = None) -> int:
    """How many reports owe a step whose day has passed, of these parties when given; one statement."""
    late = Q(pk__in=[])
    for status, owed in OWED.items():
        late |= Q(status=status, cycle__steps__step=owed, cycle__steps__due_on__lt=today)
    if owners is not None:  # of the same step: one filter, one join
        late &= Q(cycle__steps__owner__in=list(owners))
    return visible_reports(user).filter(late).order_by().distinct().count()


def owing(user: User, cycle: AuditCycle) -> dict[int, list[Organisation]]:
    """Whose reports of a month owe which step, by step, in the order of the organisations."""
    found: dict[int, list[Organisation]] = {}
    rows = visible_reports(user).filter(cycle=cycle, status__in=list(OWED)).select_related("organisation")
    for report in rows.order_by("organisation__sort_order"):
        found.setdefault(int(OWED[ReportStatus(report.status)]), []).append(report.organisation)
    return found


def parties(user: User) -> list[str]:
    """The parties in which the person has to do with the steps, as OrganisationKind."""
    held = {(membership.organisation.kind, membership.role) for membership in user.current_memberships}
    return [kind for kind, roles in FOLLOWERS.items() if any((kind, role) in held for role in roles)]


def reads_everything(user: User) -> bool:
    """Whether the person follows the reports of all federations."""
    return any(membership.organisation.kind in SEES_EVERYTHING for membership in user.current_memberships)


def policies() -> list[DeadlinePolicy]:
    """Every version of the deadlines, the newest first, with how many months froze it (`frozen`)."""
    rows = DeadlinePolicy.objects.order_by("-valid_from").prefetch_related("steps")
    return list(rows.annotate(frozen=Count("cycles")))


def closures() -> QuerySet[Closure]:
    """Days that are told apart from the usual calendar."""
    return Closure.objects.select_related("made_by")


def due_on(days: Iterable[date]) -> list[CycleStep]:
    """Steps of open months that are due on one of these days: a closure entered now does not move them."""
    rows = CycleStep.objects.filter(due_on__in=list(days)).select_related("cycle")
    return list(rows.order_by("due_on", "cycle__month", "step"))


def _nothing() -> dict[int, Progress]:
    return {int(each): Progress(done=0, owed=0, total=0) for each in Step}


def _progress(counts: Counter[str], presented: int) -> dict[int, Progress]:
    total = counts.total()
    found = {}
    for each in Step:
        done = sum(n for status, n in counts.items() if REACHED.get(ReportStatus(status), 0) >= each)
        owed = sum(n for status, n in counts.items() if OWED.get(ReportStatus(status)) == each)
        if each == Step.PRESENT:  # beside the way: decided one way or the other
            done, owed = presented, 0
        found[int(each)] = Progress(done=done, owed=owed, total=total)
    return found
