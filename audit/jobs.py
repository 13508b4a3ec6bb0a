"""Jobs of the audit. portal.schedule puts them into its table."""

from __future__ import annotations

from datetime import datetime

from django.utils.translation import gettext_lazy as _

from audit.cycles import reminding
from audit.cycles import services as cycles
from audit.imports import hosts
from audit.reconciliation import services as reconciliation
from portal.jobs.table import Job


def _open_audit_cycles(*, now: datetime) -> str:
    return ", ".join(cycle.key for cycle in cycles.open_due_cycles(now))


def _reconcile_logs(*, now: datetime) -> int:
    hosts.take_in_held(now)
    return reconciliation.reconcile_again(now=now)


JOBS: tuple[Job, ...] = (
    Job(
        name="open_audit_cycles",
        label=_("Open the month of the audit reports"),
        cron="4 0 * * *",
        run=_open_audit_cycles,
        why="At the first minute of the day on which a month begins; after an outage every missed month, in order (AUD-08).",
    ),
    Job(
        name="remind_of_audit_steps",
        label=_("Remind of steps of the audit reports and escalate late ones"),
        cron="45 8 * * *",
        run=reminding.remind,
        why="At the start of the working day; the service itself leaves out holidays and local closures (AUD-08).",
    ),
    Job(
        name="reconcile_logs",
        label=_("Reconcile log rows with the ledgers where either changed"),
        cron="15 * * * *",
        run=_reconcile_logs,
        why="Rows that came late and works that were entered later are compared within the hour (AUD-10).",
    ),
)
