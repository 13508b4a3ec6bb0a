"""Everything that the portal does by the clock, in one table. Times are Japanese.

BEAT rings each minute and may ring twice or not at all: what it starts looks into the database for what is due.
JOBS are run once for each period and caught up after an outage (SEC-04), each by a task of its own in the queue "jobs", so
that a long one holds up nothing; the page of jobs shows them and lets operators start them.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from importlib import import_module
from typing import Any

from django.conf import settings
from django.utils.translation import gettext_lazy as _

from portal.jobs.heartbeat import Progress
from portal.jobs.table import Job

_IDEMPOTENCY_KEYS_KEPT = timedelta(days=2)

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
    }.items()
}


def check_open_stages(*, now: datetime) -> str:
    """Stages that nobody can decide any more go to operations."""
    from portal.workflow import upkeep

    return f"{upkeep.check_open_stages(now=now)}"


def remind_overdue(*, now: datetime) -> str:
    """Deciders of overdue stages are reminded."""
    from portal.workflow import upkeep

    return f"{upkeep.remind_overdue(now=now)}"


def list_dormant_accounts(*, now: datetime, period: datetime, progress: Progress) -> str:
    """The month's lists of accounts without a logon for half a year (ACC-14)."""
    from accounts.dormancy import listing

    return listing.list_dormant_accounts(now=now, period=period, progress=progress)


def look_after_dormant_lists(*, now: datetime) -> str:
    """Finish lists that Active Directory held up, and remind those who owe answers (ACC-14)."""
    from accounts.dormancy import upkeep

    return upkeep.look_after(now=now)


def purge_idempotency_keys(*, now: datetime) -> str:
    """Answers kept for repeated REST requests go after two days."""
    from portal.workflow.models import IdempotencyKey

    count, _by_model = IdempotencyKey.objects.filter(created_at__lt=now - _IDEMPOTENCY_KEYS_KEPT).delete()
    return f"{count}"


def tell_expiring_passwords(*, now: datetime) -> str:
    """People whose password ends in 14, 7 or 1 days are told, once for each."""
    from accounts import expiry

    return f"{expiry.tell_expiring(now=now)}"


def purge_self_service_attempts(*, now: datetime) -> str:
    """Attempts at pages without login go after two days."""
    from accounts.reminder import throttle

    return f"{throttle.purge(now=now)}"


def purge_job_runs(*, now: datetime) -> str:
    """Runs of jobs older than 400 days go; the newest of each job stays, because it says what is owed."""
    from portal.jobs import upkeep

    return f"{upkeep.purge_old_runs(now=now)}"


def remove_exchange_files(*, now: datetime) -> str:
    """Files for and from the two-factor system that were answered go after their days."""
    from portal.two_factor import services

    return f"{services.remove_old_files(now)}"


def make_continuity_pack(*, now: datetime) -> str:
    """What operations need on a day without the portal goes to their folder, encrypted."""
    from portal.continuity import services

    return services.make_nightly(now=now)


def reconcile_nightly(*, now: datetime) -> str:
    """The register is compared with what changed in AD since the last time."""
    from accounts.reconciliation import runs

    return runs.reconcile_nightly(now=now)


def reconcile_weekly(*, now: datetime) -> str:
    """The register is compared with everything that AD holds."""
    from accounts.reconciliation import runs

    return runs.reconcile_weekly(now=now)


def purge_uploads(*, now: datetime) -> str:
    """Rows of files that became no application go after ninety days."""
    from portal.workflow.bulk import services

    return f"{services.purge(now=now)}"


def purge_sessions(*, now: datetime) -> str:
    """Sessions that ended go."""
    import_module(settings.SESSION_ENGINE).SessionStore.clear_expired()
    return ""


def purge_name_reservations(*, now: datetime) -> str:
    """Login names that were held for a draft are let go when their time is over."""
    from accounts.naming import free

    return f"{free.purge_reservations(now=now)}"


def ask_recipients_again(*, now: datetime) -> str:
    """Recipients of initial passwords confirm their address every six months."""
    from portal.orgs import recipients

    return f"{recipients.ask_again(now=now)}"


