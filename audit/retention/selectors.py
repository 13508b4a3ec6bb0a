"""What is over its keeping time, what is held, what went (AUD-09)."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django.db import connection
from django.db.models import DateField, DateTimeField, Exists, OuterRef, Q, QuerySet
from django.db.models.functions import Greatest, TruncMonth
from django.utils import timezone

from audit.cycles.dates import add_months
from audit.cycles.models import AuditCycle, first_of_month
from audit.imports.models import LogChunk, LogImport
from audit.ledgers.models import WorkEntry
from audit.reconciliation.models import Mismatch
from audit.reports.models import ReportFile
from audit.retention.decisions import BATCHES, BATCHES_BY_PARTS, CHANGES, CHUNKS, FILES, REASONS, years_after
from audit.retention.models import LEAST_YEARS, Disposal, Hold, RecordKind, RetentionRule
from portal.common.time import JST, today

_TABLES = {RecordKind.NUMBER_LOGS: "audit_logrow_numbers", RecordKind.OTHER_LOGS: "audit_logrow_other"}
# verify_trail knows the time of a seal to a day, and years differ by one: nothing goes so early that it could be taken for forged.
_SEAL_DAYS = timedelta(days=3)
# Batches whose leaves cover all of their rows at once, by the months of their files.
_AT_ONCE = (
    BATCHES,
    "SELECT m.month, b.id AS key FROM (SELECT DISTINCT log_import_id, date_trunc('month', day)::date AS month"  # noqa: S608
    " FROM audit_logcoverage) m JOIN audit_logbatch b USING (log_import_id)"
    f" JOIN trail_leaf o ON o.source = '{BATCHES}' AND o.row_key = b.id AND o.version < {BATCHES_BY_PARTS}",
)
# By month the newest leaf of what would go with it, of the records that go or are emptied as a whole, and of such batches.
_NEWEST_LEAVES = {
    RecordKind.NUMBER_LOGS: (
        (
            CHUNKS,
            "SELECT date_trunc('month', greatest(i.last_at, i.uploaded_at) AT TIME ZONE 'Asia/Tokyo')::date AS month,"
            " c.id AS key FROM audit_logchunk c JOIN audit_logimport i ON i.id = c.log_import_id WHERE c.data <> ''",
        ),
        _AT_ONCE,
    ),
    RecordKind.OTHER_LOGS: (_AT_ONCE,),
    RecordKind.REPORTS: (
        (
            FILES,
            "SELECT c.month, f.id AS key FROM audit_reportfile f JOIN audit_auditreport r ON r.id = f.report_id"
            " JOIN audit_auditcycle c ON c.id = r.cycle_id WHERE f.content <> ''",
        ),
    ),
    RecordKind.SESSIONS: (
        (
            REASONS,
            "SELECT c.month, w.id AS key FROM audit_mismatchreason w JOIN audit_mismatch m ON m.id = w.mismatch_id"
            " JOIN audit_reconciliation r ON r.id = m.reconciliation_id JOIN audit_auditcycle c ON c.id = r.cycle_id",
        ),
    ),
    RecordKind.LEDGERS: (
        (
            CHANGES,
            "SELECT date_trunc('month', e.planned_from AT TIME ZONE 'Asia/Tokyo')::date AS month, w.id AS key"
            " FROM audit_workchange w JOIN audit_workentry e ON e.id = w.entry_id",
        ),
    ),
}
_SEALED = """
SELECT n.month, (SELECT c.at FROM trail_checkpoint c WHERE c.size > n.leaf ORDER BY c.size LIMIT 1)
FROM (SELECT k.month, max(l.number) AS leaf FROM ({keys}) k
      JOIN trail_leaf l ON l.source = %s AND l.row_key = k.key WHERE k.month = ANY(%s) GROUP BY 1) n
"""


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
    return years_after(add_months(month, 1), years)


def kept_after_seal(kind: str, months: Collection[date]) -> dict[date, date]:
    """By month the first day on which its newest record has been in the evidence for the years that the law asks for.

    A record that is written long after its month, such as a late revision, is kept as long as any other: once it is gone nothing
    else shows how old it was. Log rows are not asked about where their leaves prove their months.
    """
    if not months:
        return {}
    years = LEAST_YEARS[RecordKind(kind)]
    found: dict[date, date] = {}
    for source, keys in _NEWEST_LEAVES[RecordKind(kind)]:
        with connection.cursor() as cursor:
            cursor.execute(_SEALED.format(keys=keys), [source, list(months)])
            for month, at in cursor.fetchall():
                until = years_after(today(at or timezone.now()), years) + _SEAL_DAYS
                found[month] = max(until, found.get(month, until))
    return found


def due(today: date) -> list[Due]:
    """Everything that may go today, or could without a hold; the oldest first. A dozen statements."""
    known, held = rules(), list(Hold.objects.filter(released_at=None))
    proposed = {
        (row.kind, row.month): row
        for row in Disposal.objects.filter(state=Disposal.State.PROPOSED).select_related("proposed_by")
    }
    found = []
    for kind, months in _months().items():
        over = [month for month in months if kept_until(month, known[kind].years) <= today]
        sealed = kept_after_seal(kind, over)
        for month in over:
            last = max(kept_until(month, known[kind].years), sealed.get(month, date.min))
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


def files_of(month: date) -> QuerySet[LogImport]:
    """The files of log lines that go with a month: of their last row or of their upload, whichever is later. Some bring no row."""
    found: QuerySet[LogImport] = _dated_files().filter(month_of_file=month)
    return found


def _dated_files() -> Any:
    later = Greatest("last_at", "uploaded_at", output_field=DateTimeField())  # of a NULL and a time: the time
    return LogImport.objects.annotate(month_of_file=TruncMonth(later, tzinfo=JST, output_field=DateField()))


def _months() -> dict[RecordKind, list[date]]:
    """The months of which records are there: partitions of the log, files of logs, reports with files and with sessions, works."""
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
    full = LogChunk.objects.filter(log_import=OuterRef("pk")).exclude(data=b"")
    brought = _dated_files().filter(Exists(full)).order_by().values_list("month_of_file", flat=True)
    number_logs = {*found[RecordKind.NUMBER_LOGS], *brought.distinct()}
    found[RecordKind.NUMBER_LOGS] = sorted(number_logs)
    files = ReportFile.system.exclude(content=b"").order_by("report__cycle__month")
    months = files.values_list("report__cycle__month", flat=True).distinct()
    found[RecordKind.REPORTS] = [first_of_month(month) for month in months]
    sessions = Mismatch.system.filter(reconciliation__cycle=OuterRef("pk"))
    cycles = AuditCycle.objects.filter(Exists(sessions)).order_by("month")
    found[RecordKind.SESSIONS] = list(cycles.values_list("month", flat=True))
    works = WorkEntry.system.order_by().values_list(TruncMonth("planned_from", tzinfo=JST)).distinct()
    found[RecordKind.LEDGERS] = sorted(month.date() for (month,) in works)
    return found
