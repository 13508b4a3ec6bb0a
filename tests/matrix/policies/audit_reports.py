"""Audit reports: operations, 中央会 (who confirms too), and the federation's security people and auditor once it is provided."""

from __future__ import annotations

from typing import Any

from portal.orgs.permissions import Role
from tests.matrix.access import (
    FOLLOWERS,
    FOUND,
    HIDDEN,
    OK,
    OPERATOR,
    REFUSED,
    Access,
    Policy,
    access,
    at,
    to,
)
from tests.matrix.world import EVERYBODY, World

_READING = (Role.OPERATOR, Role.AUDIT_REVIEWER, Role.AUDITOR, Role.SECURITY_OFFICER, Role.SECURITY_MANAGER)
CONFIRMERS = at("central", Role.APPROVER)
READERS = (
    frozenset(name for name in EVERYBODY if name.split(":")[1] in _READING) - at("maintenance") | CONFIRMERS
)
READERS_OF_13 = READERS & (at("13") | at("central") | at("operations"))
SECURITY_OF_13 = at("13", Role.SECURITY_OFFICER, Role.SECURITY_MANAGER)

LIST = access(to(READERS, OK), otherwise=REFUSED)


def of_13(*statuses: int) -> Access:
    """Readers of 13 get it, readers of others do not find it, nobody else reads any."""
    return access(to(READERS_OF_13, *statuses), to(READERS, HIDDEN), otherwise=REFUSED)


def by_security_of_13(*statuses: int) -> Access:
    """Other readers of 13 are refused."""
    return access(
        to(SECURITY_OF_13, *statuses), to(READERS_OF_13, REFUSED), to(READERS, HIDDEN), otherwise=REFUSED
    )


def report(world: World) -> dict[str, Any]:
    """13's report, provided."""
    found = world.audit_report
    return {"month": found.cycle.key, "code": "13", "revision": found.revision}


def file(world: World) -> dict[str, Any]:
    """A file of it."""
    return report(world) | {"pk": world.audit_file.pk}


POLICIES: dict[str, Policy] = {
    "audit_dashboard": Policy(LIST),
    "audit_dashboard_export": Policy(LIST),
    "api_audit_overview": Policy(LIST),
    "audit_report_list": Policy(LIST),
    "audit_report_export": Policy(LIST),
    "audit_report_print": Policy(LIST),
    "audit_report_orders": Policy(
        access(to(FOLLOWERS, OK), otherwise=REFUSED), access(to(OPERATOR, FOUND), otherwise=REFUSED)
    ),
    "audit_report_many": Policy(
        access(to(CONFIRMERS, OK), otherwise=REFUSED),
        access(to(CONFIRMERS, FOUND), otherwise=REFUSED),
        lambda w: {"step": "provide"},
    ),
    "audit_report": Policy(
        of_13(OK),
        by_security_of_13(422),  # not confirmed yet
        report,
        lambda w: {
            "step": "present",
            "present-version": w.audit_report.version,
            "present-presented": "no",
        },
    ),
    "audit_report_file": Policy(
        None,
        of_13(OK),
        report,
        lambda w: {"download-file": w.audit_file.pk, "download-reason": "himitsu"},
    ),
    "audit_report_ask": Policy(by_security_of_13(OK), by_security_of_13(422), report),
    "api_audit_reports": Policy(LIST),
    "api_audit_report": Policy(of_13(OK), None, report),
    "api_audit_report_file": Policy(of_13(400), None, file),  # without a reason
    "api_audit_report_step": Policy(None, by_security_of_13(400), lambda w: report(w) | {"step": "present"}),
}
