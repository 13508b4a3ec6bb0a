"""Jobs of the accounts. portal.schedule puts them into its table."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from accounts import due, expiry
from accounts.delivery import unused
from accounts.dormancy import listing
from accounts.dormancy import upkeep as dormancy
from accounts.naming import free
from accounts.reconciliation import runs
from accounts.reminder import throttle
from portal.jobs.table import Job

JOBS: tuple[Job, ...] = (
    Job(
        name="end_accounts",
        label=_("Disable accounts whose last day of use has passed"),
        cron="1 0 * * *",
        run=due.enqueue_ends,
        why="The day after the last one begins at midnight in Japan; AD's own lock does not show in the register.",
    ),
    Job(
        name="remove_deleted_accounts",
        label=_("Remove deleted accounts whose days are over"),
        cron="30 1 * * *",
        run=due.enqueue_removals,
        why="Until then one application gives them back.",
    ),
    Job(
        name="list_dormant_accounts",
        label=_("List the accounts without a logon for half a year"),
        cron="30 3 1 * *",
        run=listing.list_dormant_accounts,
        why="Each federation answers each month for its own (ACC-14).",
        every_period=True,
        reports_progress=True,
    ),
    Job(
        name="look_after_dormant_lists",
        label=_("Remind of lists of dormant accounts"),
        cron="40 8 * * 1-5",
        run=dormancy.look_after,
        why="At the start of the working day; also finishes a list that Active Directory held up (ACC-14).",
    ),
    Job(
        name="reconcile_nightly",
        label=_("Compare the account register with what changed in AD"),
        cron="30 1 * * 1-6",
        run=runs.reconcile_nightly,
        why="Changes by hand are found before the next working day.",
    ),
    Job(
        name="reconcile_weekly",
        label=_("Compare the account register with everything in AD"),
        cron="30 1 * * 0",
        run=runs.reconcile_weekly,
        why="Whatever the update numbers of a domain controller leave out is found within a week.",
    ),
    Job(
        name="purge_name_reservations",
        label=_("Let go of login names that were held for drafts"),
        cron="30 3 * * *",
        run=free.purge_reservations,
        why="They count no more; the table would grow for ever.",
    ),
    Job(
        name="check_initial_passwords",
        label=_("Look for initial passwords that nobody uses"),
        cron="40 6 * * *",
        run=unused.check,
        why="AD never ends an unused initial password; before the offices open, so that nobody is cut off while logging on.",
    ),
    Job(
        name="tell_expiring_passwords",
        label=_("Tell people that their password ends"),
        cron="0 8 * * *",
        run=expiry.tell_expiring,
        why="14, 7 and 1 days before; after an outage each person gets one mail, not three.",
    ),
    Job(
        name="purge_self_service_attempts",
        label=_("Remove attempts at password pages that no longer count"),
        cron="40 3 * * *",
        run=throttle.purge,
        why="They slow guessing down within an hour and hold network addresses.",
    ),
)
