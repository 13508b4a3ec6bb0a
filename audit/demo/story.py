"""The month of the audit that runs now, by the portal's own services: logs with what fits and what does not, and three
federations at three steps of their reports; the others wait for theirs (AUD-02 … AUD-07)."""

from __future__ import annotations

import io
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.utils import timezone

from audit.cycles import services as months
from audit.cycles.models import AuditCycle
from audit.imports import hosts, loading, mappings, storing
from audit.imports.allowed import Allowed
from audit.imports.models import Host
from audit.ledgers import services as ledgers
from audit.ledgers.models import Ledger, Worker
from audit.ledgers.services import WorkValues
from audit.reconciliation import reasons
from audit.reconciliation import services as reconciliation
from audit.reconciliation.models import FITTING, LogKind, Mismatch, ReasonCode, Side
from audit.reports import services as reports
from audit.reports.documents import making
from audit.reports.models import AuditReport
from portal.common.time import JST
from portal.orgs.models import Membership, Organisation, User
from portal.orgs.permissions import OrganisationKind, Role

_DATABASE = "event_id,_time,_indextime,federation,host,instance,db_user,os_user,client,program,session_id,action,object,rows,return_code"


@dataclass(frozen=True, kw_only=True)
class Cast:
    """Who does the steps of everybody."""

    operator: User
    reviewer: User
    confirmer: User


def tell() -> int:
    """For how many federations; none where a month is open already or people are missing."""
    cast, places = _cast(), _places()
    if AuditCycle.objects.exists() or cast is None or not places:
        return 0
    now = timezone.now()
    opened = months.open_due_cycles(now)
    if not opened:
        return 0
    cycle = opened[-1]
    _application(cast, now)
    for place in places:
        _machines(place, cycle, cast, now)
        _works(place, cycle, cast, now)
    _logs(places, cycle, cast, now)
    for place in places:
        reconciliation.reconcile(cycle=cycle, organisation=place, now=now)
    for place, steps in zip(places, (3, 1, 4), strict=False):
        _report(place, cycle, steps, cast, now)
    return len(places)


def _cast() -> Cast | None:
    found = {
        kind: Organisation.objects.get(kind=kind)
        for kind in (OrganisationKind.OPERATIONS, OrganisationKind.CENTRAL)
    }
    central = found[OrganisationKind.CENTRAL]
    operator = _people(Role.OPERATOR, found[OrganisationKind.OPERATIONS])
    reviewer, confirmer = _people(Role.AUDIT_REVIEWER, central), _people(Role.APPROVER, central)
    if not (operator and reviewer and confirmer):
        return None
    return Cast(operator=operator[0], reviewer=reviewer[0], confirmer=confirmer[-1])


def _people(role: str, place: Organisation) -> list[User]:
    rows = Membership.system.filter(organisation=place, role=role, ended_at=None, user__is_active=True)
    return [row.user for row in rows.select_related("user").order_by("pk")]


def _places() -> list[Organisation]:
    """Federations with somebody who checks; three are enough for every step."""
    rows = Organisation.objects.filter(kind=OrganisationKind.FEDERATION).order_by("sort_order")
    return [place for place in rows if _people(Role.SECURITY_MANAGER, place)][:3]


def _machines(place: Organisation, cycle: AuditCycle, cast: Cast, now: datetime) -> None:
    for name in _hosts(place):
        hosts.register_host(
            organisation=place,
            name=name,
            sends_database=Host.Sends.IRREGULAR if name.endswith("2") else Host.Sends.DAILY,
            sends_takeout=Host.Sends.IRREGULAR,
            involves_number=True,
            first_day=cycle.covers_from,
            last_day=None,
            note="",
            actor=cast.operator,
            now=now,
        )


def _application(cast: Cast, now: datetime) -> None:
    """What logs on every day and is no access from outside; without it each morning would be a mismatch (AUD-01)."""
    entry = Allowed(
        account="kokuho_app", program="kokuho-app.exe", client="10.*", note="業務アプリケーション"
    )
    mappings.save_access(entries=[entry], seen=None, actor=cast.operator, now=now)


def _hosts(place: Organisation) -> tuple[str, str]:
    return f"K{place.code}-DBSV01", f"K{place.code}-DBSV02"


def _works(place: Organisation, cycle: AuditCycle, cast: Cast, now: datetime) -> None:
    """One work that was done as planned, one that took longer, one without a trace."""
    first = _at(cycle.covers_from + timedelta(days=4), 10)
    for work_type, days, hours, text in (
        ("data_fix", 0, 2, "月次バッチのデータ補正"),
        ("investigation", 7, 1, "被保険者データの照会（保険者からの問合せ対応）"),
        ("data_extract", 12, 2, "統計資料の抽出"),
    ):
        begin = first + timedelta(days=days)
        values = WorkValues(
            work_type=work_type,
            worker=Worker.CENTRAL,
            planned_from=begin,
            planned_until=begin + timedelta(hours=hours),
            persons=["国保 太郎"],
            accounts=["hoshu01"],
            hosts=[_hosts(place)[0]],
            text=text,
            approved_by_name="監査 花子",
        )
        ledgers.enter(ledger=Ledger.CENTRAL, organisation=place, values=values, actor=cast.reviewer, now=now)


