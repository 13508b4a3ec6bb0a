"""Who gets what at every address: the declared policy that the matrix compares the portal with.

Each app has a file of its own here, in the words of tests/matrix/access.py; a new app adds one. The objects belong to
federation 13 (tests/matrix/world.py). Each address has an Access for GET and one for POST; None says that the method does
not exist there. An address without a policy fails the test.
"""

from __future__ import annotations

from tests.matrix.access import Policy
from tests.matrix.policies import (
    accounts,
    audit_cycles,
    audit_logs,
    audit_reports,
    audit_retention,
    audit_review,
    devices,
    enquiries,
    inventory,
    ledgers,
    operations,
    orgs,
    own_pages,
    requests,
    requests_unlock,
    workflow,
)

POLICIES: dict[str, Policy] = {
    **workflow.POLICIES,
    **orgs.POLICIES,
    **accounts.POLICIES,
    **devices.POLICIES,
    **inventory.POLICIES,
    **requests.POLICIES,
    **enquiries.POLICIES,
    **requests_unlock.POLICIES,
    **audit_cycles.POLICIES,
    **audit_reports.POLICIES,
    **audit_retention.POLICIES,
    **ledgers.POLICIES,
    **audit_review.POLICIES,
    **operations.POLICIES,
    **audit_logs.POLICIES,
    **own_pages.POLICIES,
}
