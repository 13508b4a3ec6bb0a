"""Reading sessions, their reasons and incidents within a person's scope (ORG-02, AUD-04)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Exists, Max, Min, Q, QuerySet, Subquery, Sum
from django.db.models.functions import TruncDate
from django.utils import timezone

from audit.reconciliation import said
from audit.reconciliation.models import (
    FITTING,
    Code,
    Incident,
    IncidentSession,
    LogKind,
    Mismatch,
    MismatchReason,
    ReasonCode,
    Side,
)
from audit.reports import access, moments
from audit.reports.guards import unexplained
from audit.reports.models import AuditReport
from portal.common.search import matching, matching_few
from portal.common.time import JST, parse_date
from portal.orgs.models import User


def without_reason(report: AuditReport, side: str) -> QuerySet[Mismatch]:
    """The sessions of a report of which a party has not said why they differ, in any run of the month (AUD-03)."""
    return unexplained(side).filter(reconciliation=report.reconciliation_id)


def sessions(
    user: User,
    found: AuditReport,
    log_kind: str,
    q: str = "",
    *,
    shown: str = "",
    code: str = "",
    host: str = "",
    account: str = "",
    day: str = "",
    reason: str = "",
    side: str = "",
) -> QuerySet[Mismatch]:
    """The sessions of one log of a report, with the keys of the newest reason of each party.

    `shown`: what differs (also when it is empty), "open" without a reason of `side`, "given" with one, "fits" a work.
    """
    rows: Any = Mismatch.objects.visible_to(user).filter(
        reconciliation=found.reconciliation_id, log_kind=log_kind
    )
    rows = rows.filter(code__in=FITTING) if shown == "fits" else rows.exclude(code__in=FITTING)
    until = moments.of_reader(user, found, timezone.now())
    for party in Side:
        newest = said.of_outer(until).filter(side=party)
        rows = rows.annotate(**{f"{party.lower()}_reason_id": Subquery(newest.values("pk")[:1])})
    if shown in ("open", "given") and side in Side.values:
        rows = rows.filter(**{f"{side.lower()}_reason_id__isnull": shown == "open"})
    exact = {"code": code, "host": host, "account": account}
    rows = rows.filter(**{name: value for name, value in exact.items() if value})
    if day:
        date = parse_date(day)
        rows = rows.filter(_on(date)) if date else rows.none()
    if reason in ReasonCode.values:
        such = MismatchReason.system.filter(organisation=found.organisation_id, code=reason).values("pk")
        rows = rows.filter(Q(central_reason_id__in=such) | Q(federation_reason_id__in=such))
    return matching_few(rows, q)  # type: ignore[no-any-return]


def _on(day: dt.date) -> Q:
    start = dt.datetime.combine(day, dt.time(), JST)
    return Q(first_at__gte=start, first_at__lt=start + dt.timedelta(days=1))


def with_reasons(rows: Iterable[Mismatch]) -> list[Mismatch]:
    """Rows of `sessions` with the reasons themselves, in one statement."""
    found: list[Any] = list(rows)
    keys = {key for row in found for key in (row.central_reason_id, row.federation_reason_id) if key}
    reasons = MismatchReason.system.in_bulk(keys)
    for row in found:
        row.central_reason = reasons.get(row.central_reason_id)
        row.federation_reason = reasons.get(row.federation_reason_id)
    return found


@dataclass(frozen=True, kw_only=True)
class Group:
    """Sessions that have something in common."""

    key: str
    label: str
    sessions: int
    rows: int
    open: int  # without a reason of the party that is asked
    first_at: dt.datetime
    last_at: dt.datetime


def groups(rows: QuerySet[Mismatch], by: str, side: str) -> list[Group]:
    """`rows` of `sessions` counted by finding, machine, account or day; the largest first, days in their order."""
    name = "day" if by == "day" else by
    found: Any = rows.annotate(day=TruncDate("first_at", tzinfo=JST)) if by == "day" else rows
    counted = (
        found.order_by()
        .values(name)
        .annotate(
            sessions=Count("pk"),
            rows=Sum("row_count"),
            open=Count("pk", filter=Q(**{f"{side.lower()}_reason_id__isnull": True})),
            first=Min("first_at"),
            last=Max("last_at"),
        )
    )
    made = [
        Group(
            key=row[name].isoformat() if by == "day" else row[name],
            label=_label(by, row[name]),
            sessions=row["sessions"],
            rows=row["rows"],
            open=row["open"],
            first_at=row["first"],
            last_at=row["last"],
        )
        for row in counted
    ]
    return sorted(made, key=lambda group: group.key if by == "day" else (-group.sessions, group.label))[:500]


def _label(by: str, value: Any) -> str:
    if by == "code":
        return str(Code(value).label)
    if by == "day":
        return f"{value:%Y/%m/%d}"
    return value or "–"


def counts(user: User, found: AuditReport) -> Mapping[str, dict[str, int]]:
    """For each log how many sessions differ and how many each party has not spoken of, in one statement."""
    rows: Any = Mismatch.objects.visible_to(user).filter(reconciliation=found.reconciliation_id)
    rows = rows.exclude(code__in=FITTING)
    given = said.of_outer(moments.of_reader(user, found, timezone.now()))
    named = {side.lower(): ~Exists(given.filter(side=side)) for side in Side}
    counted = rows.annotate(**{f"no_{name}": test for name, test in named.items()})
    counted = (
        counted.order_by()
        .values("log_kind")
        .annotate(all=Count("pk"), **{name: Count("pk", filter=Q(**{f"no_{name}": True})) for name in named})
    )
    read = {row["log_kind"]: {key: row[key] for key in ("all", *named)} for row in counted}
    return {kind: read.get(kind, {"all": 0, **dict.fromkeys(named, 0)}) for kind in LogKind.values}


def session(user: User, found: AuditReport, pk: int) -> Mismatch:
    """One session of a report; raises Mismatch.DoesNotExist."""
    rows: Any = Mismatch.objects.visible_to(user).select_related("organisation", "reconciliation__cycle")
    row: Mismatch = rows.get(pk=pk, reconciliation=found.reconciliation_id)
    return row


def history(user: User, found: AuditReport, row: Mismatch) -> list[MismatchReason]:
    """Every reason that anybody gave of a session that the person may see, the newest first."""
    rows = said.of_sessions(
        [row.fingerprint],
        cycle_id=found.cycle_id,
        organisation_id=found.organisation_id,
        until=moments.of_reader(user, found, timezone.now()),
    )
    # Earlier versions copied reasons into each later run: the same one is shown once, as it was given first.
    once = {(each.side, each.code, each.text, each.given_by_id, each.given_at): each for each in rows}
    return list(once.values())


def incidents(user: User, q: str = "", *, state: str = "", organisation: str = "") -> QuerySet[Incident]:
    """The incidents that the person may see. A federation sees its own at once, whatever step the report is at."""
    rows: Any = Incident.objects.visible_to(user)
    rows = rows.select_related("organisation", "cycle", "opened_by", "closed_by")
    reach = access.reach(user, timezone.now())
    if not reach.everywhere:
        rows = rows.filter(organisation__in=reach.organisations)
    if state in Incident.State.values:
        rows = rows.filter(state=state)
    if organisation:
        rows = rows.filter(organisation__code=organisation)
    return matching(rows, q)  # type: ignore[no-any-return]


def incident(user: User, number: str) -> Incident:
    """One incident; raises Incident.DoesNotExist also for what the person may not see."""
    if "\x00" in number:
        raise Incident.DoesNotExist
    found: Incident = incidents(user).get(number=number)
    return found


def incidents_about(user: User, row: Mismatch) -> list[Incident]:
    """What was suspected because of a session, in whatever run it was seen; nothing that the person may not see."""
    rows = incidents(user).filter(
        organisation_id=row.organisation_id,
        cycle_id=row.reconciliation.cycle_id,
        sessions__fingerprint=row.fingerprint,
    )
    return list(rows.distinct())


def sessions_of(user: User, found: Incident) -> list[IncidentSession]:
    """What an incident is about."""
    rows = IncidentSession.objects.visible_to(user).filter(incident=found)
    return list(rows.select_related("mismatch")[:200])