def _logs(places: list[Organisation], cycle: AuditCycle, cast: Cast, now: datetime) -> None:
    """Both logs of the month as files, imported like any other."""
    for kind, text in (
        (LogKind.DATABASE, _accesses(places, cycle)),
        (LogKind.TAKEOUT, _files(places, cycle)),
    ):
        made = storing.store_file(
            log_kind=kind,
            month=cycle.month,
            name=f"{kind.value.lower()}_{cycle.key}.csv",
            file=io.BytesIO(text.encode()),
            actor=cast.operator,
            now=now,
        )
        loading.start(import_id=made.pk, actor=cast.operator, now=now)
        loading.run(import_id=made.pk, now_fn=timezone.now)


def _accesses(places: list[Organisation], cycle: AuditCycle) -> str:
    first = _at(cycle.covers_from + timedelta(days=4), 10)
    lines, number = [_DATABASE], 0

    def access(
        place: Organisation,
        at: datetime,
        account: str,
        action: str,
        table: str,
        rows: int,
        program: str = "sqlplus.exe",
    ) -> None:
        nonlocal number
        number += 1
        moment = f"{at:%Y-%m-%d %H:%M:%S}"
        lines.append(
            f"{cycle.key}-{number},{moment},{moment},,{_hosts(place)[0]},KOKUHO,{account},{account},10.{int(place.code)}.1.20,"
            f"{program},{number},{action},{table},{rows},0"
        )

    for place in places:
        day = cycle.covers_from
        while day <= cycle.covers_until:  # every day somebody logs on, so that the log is seen to come
            if day.day != 7:  # but for one day on which the sender was silent
                access(place, _at(day, 6), "kokuho_app", "LOGON", "", 0, "kokuho-app.exe")
            day += timedelta(days=1)
        for minute in range(0, 50, 7):
            access(place, first + timedelta(minutes=minute), "hoshu01", "SELECT", "KOKUHO.HIHOKENSHA", 40)
        overrun = first + timedelta(days=7, minutes=50)
        for minute in range(0, 60, 9):
            access(place, overrun + timedelta(minutes=minute), "hoshu01", "UPDATE", "KOKUHO.SHIKAKU", 3)
        night = first + timedelta(days=9, hours=13)
        access(place, night, "hoshu01", "EXPORT", "KOKUHO.KYUFU_JISSEKI", 120_000)
    return "\n".join(lines) + "\n"


def _files(places: list[Organisation], cycle: AuditCycle) -> str:
    lines = [
        "日時,端末名,ログオンユーザー名,プロセス名,操作,ファイル名,コピー先,サイズ,媒体種別,シリアル番号"
    ]
    at = _at(cycle.covers_from + timedelta(days=13), 15)
    for place in places:
        name = rf"D:\業務\被保険者一覧_{cycle.key}.csv"
        lines.append(
            f"{at:%Y/%m/%d %H:%M:%S},{_hosts(place)[1]},hoshu02,explorer.exe,コピー,{name},E:\\,{2_400_000},USBメモリ,"
            f"SN-{place.code}-0042"
        )
    return "\n".join(lines) + "\n"


def _report(place: Organisation, cycle: AuditCycle, steps: int, cast: Cast, now: datetime) -> None:
    """As many steps of a report as named, each by its party, with its reasons."""
    report: Any = AuditReport.system.get(cycle=cycle, organisation=place)
    manager = _people(Role.SECURITY_MANAGER, place)[0]
    report = reports.create(report_id=report.pk, version=report.version, actor=cast.operator, now=now)
    if steps < 2:
        return
    _explain(report, Side.CENTRAL, cast.reviewer, now)
    report = reports.central_confirm(
        report_id=report.pk, version=report.version, actor=cast.confirmer, now=now
    )
    making.make_owed_files(now=now)
    report = reports.provide(report_id=report.pk, version=report.version, actor=cast.confirmer, now=now)
    if steps < 4:
        return
    _explain(report, Side.FEDERATION, manager, now)
    reports.federation_confirm(report_id=report.pk, version=report.version, actor=manager, now=now)
    making.make_owed_files(now=now)


def _explain(report: AuditReport, side: Side, actor: User, now: datetime) -> None:
    rows = Mismatch.system.filter(reconciliation=report.reconciliation).exclude(code__in=FITTING)
    for code, reason, text in (
        ("U_TIME", ReasonCode.OVERRUN, "照会対象が多く、予定の時間を超えて作業した。"),
        ("L_NOLOG", ReasonCode.FORM_ERROR, "作業は中止となったが、台帳の更新が漏れていた。"),
    ):
        found = list(rows.filter(code=code))
        if found:
            reasons.give_reason(
                report_id=report.pk,
                mismatches=found,
                side=side,
                code=reason,
                text=text,
                actor=actor,
                now=now,
            )
    rest = list(rows.exclude(code__in=("U_TIME", "L_NOLOG")))
    if rest:
        text = "夜間の障害対応のため、申請より先に作業した。"
        reasons.give_reason(
            report_id=report.pk,
            mismatches=rest,
            side=side,
            code=ReasonCode.EMERGENCY,
            text=text,
            actor=actor,
            now=now,
        )


def _at(day: date, hour: int) -> datetime:
    return datetime(day.year, day.month, day.day, hour, tzinfo=JST)
