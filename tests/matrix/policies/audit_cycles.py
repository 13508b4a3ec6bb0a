"""The months of the audit: calendar, deadlines, closures (AUD-02 … AUD-08)."""

from __future__ import annotations

from portal.orgs.permissions import Role
from tests.matrix.access import FOUND, HIDDEN, OK, REFUSED, Policy, access, at, to
from tests.matrix.world import EVERYBODY

_ROLES = ("OPERATOR", "AUDIT_REVIEWER", "APPROVER", "SECURITY_OFFICER", "SECURITY_MANAGER", "AUDITOR")
FOLLOWERS = frozenset(
    name for name in EVERYBODY if name.split(":")[1] in _ROLES and not name.startswith("maintenance")
)
SETTLERS = at("operations", Role.OPERATOR) | at("central", Role.AUDIT_REVIEWER)
READ = access(to(FOLLOWERS, OK), otherwise=REFUSED)
SETTLE = access(to(SETTLERS, OK), otherwise=REFUSED)
ENTER = access(to(SETTLERS, 422), otherwise=REFUSED)
NONE_SUCH = access(
    to(FOLLOWERS, HIDDEN), otherwise=REFUSED
)  # what no organisation owns is unknown to all alike

POLICIES: dict[str, Policy] = {
    "audit_calendar": Policy(READ),
    "audit_calendar_ics": Policy(READ),
    "audit_cycle": Policy(NONE_SUCH, None, lambda w: {"key": "2021-01"}),
    "audit_deadlines": Policy(READ),
    "audit_deadlines_new": Policy(SETTLE, ENTER),
    "audit_deadlines_version": Policy(
        READ,
        access(to(SETTLERS, FOUND), otherwise=REFUSED),  # it holds already and stays
        lambda w: {"key": "2020-01"},
    ),
    "audit_closures": Policy(READ, ENTER),
    "audit_closure_remove": Policy(
        None, access(to(SETTLERS, HIDDEN), otherwise=REFUSED), lambda w: {"pk": 1}
    ),
    "api_audit_cycles": Policy(READ),
    "api_audit_feed": Policy(READ),
}
