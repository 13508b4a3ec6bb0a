"""Months of the audit with their steps, and runs of the reconciliation, as rows (tests of every room use them)."""

from __future__ import annotations

import datetime as dt
import hashlib
import itertools
from collections.abc import Iterable
from typing import Any

from audit.cycles.models import AuditCycle, CycleStep, DeadlinePolicy, Step
from audit.reconciliation.models import Code, LogKind, Mismatch, MismatchReason, Reconciliation, Side
from audit.reports.models import AuditReport, ReportFile
from portal.common.time import JST
from portal.orgs.models import User
from portal.orgs.permissions import OrganisationKind
from tests import factories

_numbers = itertools.count(1)
MONTH = dt.date(2026, 9, 1)
OWNERS = {
    Step.CREATE: OrganisationKind.OPERATIONS,
    Step.CENTRAL_CHECK: OrganisationKind.CENTRAL,
    Step.PROVIDE: OrganisationKind.CENTRAL,
    Step.FEDERATION_CHECK: OrganisationKind.FEDERATION,
    Step.PRESENT: OrganisationKind.FEDERATION,
    Step.RETURN: OrganisationKind.FEDERATION,
    Step.STORE_COPY: OrganisationKind.CENTRAL,
}
_DAYS = {
    1: (21, 28, 0),
    2: (29, 20, 1),
    3: (21, 21, 1),
    4: (22, 27, 1),
    5: (28, 28, 1),
    6: (28, 28, 1),
    7: (28, 28, 1),
}


def at(day: dt.date, hour: int = 10) -> dt.datetime:
    """That day in Japan."""
    return dt.datetime.combine(day, dt.time(hour), JST)


def cycle(month: dt.date = MONTH) -> AuditCycle:
    """A month with its seven steps on the days of the rules, none moved."""
    found = AuditCycle.objects.filter(month=month).first()
    if found is not None:
        return found
    policy = DeadlinePolicy.objects.order_by("valid_from").first() or DeadlinePolicy.objects.create(
        valid_from=dt.date(2020, 4, 1)
    )
    before, after = month - dt.timedelta(days=1), (month + dt.timedelta(days=32)).replace(day=1)
    made = AuditCycle.objects.create(
        month=month,
        covers_from=before.replace(day=21),
        covers_until=month.replace(day=20),
        policy=policy,
        opened_at=at(month),
    )
    for step, (start, due, offset) in _DAYS.items():
        starts = (
            month.replace(day=28) + dt.timedelta(days=1)
            if step == 2
            else (month, after)[offset].replace(day=start)
        )
        CycleStep.objects.create(
            cycle=made,
            step=step,
            owner=OWNERS[Step(step)],
            due_day=due,
            month_offset=offset,
            roll="NONE",
            starts_on=starts,
            due_on=(month, after)[offset].replace(day=due),
        )
    return made


def run(month: AuditCycle, code: str = "13", **fields: Any) -> Reconciliation:
    """A done reconciliation of a month and federation; another one than all before, unless its digest says so."""
    digest = hashlib.sha256(str(next(_numbers)).encode()).hexdigest()
    values = {
        "state": Reconciliation.State.DONE,
        "started_at": at(month.month.replace(day=21)),
        "finished_at": at(month.month.replace(day=21)),
        "input_digest": digest,
        "counts": {"DATABASE": {"OK": 10}, "TAKEOUT": {"OK": 3}},
    } | fields
    return Reconciliation.system.create(cycle=month, organisation=factories.organisation(code), **values)


def mismatch(of: Reconciliation, fingerprint: str = "", **fields: Any) -> Mismatch:
    """Something that fits no work."""
    moment = at(of.cycle.month.replace(day=5))
    name = fingerprint or f"session {next(_numbers)}"
    values = {
        "log_kind": LogKind.DATABASE,
        "code": Code.U_NOPLAN,
        "host": "KKDB13",
        "account": "dbadmin",
        "first_at": moment,
        "last_at": moment + dt.timedelta(minutes=5),
        "row_count": 3,
    } | fields
    return Mismatch.system.create(
        reconciliation=of,
        organisation_id=of.organisation_id,
        fingerprint=hashlib.sha256(name.encode()).hexdigest(),
        **values,
    )


def reason(
    of: Mismatch, side: str = Side.CENTRAL, *, by: User | None = None, **fields: Any
) -> MismatchReason:
    """Why it differs, as one party says it."""
    person = by or factories.user("AUDIT_REVIEWER", code="central")
    values = {
        "code": "EMERGENCY",
        "text": "障害対応のため。",
        "given_at": at(of.reconciliation.cycle.month),
    } | fields
    return MismatchReason.system.create(
        mismatch=of,
        organisation_id=of.organisation_id,
        side=side,
        given_by=person,
        given_by_name=person.display_name,
        **values,
    )


def report(month: AuditCycle, code: str = "13", **fields: Any) -> AuditReport:
    """The report of a federation as the opening of a month makes it."""
    return AuditReport.system.create(cycle=month, organisation=factories.organisation(code), **fields)


def files(of: AuditReport, stage: str, kinds: Iterable[str] = LogKind.values) -> list[ReportFile]:
    """The files of a stage, with contents that nobody reads."""
    made = []
    for kind in kinds:
        for suffix in ReportFile.Format.values:
            content = f"{of.pk} {kind} {suffix} {stage}".encode()
            made.append(
                ReportFile(
                    report=of,
                    organisation_id=of.organisation_id,
                    log_kind=kind,
                    format=suffix,
                    stage=stage,
                    name=f"{kind.lower()}-{of.cycle.key}-r{of.revision}-{stage.lower()}.{suffix.lower()}",
                    content=content,
                    size=len(content),
                    sha256=hashlib.sha256(content).hexdigest(),
                    made_at=at(of.cycle.month),
                )
            )
    return ReportFile.system.bulk_create(made)
