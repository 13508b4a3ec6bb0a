"""What the portal does every minute, in one table.

The beat may ring twice or not at all: what it starts looks into the database for what is due. Jobs that are owed once for each
period stand in portal.schedule.
"""

from __future__ import annotations

from typing import Any

BEAT: dict[str, dict[str, Any]] = {
    name: {"task": task, "schedule": 60.0, "options": {"expires": 55}}
    for name, task in {
        "feed operations that were missed": "portal.fulfilment.tasks.sweep",
        "exchange files with the two-factor system": "portal.two_factor.tasks.exchange",
        "send mail that was not sent at once": "portal.notices.tasks.send_notices",
        "answer forgotten passwords that were missed": "accounts.tasks.answer_password_reminders",
        "check files that were missed": "portal.workflow.tasks.check_missed_uploads",
        "run the jobs that are due": "portal.jobs.tasks.run_due_jobs",
        "compare with AD what was asked for": "accounts.tasks.reconcile",
        "publish what the whitelist has not told its guards": "devices.tasks.publish_whitelist",
        "make files of audit reports that were missed": "audit.tasks.make_report_files",
        "import logs that were missed": "audit.tasks.import_missed_logs",
    }.items()
}
