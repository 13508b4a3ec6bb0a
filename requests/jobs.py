"""Jobs of the requests to operations. portal.schedule puts them into its table."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from portal.jobs.table import Job
from requests.bundles import reminding
from requests.computers import refresh as computers
from requests.computers import removing
from requests.enquiries import upkeep as enquiries
from requests.outages import upkeep as outages
from requests.password_settings import services as password_settings
from requests.zones import refresh as zones

JOBS: tuple[Job, ...] = (
    Job(
        name="look_after_outages",
        label=_("Remind of planned outages and alert where the start was not confirmed"),
        cron="*/5 * * * *",
        run=outages.look_after,
        why="Nobody should wait longer than minutes to learn that a start is overdue (REQ-10).",
    ),
    Job(
        name="look_after_enquiries",
        label=_("Remind of enquiries and close those that nobody replies to"),
        cron="25 8 * * *",
        run=enquiries.look_after,
        why="At the start of the day; reminders go out on business days only (REQ-11).",
    ),
    Job(
        name="end_password_lifetimes",
        label=_("Take back password settings whose last day is over"),
        cron="2 0 * * *",
        run=password_settings.enqueue_ends,
        why="The day after the last one begins at midnight in Japan; what a standstill held up is caught up (REQ-03).",
    ),
    Job(
        name="review_password_lifetimes",
        label=_("Ask for the review of password settings that end soon"),
        cron="5 8 * * *",
        run=password_settings.ask_for_reviews,
        why="Days before, so that there is time to extend, and for people to change their password (REQ-03).",
    ),
    Job(
        name="look_after_bundles",
        label=_("Look after PCs that come, are exchanged or go"),
        cron="*/10 8-20 * * *",
        run=reminding.look_after,
        why="What a bell should have told is found here; reminders go out on business days, every few days (REQ-13).",
    ),
    Job(
        name="refresh_dns",
        label=_("Read the DNS zones anew"),
        cron="35 * * * *",
        run=zones.refresh_all,
        why="Plans show what points at a name; what others change in DNS is found within the hour (REQ-05).",
    ),
    Job(
        name="refresh_computer_objects",
        label=_("Read the computer objects anew"),
        cron="20 1,12 * * *",
        run=computers.refresh_all,
        why="What others change in Active Directory is found twice a day, before the final removals of the night (REQ-02).",
    ),
    Job(
        name="remove_deleted_computers",
        label=_("Remove deleted computer objects whose days are over"),
        cron="40 1 * * *",
        run=removing.enqueue_removals,
        why="Until then one application gives them back; one whose machine is still needed waits (REQ-02).",
    ),
)
