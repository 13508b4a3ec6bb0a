"""Logs of the audit: files, machines, coverage. Operations bring them; whoever makes or checks reports sees them."""

from __future__ import annotations

from portal.orgs.permissions import Role
from tests.matrix.access import FOUND, OK, OPERATOR, REFUSED, Access, Policy, access, at, to

LOG_READERS = at("operations", Role.OPERATOR, Role.AUDITOR) | at("central", Role.AUDIT_REVIEWER, Role.AUDITOR)


def by_operator(*statuses: int) -> Access:
    """Who reads logs and does not bring them is refused, as everybody else."""
    return access(to(OPERATOR, *statuses), otherwise=REFUSED)


READ = access(to(LOG_READERS, OK), otherwise=REFUSED)

POLICIES: dict[str, Policy] = {
    "log_imports": Policy(READ, by_operator(422)),
    "log_import": Policy(READ, by_operator(422), lambda w: {"pk": w.log_import.pk}),
    "log_import_start": Policy(
        access(to(LOG_READERS, FOUND), otherwise=REFUSED), by_operator(422), lambda w: {"pk": w.log_import.pk}
    ),
    "log_import_discard": Policy(
        access(to(LOG_READERS, FOUND), otherwise=REFUSED), by_operator(422), lambda w: {"pk": w.log_import.pk}
    ),
    "log_hosts": Policy(READ, by_operator(422)),
    "log_host": Policy(by_operator(OK), by_operator(422), lambda w: {"pk": w.log_host.pk}),
    "log_coverage": Policy(READ),
    "log_mapping": Policy(READ, by_operator(422), lambda w: {"log_kind": "DATABASE"}),
    "log_application": Policy(READ, by_operator(FOUND)),
    "api_log_imports": Policy(READ, by_operator(415)),
    "api_log_import": Policy(READ, None, lambda w: {"pk": w.log_import.pk}),
    "api_log_import_start": Policy(None, by_operator(409), lambda w: {"pk": w.log_import.pk}),
    "api_log_coverage": Policy(access(to(LOG_READERS, 400), otherwise=REFUSED)),
}
