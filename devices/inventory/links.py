"""Where other rooms point to the campaigns: mails, the home page, and the page of a removal application."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django.db.models import Count
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from devices.inventory import asking, mailing, selectors
from devices.inventory.models import InventoryCampaign, InventoryLine, InventorySheet
from devices.permits.kinds import REMOVE
from devices.permits.models import DevicePermit
from portal.notices import messages, places
from portal.notices.errors import NothingToSay
from portal.notices.models import Notice
from portal.orgs.models import User
from portal.orgs.permissions import DECIDE_INVENTORY
from portal.workflow import related, waiting
from portal.workflow.models import Application
from portal.workflow.waiting import Waiting


def address_of(sheet: InventorySheet) -> tuple[str, str]:
    """The arguments of a sheet's address."""
    return str(sheet.campaign), sheet.organisation.code


def register_all() -> None:
    """Called once when the portal starts."""
    for template in (mailing.OPENED, mailing.REMINDER, mailing.OVERDUE, mailing.MISSING):
        messages.provide(template, _mail_values)
        places.provide(template, _place)
    messages.provide(mailing.QUESTION, _question_values)
    waiting.register(_waiting)
    related.register(REMOVE, _sheets_of)


def _mail_values(notice: Notice) -> dict[str, Any]:
    """The address of the sheet. A reminder of what is decided or closed by now is not sent."""
    sheet = InventorySheet.system.select_related("campaign", "organisation").get(pk=notice.context["sheet"])
    reminds = notice.template in (mailing.REMINDER, mailing.OVERDUE)
    if reminds and sheet.status != InventorySheet.Status.OPEN:
        raise NothingToSay
    return {"url": messages.link("inventory_sheet", *address_of(sheet))}


def _question_values(notice: Notice) -> dict[str, Any]:
    """The links, made now and kept nowhere. Lines that were decided or ended meanwhile are left out; without any no mail goes."""
    rows = InventoryLine.system.filter(
        pk__in=notice.context["lines"],
        decision="",
        gone_at=None,
        permit__state=DevicePermit.State.REGISTERED,
        sheet__campaign__status=InventoryCampaign.Status.OPEN,
    ).exclude(question_digest="")
    lines = list(rows.order_by("number"))
    if not lines:
        raise NothingToSay
    return {
        "devices": [
            {
                "number": line.number,
                "name": line.name,
                "url": messages.link("inventory_question", asking.token_of(line)),
            }
            for line in lines
        ]
    }


def _place(notice: Notice) -> str:
    """The campaign of that quarter."""
    return reverse("inventory_campaign", args=[str(notice.context["month_on"])[:7]])


def _waiting(user: User, now: datetime) -> Iterator[Waiting]:
    """Devices that the person's organisations still have to decide about."""
    organisations = user.organisations_where(DECIDE_INVENTORY)
    if not organisations:
        return
    rows = InventoryLine.objects.visible_to(user).filter(
        organisation__in=organisations,
        sheet__campaign__status=InventoryCampaign.Status.OPEN,
        decision="",
        gone_at=None,
    )
    found = rows.order_by().values_list("sheet__campaign__starts_on", "organisation__code")
    for starts_on, code, count in found.annotate(n=Count("pk")).order_by("organisation__code"):
        address = reverse("inventory_sheet", args=[f"{starts_on:%Y-%m}", code])
        yield Waiting(
            label=_("Devices to decide in the inventory"),
            icon="device",
            count=count,
            url=f"{address}?decision=open",
        )


def _sheets_of(user: User, application: Application) -> Iterator[related.Related]:
    for sheet in selectors.sheets_of(user, application):
        period, code = address_of(sheet)
        yield related.Related(
            label=_("Inventory of devices"), text=period, url=reverse("inventory_sheet", args=[period, code])
        )
