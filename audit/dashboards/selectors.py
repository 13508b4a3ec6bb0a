"""What the dashboards read: always the same number of statements, within the person's scope (ORG-02)."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db import connection
from django.db.models import Max, Q, QuerySet
from django.utils import timezone

from audit.cycles.dates import add_months
from audit.cycles.models import AuditCycle, CycleStep
from audit.cycles.working_days import WorkingDays
from audit.dashboards import matrix
from audit.dashboards.matrix import Matrix
from audit.imports import selectors as logs
from audit.reconciliation.models import (
    FITTING,
    Code,
    Incident,
    LogKind,
    ReasonCode,
    Reconciliation,
)
from audit.reports import moments
from audit.reports import selectors as reports
from audit.reports.models import AuditReport, ReportEnquiry, ReportStatus
from portal.orgs.models import Organisation, User
from portal.orgs.permissions import OrganisationKind
from requests.enquiries.models import Enquiry

_BEGUN = [status for status in ReportStatus if status != ReportStatus.PLANNED]
# Of the runs of each month, within the scope of whoever asks, with the run that is shown and the moments up to which words count.
_NEWEST_WORDS = """
SELECT w.code, count(*)
FROM (
    SELECT DISTINCT ON (o.shown, s.fingerprint) o.shown, s.fingerprint, r.code
    FROM unnest(%s::bigint[], %s::bigint[], %s::timestamptz[], %s::timestamptz[]) AS o (run, shown, central, federation)
    JOIN audit_mismatch s ON s.reconciliation_id = o.run
    JOIN audit_mismatchreason r ON r.mismatch_id = s.id
    WHERE coalesce(r.given_at <= CASE r.side WHEN 'CENTRAL' THEN o.central ELSE o.federation END, true)
    ORDER BY o.shown, s.fingerprint, r.given_at DESC, r.id DESC
) w
JOIN audit_mismatch m ON m.reconciliation_id = w.shown AND m.fingerprint = w.fingerprint AND m.code <> ALL(%s)
GROUP BY w.code
"""


@dataclass(frozen=True, kw_only=True)
class Bar:
    """One bar of a chart: what it stands for, how many, and its length as a share of the longest (0 to 100)."""

    label: str
    count: int
    share: float


@dataclass(frozen=True, kw_only=True)
class Findings:
    """Mismatches of a year: sessions by reason of the federation's or 中央会's newest word, log rows by finding."""

    reasons: list[Bar]
    codes: list[Bar]
    incidents: int  # still open


@dataclass(frozen=True, kw_only=True)
class Gap:
    """A federation whose logs of the current month have holes."""

    organisation: Organisation
    machines: int
    days: int


def current_cycle(user: User, year: int) -> AuditCycle | None:
    """The month that one looks at: the newest of the year in which something was done, else the newest opened one.

    Of what the person may see: a federation does not learn here that another one's report was made (AUD-04).
    """
    first, last = date(year, 4, 1), add_months(date(year, 4, 1), 11)
    rows = AuditCycle.objects.filter(month__gte=first, month__lte=last)
    begun = (
        reports.newest(user)
        .order_by()
        .filter(cycle__in=rows, status__in=_BEGUN)
        .aggregate(month=Max("cycle__month"))
    )
    return rows.filter(month=begun["month"]).first() if begun["month"] else rows.order_by("-month").first()


def years() -> list[int]:
    """The fiscal years of which there are months, the newest first."""
    found = AuditCycle.objects.order_by("month").values_list("month", flat=True)
    first, last = found.first(), found.last()
    if first is None or last is None:
        return []
    return list(range(matrix.fiscal_year(last), matrix.fiscal_year(first) - 1, -1))


def matrix_of(user: User, *, year: int, current: AuditCycle | None, today: date) -> Matrix:
    """Every federation that the person follows × the months of the year. Six statements."""
    first = date(year, 4, 1)
    cycles = list(AuditCycle.objects.filter(month__gte=first, month__lt=add_months(first, 12)))
    ids = [cycle.pk for cycle in cycles]
    rows = reports.newest(user).filter(cycle__in=ids).order_by()
    open_enquiries: Any = ReportEnquiry.objects.visible_to(user).filter(
        report__cycle__in=ids, carried_over_at=None
    )
    open_enquiries = open_enquiries.exclude(enquiry__state=Enquiry.State.CLOSED)
    asked = frozenset(open_enquiries.values_list("organisation_id", "report__cycle_id"))
    return matrix.build(
        year=year,
        current=current,
        today=today,
        days=WorkingDays.load(),
        organisations=[
            place for place in reports.organisations(user) if place.kind == OrganisationKind.FEDERATION
        ],  # staging takes no part in the audit (ADR 0043)
        cycles=cycles,
        steps=CycleStep.objects.filter(cycle__in=ids),
        reports=matrix.read_reports(rows, asked),
    )


def due_days(today: date, *, most: int = 6) -> list[CycleStep]:
    """The next due days of open months, the soonest first."""
    rows = CycleStep.objects.filter(due_on__gte=today).select_related("cycle")
    return list(rows.order_by("due_on", "cycle__month", "step")[:most])


def findings(user: User, year: int) -> Findings:
    """Why logs and ledgers differed in this year. Four statements."""
    first = date(year, 4, 1)
    shown = reports.newest(user).filter(
        cycle__month__gte=first, cycle__month__lt=add_months(first, 12), reconciliation__isnull=False
    )
    codes: Counter[str] = Counter()
    for counts in shown.order_by().values_list("reconciliation__counts", flat=True):
        for kind in LogKind:
            codes.update(counts.get(kind.value, {}))
    reasons = _newest_words(user, shown)
    differing = {code.value: codes[code.value] for code in Code if code not in FITTING}
    return Findings(
        reasons=_bars({str(ReasonCode(code).label): n for code, n in reasons.items()}),
        codes=_bars({str(Code(code).label): n for code, n in differing.items()}),
        incidents=Incident.objects.visible_to(user).filter(state=Incident.State.OPEN).count(),
    )


def _newest_words(user: User, shown: QuerySet[AuditReport]) -> dict[str, int]:
    """By code how many sessions of these reports have it as their newest word. Two statements.

    From what was said to the sessions: it may have been said in any run of the month, and most sessions have no reason.
    """
    revisions = {
        (report.cycle_id, report.organisation_id): (report.reconciliation_id, until.central, until.federation)
        for report, until in moments.of_reader_of_many(user, shown, timezone.now())
    }
    cycles, places = {cycle for cycle, _place in revisions}, {place for _cycle, place in revisions}
    runs = (
        Reconciliation.objects.visible_to(user).filter(cycle__in=cycles, organisation__in=places).order_by()
    )
    found = [
        (run, *revisions[cycle, place])
        for run, cycle, place in runs.values_list("pk", "cycle_id", "organisation_id")
        if (cycle, place) in revisions
    ]
    columns: list[list[Any]] = [list(column) for column in zip(*found, strict=True)] or [[], [], [], []]
    with connection.cursor() as cursor:
        cursor.execute(_NEWEST_WORDS, [*columns, list(FITTING)])
        return dict(cursor.fetchall())


def gaps(user: User, cycle: AuditCycle | None) -> list[Gap]:
    """Federations with machines that sent no log on some day of the month, most days first. One statement."""
    if cycle is None:
        return []
    rows = reports.newest(user).filter(~Q(reconciliation=None), cycle=cycle)
    found = []
    for report in rows.select_related("organisation", "reconciliation").order_by("organisation__sort_order"):
        days = [len(each["days_missing"]) for each in report.reconciliation.coverage if each["days_missing"]]  # type: ignore[union-attr]
        if days:
            found.append(Gap(organisation=report.organisation, machines=len(days), days=sum(days)))
    return sorted(found, key=lambda gap: -gap.days)


@dataclass(frozen=True, kw_only=True)
class Unwatched:
    """Federations without a machine that sends a log in the current month: it is silent, whatever is done there (AUD-10)."""

    log_label: str
    organisations: list[Organisation]


def unwatched(cycle: AuditCycle | None, organisations: list[Organisation]) -> list[Unwatched]:
    """For each log that is silent somewhere. One statement."""
    if cycle is None:
        return []
    found = logs.without_machine(cycle, organisations)
    return [
        Unwatched(log_label=str(LogKind(kind).label), organisations=places)
        for kind, places in found.items()
        if places
    ]


def _bars(counts: dict[str, int]) -> list[Bar]:
    longest = max(counts.values(), default=0) or 1
    ordered = sorted(counts.items(), key=lambda pair: -pair[1])
    return [Bar(label=label, count=n, share=100 * n / longest) for label, n in ordered if n]
