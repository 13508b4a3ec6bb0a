"""The review of mismatches of 13's provided report, and an incident of 13."""

from __future__ import annotations

from typing import Any

from portal.orgs.permissions import Role
from tests.matrix.access import HIDDEN, OK, REFUSED, Policy, access, at, to
from tests.matrix.policies.audit_reports import LIST, READERS, READERS_OF_13, SECURITY_OF_13, of_13, report
from tests.matrix.world import World

CLOSERS_OF_13 = at("13", Role.SECURITY_MANAGER) | at("central", Role.AUDIT_REVIEWER)


def _log(world: World) -> dict[str, Any]:
    return report(world) | {"log": "database"}


def _incident(world: World) -> dict[str, Any]:
    return {"number": world.incident.number}


POLICIES: dict[str, Policy] = {
    "audit_sessions": Policy(of_13(OK), of_13(422), _log),  # nothing chosen
    "audit_sessions_export": Policy(of_13(OK), of_13(422), _log),  # without a reason
    "audit_sessions_print": Policy(of_13(OK), None, _log),
    "audit_session": Policy(of_13(OK), of_13(422), lambda w: _log(w) | {"pk": w.audit_session.pk}),
    "incident_list": Policy(LIST),
    "incident_export": Policy(LIST, access(to(READERS, 422), otherwise=REFUSED)),
    "incident_print": Policy(LIST),
    "incident": Policy(
        of_13(OK),
        access(to(CLOSERS_OF_13, 422), to(READERS_OF_13, REFUSED), to(READERS, HIDDEN), otherwise=REFUSED),
        _incident,
    ),
    "api_audit_mismatches": Policy(of_13(OK), None, report),
    "api_audit_reasons": Policy(
        None,
        access(
            to(SECURITY_OF_13 | at("central", Role.AUDIT_REVIEWER), 400),
            to(READERS_OF_13, REFUSED),
            to(READERS, HIDDEN),
            otherwise=REFUSED,
        ),
        report,
    ),
    "api_audit_incidents": Policy(LIST),
}