def check_initial_passwords(*, now: datetime) -> str:
    """Initial passwords that nobody uses: a reminder after a week, the account disabled after two."""
    from accounts.delivery import unused

    return unused.check(now=now)


def end_accounts(*, now: datetime) -> str:
    """Temporary accounts whose last day of use has passed are disabled."""
    from accounts import due

    return f"{due.enqueue_ends(now=now)}"


def remove_deleted_accounts(*, now: datetime) -> str:
    """Deleted accounts whose days are over are removed for good."""
    from accounts import due

    return f"{due.enqueue_removals(now=now)}"


def remove_deleted_computers(*, now: datetime) -> str:
    """Deleted computer objects whose days are over are removed for good (REQ-02)."""
    from requests.computers import removing

    return f"{removing.enqueue_removals(now=now)}"


def end_permits(*, now: datetime) -> str:
    """Device permits whose last day has passed end."""
    from devices.permits import services

    return f"{services.end_permits(now=now)}"


def remind_of_entries(*, now: datetime) -> str:
    """Federations are told which entries of the whitelist end soon."""
    from devices.whitelist import reminding

    return f"{reminding.remind(now=now)}"


def remind_of_permits(*, now: datetime) -> str:
    """Applicants, users and officers are told that a device permit ends soon."""
    from devices.permits import services

    return f"{services.remind_of_ends(now=now)}"


def publish_whitelist(*, now: datetime) -> str:
    """Every guard is given the list and asked whether it obeys (MAC-07)."""
    from devices.guard import publishing
    from portal.gateways import clock

    return f"{publishing.publish(now_fn=clock.now, full=True)}"


def end_whitelist_entries(*, now: datetime) -> str:
    """Whitelist entries whose last day has passed end (MAC-06)."""
    from devices.whitelist import register

    return f"{register.expire_entries(now)}"


def remind_of_alerts(*, now: datetime) -> str:
    """Federations with unanswered alerts are reminded (DEV-08)."""
    from devices.alerts import telling

    return f"{telling.remind(now=now)}"


def refresh_dns(*, now: datetime) -> str:
    """The register of DNS records is read anew from the servers (REQ-05)."""
    from requests.zones import refresh

    return refresh.refresh_all(now=now)


def refresh_computer_objects(*, now: datetime) -> str:
    """The register of computer objects is read anew from Active Directory (REQ-02)."""
    from requests.computers import refresh

    return refresh.refresh_all(now=now)


def look_after_bundles(*, now: datetime) -> str:
    """Bundles of linked applications end when all is done; applicants of old ones are reminded (REQ-13)."""
    from requests.bundles import reminding

    return reminding.look_after(now=now)


def open_inventory(*, now: datetime, period: datetime) -> str:
    """The quarter's inventory of devices begins (DEV-07)."""
    from devices.inventory import opening

    return opening.open_campaign(now=now, period=period)


def look_after_inventory(*, now: datetime) -> str:
    """Newer usage comes into the inventory, those who owe decisions are reminded, an old campaign is closed (DEV-07)."""
    from devices.inventory import upkeep

    return upkeep.look_after(now=now)


def look_after_outages(*, now: datetime) -> str:
    """Planned outages are reminded of, and operations alerted where nobody confirmed the start (REQ-10)."""
    from requests.outages import upkeep

    return upkeep.look_after(now=now)


def look_after_enquiries(*, now: datetime) -> str:
    """Overdue enquiries are reminded of; answered ones that nobody replies to are closed, with notice (REQ-11)."""
    from requests.enquiries import upkeep

    return upkeep.look_after(now=now)


def end_password_lifetimes(*, now: datetime) -> str:
    """Password settings whose last day is over are taken back (REQ-03)."""
    from requests.password_settings import services

    return f"{services.enqueue_ends(now=now)}"


def review_password_lifetimes(*, now: datetime) -> str:
    """Applicants, approvers and the people concerned are told that password settings end soon (REQ-03)."""
    from requests.password_settings import services

    return f"{services.ask_for_reviews(now=now)}"


