"""What stands in the two reports of a month, read once from the database and hashed (AUD-01, AUD-02, AUD-10).

The PDF, the CSV and the Excel file are drawn from the same Content, so they cannot say different things; its digest is
printed on every page and signed with the PDF.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Any

from django.db.models import F, QuerySet
from django.utils import translation

from audit.reconciliation import said
from audit.reconciliation.assurance import Assurance, assurance, is_irregular
from audit.reconciliation.models import FITTING, Code, LogKind, Mismatch, Side
from audit.reports import moments
from audit.reports.models import AuditReport, ReportFile
from portal.common.time import JST, today
from portal.orgs.models import Membership
from portal.orgs.permissions import MAKE_AUDIT_REPORTS


@dataclass(frozen=True, kw_only=True)
class Reason:
    """Why something differs, as one party says it."""

    label: str
    text: str
    given_by: str


@dataclass(frozen=True, kw_only=True)
class Line:
    """One session of accesses, or one work without a log. Times in Japan."""

    number: int
    code: str
    finding: str  # what the code is called
    first_at: dt.datetime
    last_at: dt.datetime
    host: str
    account: str
    client: str
    object_name: str
    actions: str
    row_count: int
    volume: int  # rows read, or bytes taken out
    medium_serial: str
    medium: str  # permitted or not, in words; empty without a medium
    work_number: str
    central: Reason | None
    federation: Reason | None


@dataclass(frozen=True, kw_only=True)
class CoverageLine:
    """Whether the log of one machine was complete (AUD-10): days with rows, and days without any."""

    host: str
    days_with_rows: int
    days_missing: tuple[str, ...]  # ISO dates
    first_at: str = ""
    last_at: str = ""
    is_irregular: bool = False  # it sends when something happens: no day can be missing


@dataclass(frozen=True, kw_only=True)
class Signature:
    """A party's part in the report: what it did, who, for whom if they stood in, and when."""

    part: str
    party: str
    name: str
    at: dt.datetime | None
    acts_for: str = ""


@dataclass(frozen=True, kw_only=True)
class Content:
    """One report of one federation, month and revision, as far as the stage of the file goes."""

    log_kind: LogKind
    title: str
    organisation: str
    organisation_code: str
    month: dt.date
    covers_from: dt.date
    covers_until: dt.date
    revision: int
    stage: str
    stage_label: str
    reason_of_revision: str
    counts: tuple[tuple[str, str, int], ...]  # code, its name, log rows
    by_day: tuple[tuple[dt.date, int], ...]  # mismatches that began on the day
    mismatches: tuple[Line, ...]
    fitting: tuple[Line, ...]
    coverage: tuple[CoverageLine, ...]
    assurance: Assurance  # how much it says where nothing differs
    signatures: tuple[Signature, ...] = field(default=())

    @property
    def digest(self) -> str:
        """SHA-256 over everything above, in one canonical form."""
        text = json.dumps(
            asdict(self), sort_keys=True, ensure_ascii=False, separators=(",", ":"), default=str
        )
        return hashlib.sha256(text.encode()).hexdigest()

    @property
    def file_stem(self) -> str:
        """The name of the files without their ending: month, federation, report and revision."""
        return f"{self.month:%Y-%m}_{self.organisation_code}_{self.title}_r{self.revision}"


def content_of(report: AuditReport, log_kind: LogKind, stage: str) -> Content:
    """Read the report of this log, in Japanese. Four statements, whatever the number of rows."""
    with translation.override("ja"):
        return _content(report, log_kind, ReportFile.Stage(stage))


def _content(report: AuditReport, log_kind: LogKind, stage: ReportFile.Stage) -> Content:
    cycle, run = report.cycle, report.reconciliation
    found = Mismatch.system.filter(reconciliation=run, log_kind=log_kind) if run else Mismatch.system.none()
    sessions = list(found.order_by("first_at", "id"))
    sides = [Side.CENTRAL] if stage == ReportFile.Stage.PROVIDED else list(Side)
    reasons = _reasons(report, found, sides)
    differing = [each for each in sessions if each.code not in FITTING]
    fitting = [each for each in sessions if each.code in FITTING]
    counts = (run.counts or {}).get(log_kind.value, {}) if run else {}
    return Content(
        log_kind=log_kind,
        title=_TITLES[log_kind],
        organisation=report.organisation.name,
        organisation_code=report.organisation.code,
        month=cycle.month,
        covers_from=cycle.covers_from,
        covers_until=cycle.covers_until,
        revision=report.revision,
        stage=stage.value,
        stage_label=str(stage.label),
        reason_of_revision=report.reason,
        counts=tuple((code.value, str(code.label), int(counts.get(code.value, 0))) for code in Code),
        by_day=_by_day(differing, cycle.covers_from, cycle.covers_until),
        mismatches=_lines(differing, reasons),
        fitting=_lines(fitting, reasons),
        coverage=_coverage(run.coverage if run else [], log_kind),
        assurance=assurance(run.coverage if run else [], log_kind),
        signatures=_signatures(report, stage),
    )


