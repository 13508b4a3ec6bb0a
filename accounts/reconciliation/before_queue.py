"""Reconciliation as a check of the gate before the queue (ACC-12)."""

from __future__ import annotations

from datetime import datetime

from django.utils.translation import gettext as _

from accounts.reconciliation.runs import reconcile_before_queue
from portal.fulfilment.gate import CheckResult


def check(now: datetime) -> CheckResult:
    """Compare the whole register with AD. Differences become findings for people and hold nothing up."""
    report = reconcile_before_queue(now)
    if not report.complete:
        text = _("The comparison with Active Directory did not finish: %(reason)s")
        return CheckResult(
            complete=False, summary=text % {"reason": report.reason}, detail={"run": report.run_id}
        )
    summary = _("Compared with Active Directory: %(count)s new differences.") % {
        "count": sum(report.new_by_kind.values())
    }
    return CheckResult(
        complete=True, summary=summary, detail={"run": report.run_id, "new_by_kind": report.new_by_kind}
    )
