"""What the page of a revision shows: the seven steps with their days, mismatches by code, coverage, what changed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db.models import Count, Exists, OuterRef, Q, Sum
from django.utils import timezone
from django.utils.translation import gettext as _

from audit.cycles.models import CycleStep, Step
from audit.imports import selectors as logs
from audit.imports.models import LogImport
from audit.reconciliation import services as reconciliation
from audit.reconciliation.assurance import Assurance, assurance, is_irregular
from audit.reconciliation.models import FITTING, Code, LogKind, Mismatch, Side
from audit.reports import guards, moments
from audit.reports.models import OWED, AuditReport, Presentation, ReportStatus
from portal.common.time import today
from portal.orgs.models import User

# When and by whom a step was done, as fields of the report.
_DONE = {
    Step.CREATE: ("made_at", "created_by"),
    Step.CENTRAL_CHECK: ("central_confirmed_at", "central_checked_by"),
    Step.PROVIDE: ("provided_at", "provided_by"),
    Step.FEDERATION_CHECK: ("federation_confirmed_at", "federation_checked_by"),
    Step.RETURN: ("returned_at", "returned_by"),
    Step.STORE_COPY: ("stored_at", "stored_by"),
}


@dataclass(frozen=True, kw_only=True)
class StepShown:
    """One of the seven steps: done, now, or still to come; `late` when its day has passed."""

    step: CycleStep
    state: str  # "done", "now", "stop" (left out) or ""
    at: datetime | None = None
    on: date | None = None
    who: str = ""
    late: bool = False


def steps(report: AuditReport, now: datetime) -> list[StepShown]:
    """The stepper of the page. Step 5 is optional: it is never late (AUD-06)."""
    owed = OWED.get(ReportStatus(report.status)) if report.is_current else None
    return [_step(each, report, owed, now) for each in report.cycle.steps.all()]


def _step(each: CycleStep, report: AuditReport, owed: Step | None, now: datetime) -> StepShown:
    step = Step(each.step)
    if step == Step.PRESENT:
        return _presentation(each, report)
    at_field, who_field = _DONE[step]
    at, who = getattr(report, at_field), getattr(report, who_field)
    if at is not None:
        name = who.display_name if who else ""
        return StepShown(step=each, state="done", at=at, who=name, late=today(at) > each.due_on)
    return StepShown(
        step=each,
        state="now" if step == owed else "",
        late=report.is_current and today(now) > each.due_on,
    )


def _presentation(each: CycleStep, report: AuditReport) -> StepShown:
    who = report.presented_by.display_name if report.presented_by else ""
    if report.presentation == Presentation.PRESENTED:
        return StepShown(step=each, state="done", on=report.presented_on, who=who)
    return StepShown(step=each, state="stop" if report.presentation else "", who=who)


@dataclass(frozen=True, kw_only=True)
class CodeLine:
    """The mismatches of one log and code: sessions, rows, and how many of them each party explained."""

    log_kind: str
    code: str
    sessions: int
    rows: int
    central: int
    federation: int

    @property
    def log_label(self) -> str:
        """The log in words."""
        return str(LogKind(self.log_kind).label)

    @property
    def code_label(self) -> str:
        """The finding in words."""
        return str(Code(self.code).label)


def mismatches(user: User, report: AuditReport) -> list[CodeLine]:
    """One line for each log and code, in one statement; nothing personal stands in it."""
    rows: Any = Mismatch.objects.visible_to(user).filter(reconciliation_id=report.reconciliation_id)
    rows = rows.exclude(code__in=FITTING)
    until = moments.of_reader(user, report, timezone.now())
    for side in Side.values:
        missing = guards.unexplained(side, until).filter(pk=OuterRef("pk"))
        rows = rows.annotate(**{f"no_{side.lower()}": Exists(missing)})
    found = (
        rows.order_by()
        .values("log_kind", "code")
        .annotate(
            sessions=Count("pk"),
            rows=Sum("row_count"),
            central=Count("pk", filter=Q(no_central=False)),
            federation=Count("pk", filter=Q(no_federation=False)),
        )
    )
    return [CodeLine(**line) for line in found.order_by("log_kind", "code")]


def without_reason(lines: list[CodeLine], report: AuditReport) -> int:
    """How many sessions lack the reason of the party whose turn it is (AUD-03, AUD-05)."""
    central = report.status == ReportStatus.CREATED
    return sum(line.sessions - (line.central if central else line.federation) for line in lines)


@dataclass(frozen=True, kw_only=True)
class CoverageLine:
    """Whether one log of one machine was complete."""

    host: str
    log_label: str
    days_missing: int
    days_with_rows: int  # of a log that comes when something happens this alone says anything
    is_irregular: bool


def coverage(report: AuditReport) -> list[CoverageLine]:
    """For which machines the logs were complete (AUD-10), those with missing days first."""
    lines = report.reconciliation.coverage if report.reconciliation else []
    labels = dict(LogKind.choices)
    found = [
        CoverageLine(
            host=str(line.get("host", "")),
            log_label=str(labels.get(line.get("log_kind", ""), "")),
            days_missing=len(line.get("days_missing", ())),
            days_with_rows=line.get("days_with_rows", 0),
            is_irregular=is_irregular(line),
        )
        for line in lines
    ]
    return sorted(found, key=lambda line: (-line.days_missing, line.host, line.log_label))


def without_machine(report: AuditReport) -> list[LogKind]:
    """The logs for which no machine is registered: nothing can be said about them (AUD-10)."""
    if report.reconciliation is None:
        return []
    coverage = report.reconciliation.coverage
    return [kind for kind in LogKind if assurance(coverage, kind) == Assurance.NO_MACHINE]


def without_mismatch(report: AuditReport, mismatches: Iterable[CodeLine]) -> list[tuple[LogKind, Assurance]]:
    """The logs in which nothing differs, with how much that says (AUD-10)."""
    if report.reconciliation is None:
        return []
    differing = {line.log_kind for line in mismatches}
    coverage = report.reconciliation.coverage
    return [(kind, assurance(coverage, kind)) for kind in LogKind if kind not in differing]


@dataclass(frozen=True, kw_only=True)
class ToCome:
    """What a report that is made now would lack: logs that are not imported yet, rows that were not reconciled yet."""

    imports: list[LogImport]
    reconciled_at: datetime | None  # of the run that would count; None when nothing came after it

    def __bool__(self) -> bool:
        return bool(self.imports or self.reconciled_at)


def to_come(report: AuditReport, now: datetime) -> ToCome:
    """Of a report that is not made yet; nothing of any other, which a supplement follows (AUD-10)."""
    if report.status != ReportStatus.PLANNED:
        return ToCome(imports=[], reconciled_at=None)
    run = reconciliation.newest_run(report.cycle, report.organisation)
    behind = (
        run is not None
        and logs.brought_after(report.cycle, report.organisation, run.started_at)
        and reconciliation.is_behind(run, now)
    )
    return ToCome(
        imports=list(logs.imports_under_way(report.cycle.month)),
        reconciled_at=run.started_at if run is not None and behind else None,
    )


def came_late(report: AuditReport) -> list[Any]:
    """Imports with rows that a report lacks because they came after it was made: it needs a supplement (AUD-10)."""
    if report.made_at is None or report.reconciliation is None or not report.is_current:
        return []
    run = reconciliation.newest_run(report.cycle, report.organisation)
    if run is None or run.input_digest == report.reconciliation.input_digest:
        return []
    brought = logs.late_rows(report.cycle, report.organisation)
    return [made for made in brought if made.came_at and made.came_at > report.made_at]


@dataclass(frozen=True, kw_only=True)
class Difference:
    """What is different between a revision and the one before."""

    label: str
    before: str
    after: str


def differences(old: AuditReport, new: AuditReport) -> list[Difference]:
    """Rows by log and code, and mismatches that came or went."""
    before, after = _counts(old), _counts(new)
    lines = [
        Difference(
            label=f"{LogKind(kind).label} {Code(code).label}",
            before=str(before[kind, code]),
            after=str(after[kind, code]),
        )
        for kind, code in sorted({*before, *after})
        if before[kind, code] != after[kind, code]
    ]
    gone, came = _fingerprints(old) - _fingerprints(new), _fingerprints(new) - _fingerprints(old)
    if gone or came:
        lines.append(
            Difference(
                label=_("Mismatches that went and that came"),
                before=_("%(count)d went") % {"count": len(gone)},
                after=_("%(count)d came") % {"count": len(came)},
            )
        )
    return lines


def _counts(report: AuditReport) -> Counter[tuple[str, str]]:
    counts = report.reconciliation.counts if report.reconciliation else {}
    found: Counter[tuple[str, str]] = Counter()
    for kind, codes in counts.items():
        for code, count in codes.items():
            if kind in LogKind.values and code in Code.values:
                found[kind, code] = count
    return found


def _fingerprints(report: AuditReport) -> set[str]:
    rows = Mismatch.system.filter(reconciliation=report.reconciliation).exclude(code__in=FITTING)
    return set(rows.values_list("fingerprint", flat=True))