_OPERATIONS, _CENTRAL = "共通ネットワークシステム運用", "国保中央会"
_TITLES = {LogKind.DATABASE: "DBアクセスレポート", LogKind.TAKEOUT: "ファイル持出しレポート"}  # AUD-01


def _lines(sessions: Iterable[Mismatch], reasons: dict[tuple[str, str], Reason]) -> tuple[Line, ...]:
    return tuple(
        Line(
            number=number,
            code=each.code,
            finding=each.get_code_display(),
            first_at=each.first_at.astimezone(JST),
            last_at=each.last_at.astimezone(JST),
            host=each.host,
            account=each.account,
            client=each.client,
            object_name=each.object_name,
            actions=each.actions,
            row_count=each.row_count,
            volume=each.volume,
            medium_serial=each.medium_serial,
            medium=_medium(each),
            work_number=each.work_number,
            central=reasons.get((each.fingerprint, Side.CENTRAL)),
            federation=reasons.get((each.fingerprint, Side.FEDERATION)),
        )
        for number, each in enumerate(sessions, start=1)
    )


def _medium(session: Mismatch) -> str:
    if session.medium_permitted is None:
        return ""
    return "許可あり" if session.medium_permitted else "許可なし"


def _reasons(
    report: AuditReport, sessions: QuerySet[Mismatch], sides: list[Side]
) -> dict[tuple[str, str], Reason]:
    """The newest reason of each party by session, in whatever run of the month it was given: as the guards count them."""
    given = said.of_sessions(
        sessions.order_by().values("fingerprint"),
        cycle_id=report.cycle_id,
        organisation_id=report.organisation_id,
        until=moments.of_revision(report),
    )
    rows: Any = given.filter(side__in=sides).annotate(fingerprint=F("mismatch__fingerprint"))
    return {
        (each.fingerprint, each.side): Reason(
            label=each.get_code_display(), text=each.text, given_by=each.given_by_name
        )
        for each in rows.reverse()  # the newest last: it stays
    }


def _by_day(sessions: Iterable[Mismatch], first: dt.date, last: dt.date) -> tuple[tuple[dt.date, int], ...]:
    """Each day of the period with the number of sessions that began on it; those outside stand on its edge."""
    found = Counter(min(max(today(each.first_at), first), last) for each in sessions)
    days = (first + dt.timedelta(days=number) for number in range((last - first).days + 1))
    return tuple((day, found[day]) for day in days)


def _coverage(told: list[dict[str, Any]], log_kind: LogKind) -> tuple[CoverageLine, ...]:
    """What the reconciliation froze about the senders (AUD-10)."""
    return tuple(
        CoverageLine(
            host=str(each["host"]),
            days_with_rows=int(each["days_with_rows"]),
            days_missing=tuple(each["days_missing"]),
            first_at=str(each.get("first") or ""),
            last_at=str(each.get("last") or ""),
            is_irregular=is_irregular(each),
        )
        for each in told
        if each["log_kind"] == log_kind.value
    )


def _signatures(report: AuditReport, stage: ReportFile.Stage) -> tuple[Signature, ...]:
    def signed(part: str, party: str, done: str, at: dt.datetime | None) -> Signature:
        person, principal = getattr(report, f"{done}_by"), getattr(report, f"{done}_for")
        return Signature(
            part=part,
            party=party,
            name=person.display_name if person else "",
            at=at.astimezone(JST) if at else None,
            acts_for=principal.display_name if principal else "",
        )

    parts = [
        signed("作成", _maker(report), "created", report.made_at),
        signed("確認", _CENTRAL, "central_checked", report.central_confirmed_at),
    ]
    if stage != ReportFile.Stage.PROVIDED:
        at = report.federation_confirmed_at
        parts.append(signed("確認", report.organisation.name, "federation_checked", at))
    return tuple(parts)


def _maker(report: AuditReport) -> str:
    """Which party made this revision: operations, or 中央会 where one of its people opened a correction (AUD-10)."""
    maker = report.created_for or report.created_by
    if maker is None or report.made_at is None:
        return _OPERATIONS
    there = Membership.system.valid_on(today(report.made_at))  # type: ignore[attr-defined]
    there = there.filter(user=maker, role__in=MAKE_AUDIT_REPORTS.roles)
    return _OPERATIONS if there.filter(organisation__kind__in=MAKE_AUDIT_REPORTS.kinds).exists() else _CENTRAL