JOBS: tuple[Job, ...] = (
    Job(
        name="look_after_outages",
        label=_("Remind of planned outages and alert where the start was not confirmed"),
        cron="*/5 * * * *",
        run=look_after_outages,
        why="Nobody should wait longer than minutes to learn that a start is overdue.",
    ),
    Job(
        name="look_after_enquiries",
        label=_("Remind of enquiries and close those that nobody replies to"),
        cron="25 8 * * *",
        run=look_after_enquiries,
        why="At the start of the day; reminders go out on business days only.",
    ),
    Job(
        name="end_password_lifetimes",
        label=_("Take back password settings whose last day is over"),
        cron="2 0 * * *",
        run=end_password_lifetimes,
        why="The day after the last one begins at midnight in Japan; what a standstill held up is caught up.",
    ),
    Job(
        name="review_password_lifetimes",
        label=_("Ask for the review of password settings that end soon"),
        cron="5 8 * * *",
        run=review_password_lifetimes,
        why="Days before, so that there is time to extend, and for people to change their password.",
    ),
    Job(
        name="end_whitelist_entries",
        label=_("End whitelist entries whose last day has passed"),
        cron="1 0 * * *",
        run=end_whitelist_entries,
        why="An entry lasts until 23:59:59 of its last day in Japan.",
    ),
    Job(
        name="look_after_bundles",
        label=_("Look after PCs that come, are exchanged or go"),
        cron="*/10 8-20 * * *",
        run=look_after_bundles,
        why="What a bell should have told is found here; reminders go out on business days, every few days.",
    ),
    Job(
        name="refresh_dns",
        label=_("Read the DNS zones anew"),
        cron="35 * * * *",
        run=refresh_dns,
        why="Plans show what points at a name; what others change in DNS is found within the hour.",
    ),
    Job(
        name="refresh_computer_objects",
        label=_("Read the computer objects anew"),
        cron="20 1,12 * * *",
        run=refresh_computer_objects,
        why="What others change in Active Directory is found twice a day, before the final removals of the night.",
    ),
    Job(
        name="remind_of_alerts",
        label=_("Remind of device alerts that nobody answered"),
        cron="20 8 * * 1-5",
        run=remind_of_alerts,
        why="Every few business days, later also the security managers; the service itself leaves out holidays.",
    ),
    Job(
        name="publish_whitelist",
        label=_("Render the whitelist anew and ask every guard whether it obeys"),
        cron="*/15 * * * *",
        run=publish_whitelist,
        why="Changes go out at once; this finds a guard that was changed, restarted or restored behind the portal's back.",
    ),
    Job(
        name="open_inventory",
        label=_("Open the quarterly inventory of devices"),
        cron="0 4 1 1,4,7,10 *",
        run=open_inventory,
        why="Each quarter the officers check the use of the permitted devices (DEV-07).",
        every_period=True,
    ),
    Job(
        name="look_after_inventory",
        label=_("Look after the inventory of devices"),
        cron="50 8 * * *",
        run=look_after_inventory,
        why="At the start of the day; reminders go out on business days only.",
    ),
    Job(
        name="end_permits",
        label=_("End device permits whose last day has passed"),
        cron="3 0 * * *",
        run=end_permits,
        why="A permit lasts until 23:59:59 of its last day in Japan.",
    ),
    Job(
        name="remind_of_entries",
        label=_("Tell federations which entries of the whitelist end soon"),
        cron="15 8 * * *",
        run=remind_of_entries,
        why="14, 7 and 1 days before, one mail that lists them; after an outage each entry is told of once.",
    ),
    Job(
        name="remind_of_permits",
        label=_("Tell whom it concerns that device permits end"),
        cron="10 8 * * *",
        run=remind_of_permits,
        why="30, 7 and 1 days before; after an outage each gets one mail, not three.",
    ),
    Job(
        name="end_accounts",
        label=_("Disable accounts whose last day of use has passed"),
        cron="1 0 * * *",
        run=end_accounts,
        why="The day after the last one begins at midnight in Japan; AD's own lock does not show in the register.",
    ),
    Job(
        name="remove_deleted_accounts",
        label=_("Remove deleted accounts whose days are over"),
        cron="30 1 * * *",
        run=remove_deleted_accounts,
        why="Until then one application gives them back.",
    ),
    Job(
        name="remove_deleted_computers",
        label=_("Remove deleted computer objects whose days are over"),
        cron="40 1 * * *",
        run=remove_deleted_computers,
        why="Until then one application gives them back; one whose machine is still needed waits.",
    ),
    Job(
        name="check_open_stages",
        label=_("Check that every open stage has somebody who can decide"),
        cron="0 2 * * *",
        run=check_open_stages,
        why="People leave and memberships end while an application waits for them.",
    ),
    Job(
        name="remind_overdue",
        label=_("Remind the deciders of overdue stages"),
        cron="30 8 * * 1-5",
        run=remind_overdue,
        why="At the start of the working day; the service itself leaves out holidays.",
    ),
    Job(
        name="list_dormant_accounts",
        label=_("List the accounts without a logon for half a year"),
        cron="30 3 1 * *",
        run=list_dormant_accounts,
        why="Each federation answers each month for its own (ACC-14).",
        every_period=True,
        reports_progress=True,
    ),
    Job(
        name="look_after_dormant_lists",
        label=_("Remind of lists of dormant accounts"),
        cron="40 8 * * 1-5",
        run=look_after_dormant_lists,
        why="At the start of the working day; also finishes a list that Active Directory held up.",
    ),
    Job(
        name="make_continuity_pack",
        label=_("Make the continuity pack"),
        cron="40 2 * * *",
        run=make_continuity_pack,
        why="On the day on which the portal is down it is too late.",
    ),
    Job(
        name="reconcile_nightly",
        label=_("Compare the account register with what changed in AD"),
        cron="30 1 * * 1-6",
        run=reconcile_nightly,
        why="Changes by hand are found before the next working day.",
    ),
    Job(
        name="reconcile_weekly",
        label=_("Compare the account register with everything in AD"),
        cron="30 1 * * 0",
        run=reconcile_weekly,
        why="Whatever the update numbers of a domain controller leave out is found within a week.",
    ),
    Job(
        name="purge_idempotency_keys",
        label=_("Remove old answers to repeated REST requests"),
        cron="10 3 * * *",
        run=purge_idempotency_keys,
        why="They serve repetitions within minutes and hold copies of answers.",
    ),
    Job(
        name="remove_exchange_files",
        label=_("Remove answered files of the two-factor exchange"),
        cron="15 3 * * *",
        run=remove_exchange_files,
        why="They hold personal data that is needed no longer than to look into a disputed answer.",
    ),
    Job(
        name="purge_uploads",
        label=_("Remove rows of files that became no application"),
        cron="30 3 * * *",
        run=purge_uploads,
        why="They hold names of people for whom nobody applied.",
    ),
    Job(
        name="purge_sessions",
        label=_("Remove sessions that ended"),
        cron="20 3 * * *",
        run=purge_sessions,
        why="The table would grow for ever.",
    ),
    Job(
        name="purge_job_runs",
        label=_("Remove the history of jobs after 400 days"),
        cron="30 3 1 * *",
        run=purge_job_runs,
        why="A year and a month is what people look back to.",
    ),
    Job(
        name="purge_name_reservations",
        label=_("Let go of login names that were held for drafts"),
        cron="30 3 * * *",
        run=purge_name_reservations,
        why="They count no more; the table would grow for ever.",
    ),
    Job(
        name="ask_recipients_again",
        label=_("Ask recipients of initial passwords to confirm their address again"),
        cron="0 8 * * *",
        run=ask_recipients_again,
        why="Two weeks before six months are over; after that the address is not usable.",
    ),
    Job(
        name="check_initial_passwords",
        label=_("Look for initial passwords that nobody uses"),
        cron="40 6 * * *",
        run=check_initial_passwords,
        why="AD never ends an unused initial password; before the offices open, so that nobody is cut off while logging on.",
    ),
    Job(
        name="tell_expiring_passwords",
        label=_("Tell people that their password ends"),
        cron="0 8 * * *",
        run=tell_expiring_passwords,
        why="14, 7 and 1 days before; after an outage each person gets one mail, not three.",
    ),
    Job(
        name="purge_self_service_attempts",
        label=_("Remove attempts at password pages that no longer count"),
        cron="40 3 * * *",
        run=purge_self_service_attempts,
        why="They slow guessing down within an hour and hold network addresses.",
    ),
)
