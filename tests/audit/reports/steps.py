"""The people of a month and the way of one report, as short words for tests."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field

from audit.reconciliation.models import Mismatch, Side
from audit.reports import services
from audit.reports.models import AuditReport, ReportEvent, ReportFile
from portal.orgs.models import User
from portal.orgs.permissions import Role
from tests import factories
from tests.audit.reports import world

NOW = dt.datetime(2026, 10, 21, 1, 0, tzinfo=dt.UTC)


def central(*roles: str) -> User:
    """Somebody of 中央会."""
    return factories.user(*roles, code="central")


@dataclass
class People:
    """Who does the steps of federation 13."""

    operator: User = field(default_factory=factories.operator)
    reviewer: User = field(default_factory=lambda: central(Role.AUDIT_REVIEWER))
    confirmer: User = field(default_factory=lambda: central(Role.APPROVER))
    officer: User = field(default_factory=lambda: factories.user(Role.SECURITY_OFFICER))
    manager: User = field(default_factory=lambda: factories.user(Role.SECURITY_MANAGER))


# The steps that make the way, with who does each.
WAY = (
    ("create", "operator"),
    ("central_confirm", "confirmer"),
    ("provide", "confirmer"),
    ("federation_confirm", "manager"),
    ("send_back", "manager"),
    ("store_copy", "reviewer"),
)
_MADE = {"central_confirm": ReportFile.Stage.PROVIDED, "federation_confirm": ReportFile.Stage.ORIGINAL}


def do(step: str, report: AuditReport, actor: User, now: dt.datetime = NOW) -> AuditReport:
    """One step of the report as it is now, and the files that a worker would make after it."""
    report.refresh_from_db()
    done: AuditReport = getattr(services, step)(
        report_id=report.pk, version=report.version, actor=actor, now=now
    )
    if step in _MADE and not done.files.filter(stage=_MADE[step]).exists():
        world.files(done, _MADE[step])
    report.refresh_from_db()
    return done


def walk(report: AuditReport, people: People, until: str) -> AuditReport:
    """All steps up to and including one, with a run when there is none yet."""
    if not report.cycle.reconciliations.filter(organisation=report.organisation).exists():
        world.run(report.cycle, report.organisation.code)
    for step, name in WAY:
        do(step, report, getattr(people, name))
        if step == until:
            return report
    raise AssertionError(until)


def explain(mismatch: Mismatch, people: People, side: str) -> None:
    """The reason of a party."""
    world.reason(mismatch, side, by=people.reviewer if side == Side.CENTRAL else people.officer)


def last(report: AuditReport) -> ReportEvent:
    """What happened last."""
    return report.events.order_by("-pk")[0]


def one_file(report: AuditReport, stage: str) -> ReportFile:
    """One of the files of a stage."""
    found: ReportFile = ReportFile.system.filter(report=report, stage=stage)[0]
    return found
