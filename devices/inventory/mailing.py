"""Mail about campaigns, without a name in it (ACC-04): the sheet itself is read in the portal."""

from __future__ import annotations

from datetime import datetime

from devices.inventory.models import InventorySheet
from portal.common.time import today
from portal.notices import services as notices
from portal.orgs.models import User
from portal.orgs.permissions import Role
from portal.workflow import people

OPENED, REMINDER, OVERDUE, MISSING = (
    "inventory_opened",
    "inventory_reminder",
    "inventory_overdue",
    "inventory_missing",
)
QUESTION = "inventory_question"


def tell_opened(sheet: InventorySheet, waiting: int, now: datetime) -> None:
    """The campaign is open: to the security officers, who decide."""
    _send(
        OPENED,
        sheet,
        waiting,
        people.members(sheet.organisation_id, {Role.SECURITY_OFFICER}, today(now)),
        now,
    )


def remind(sheet: InventorySheet, waiting: int, now: datetime) -> None:
    """Some days are left: to the security officers."""
    _send(
        REMINDER,
        sheet,
        waiting,
        people.members(sheet.organisation_id, {Role.SECURITY_OFFICER}, today(now)),
        now,
    )


def tell_overdue(sheet: InventorySheet, waiting: int, now: datetime) -> None:
    """The date has passed: to the officers, the security managers and network operations."""
    day = today(now)
    own = people.members(sheet.organisation_id, {Role.SECURITY_OFFICER, Role.SECURITY_MANAGER}, day)
    _send(OVERDUE, sheet, waiting, own | people.operators(day), now)


def tell_missing(sheet: InventorySheet, count: int, now: datetime) -> None:
    """Devices cannot be found: the security managers must know at once."""
    _send(
        MISSING, sheet, count, people.members(sheet.organisation_id, {Role.SECURITY_MANAGER}, today(now)), now
    )


def ask(sheet: InventorySheet, address: str, lines: list[int], now: datetime) -> None:
    """A question to the user of devices; the links are made when the mail is sent and kept nowhere.

    The mail asks for the answer before the officer must decide; after that day, before the campaign closes.
    """
    campaign = sheet.campaign
    until = campaign.due_on if today(now) <= campaign.due_on else campaign.closes_on
    notices.queue(
        template=QUESTION,
        now=now,
        organisation_id=sheet.organisation_id,
        to_address=address,
        context={"lines": lines, "until_on": until.isoformat()},
    )


def _send(template: str, sheet: InventorySheet, count: int, to: dict[int, User], now: datetime) -> None:
    campaign = sheet.campaign
    for person in to.values():
        notices.queue(
            template=template,
            now=now,
            organisation_id=sheet.organisation_id,
            to_user=person,
            context={
                "sheet": sheet.pk,
                "count": count,
                "due_on": campaign.due_on.isoformat(),
                "month_on": campaign.starts_on.isoformat(),
            },
        )
