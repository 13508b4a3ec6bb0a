"""Keeping times: operations propose, 中央会 decides, both hold back; auditors of both read (AUD-09)."""

from __future__ import annotations

from portal.orgs.permissions import Role
from tests.matrix.access import HIDDEN, OK, REFUSED, Policy, access, at, to

OPERATORS = at("operations", Role.OPERATOR)
HOLDERS = at("central", Role.AUDIT_REVIEWER, Role.APPROVER) | OPERATORS | at("operations", Role.APPROVER)
READERS = HOLDERS | at("central", Role.AUDITOR) | at("operations", Role.AUDITOR)
READ = access(to(READERS, OK), otherwise=REFUSED)
FORM = access(to(READERS, 422), otherwise=REFUSED)  # an empty form is refused before the role is asked
NONE_SUCH = access(to(READERS, HIDDEN), otherwise=REFUSED)

POLICIES: dict[str, Policy] = {
    "audit_retention": Policy(READ),
    "api_audit_retention": Policy(READ),
    "api_audit_holds": Policy(READ),
    "api_audit_disposals": Policy(READ),
    "audit_disposal_propose": Policy(None, FORM),
    "audit_disposal_decide": Policy(None, NONE_SUCH, lambda w: {"pk": 1}),
    "audit_hold": Policy(None, FORM),
    "audit_hold_release": Policy(None, NONE_SUCH, lambda w: {"pk": 1}),
    "audit_retention_rule": Policy(None, FORM),
}
