"""Jobs of the devices. portal.schedule puts them into its table."""

from __future__ import annotations

from datetime import datetime

from django.utils.translation import gettext_lazy as _

from devices.alerts import telling
from devices.guard import publishing
from devices.inventory import opening
from devices.inventory import upkeep as inventory
from devices.permits import services as permits
from devices.whitelist import register, reminding
from portal.gateways import clock
from portal.jobs.table import Job


def _end_whitelist_entries(*, now: datetime) -> int:
    return register.expire_entries(now)


def _publish_whitelist(*, now: datetime) -> str:
    return str(publishing.publish(now_fn=clock.now, full=True))


JOBS: tuple[Job, ...] = (
    Job(
        name="end_whitelist_entries",
        label=_("End whitelist entries whose last day has passed"),
        cron="1 0 * * *",
        run=_end_whitelist_entries,
        why="An entry lasts until 23:59:59 of its last day in Japan (MAC-06).",
    ),
    Job(
        name="remind_of_alerts",
        label=_("Remind of device alerts that nobody answered"),
        cron="20 8 * * 1-5",
        run=telling.remind,
        why="Every few business days, later also the security managers; the service itself leaves out holidays (DEV-08).",
    ),
    Job(
        name="publish_whitelist",
        label=_("Render the whitelist anew and ask every guard whether it obeys"),
        cron="*/15 * * * *",
        run=_publish_whitelist,
        why="Changes go out at once; this finds a guard that was changed, restarted or restored behind the portal's back (MAC-07).",
    ),
    Job(
        name="open_inventory",
        label=_("Open the quarterly inventory of devices"),
        cron="0 4 1 1,4,7,10 *",
        run=opening.open_campaign,
        why="Each quarter the officers check the use of the permitted devices (DEV-07).",
        every_period=True,
    ),
    Job(
        name="look_after_inventory",
        label=_("Look after the inventory of devices"),
        cron="50 8 * * *",
        run=inventory.look_after,
        why="At the start of the day; reminders go out on business days only (DEV-07).",
    ),
    Job(
        name="end_permits",
        label=_("End device permits whose last day has passed"),
        cron="3 0 * * *",
        run=permits.end_permits,
        why="A permit lasts until 23:59:59 of its last day in Japan.",
    ),
    Job(
        name="remind_of_entries",
        label=_("Tell federations which entries of the whitelist end soon"),
        cron="15 8 * * *",
        run=reminding.remind,
        why="14, 7 and 1 days before, one mail that lists them; after an outage each entry is told of once.",
    ),
    Job(
        name="remind_of_permits",
        label=_("Tell whom it concerns that device permits end"),
        cron="10 8 * * *",
        run=permits.remind_of_ends,
        why="30, 7 and 1 days before; after an outage each gets one mail, not three.",
    ),
)
