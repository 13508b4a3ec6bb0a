"""What is over its keeping time, what is held, what went (AUD-09)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from django.db import connection
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.db.models.functions import TruncMonth

from audit.cycles.dates import add_months
from audit.cycles.models import AuditCycle, first_of_month
from audit.ledgers.models import WorkEntry
from audit.reconciliation.models import Mismatch
from audit.reports.models import ReportFile
from audit.retention.models import Disposal, Hold, RecordKind, RetentionRule
from portal.common.time import JST

_TABLES = {RecordKind.NUMBER_LOGS: "audit_logrow_numbers", RecordKind.OTHER_LOGS: "audit_logrow_other"}


@dataclass(frozen=True, kw_only=True)
class Due:
    """One month of one kind that is there still, after its keeping time."""

    kind: RecordKind
    month: date
    kept_until: date  # the first day on which it may go
    hold: Hold | None
    disposal: Disposal | None  # proposed, not decided


def rules() -> dict[str, RetentionRule]:
    """The keeping time of each kind."""
    return {rule.kind: rule for rule in RetentionRule.objects.all()}


def kept_until(month: date, years: int) -> date:
    """The first day on which a month may go: so many years after its end."""
    end = add_months(month, 1)
    return end.replace(year=end.year + years)


def due(today: date) -> list[Due]:
    """Everything that may go today, or could without a hold; the oldest first. Eight statements."""
    known, held = rules(), list(Hold.objects.filter(released_at=None))
    proposed = {
        (row.kind, row.month): row
        for row in Disposal.objects.filter(state=Disposal.State.PROPOSED).select_related("proposed_by")
    }
    found = []
    for kind, months in _months().items():
        for month in months:
            last = kept_until(month, known[kind].years)
            if last <= today:
                hold = next(
                    (each for each in held if each.kind == kind and each.month in (None, month)), None
                )
                found.append(
                    Due(
                        kind=kind,
                        month=month,
                        kept_until=last,
                        hold=hold,
                        disposal=proposed.get((kind, month)),
                    )
                )
    return sorted(found, key=lambda each: (each.month, each.kind))


def hold_on(kind: str, month: date) -> Hold | None:
    """What keeps this month from going."""
    rows = Hold.objects.filter(Q(month=None) | Q(month=month), kind=kind, released_at=None)
    return rows.first()


def holds() -> QuerySet[Hold]:
    """Every hold, those that still hold first."""
    return Hold.objects.select_related("placed_by", "released_by").order_by("released_at", "-id")


def disposals() -> QuerySet[Disposal]:
    """What was decided, the newest first."""
    rows = Disposal.objects.exclude(state=Disposal.State.PROPOSED)
    return rows.select_related("proposed_by", "decided_by")


def is_there(kind: str, month: date) -> bool:
    """Whether there is anything of this month to dispose of."""
    return month in _months()[RecordKind(kind)]


def _months() -> dict[RecordKind, list[date]]:
    """The months of which records are there: partitions of the log, months of reports with files and with sessions, of works."""
    found: dict[RecordKind, list[date]] = {kind: [] for kind in RecordKind}
    for kind, table in _TABLES.items():
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT child.relname FROM pg_inherits JOIN pg_class child ON child.oid = inhrelid"
                " WHERE inhparent = to_regclass(%s) ORDER BY 1",
                [table],
            )
            names = [name for (name,) in cursor.fetchall()]
        found[kind] = [date.fromisoformat(f"{name[-7:].replace('_', '-')}-01") for name in names]
    files = ReportFile.system.exclude(content=b"").order_by("report__cycle__month")
    months = files.values_list("report__cycle__month", flat=True).distinct()
    found[RecordKind.REPORTS] = [first_of_month(month) for month in months]
    sessions = Mismatch.system.filter(reconciliation__cycle=OuterRef("pk"))
    cycles = AuditCycle.objects.filter(Exists(sessions)).order_by("month")
    found[RecordKind.SESSIONS] = list(cycles.values_list("month", flat=True))
    works = WorkEntry.system.order_by().values_list(TruncMonth("planned_from", tzinfo=JST)).distinct()
    found[RecordKind.LEDGERS] = sorted(month.date() for (month,) in works)
    return found
