"""What happens to open campaigns by the clock: newer usage, permits that ended, applications without a result, reminders (DEV-07)."""

from __future__ import annotations

from datetime import date, datetime

from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from devices.inventory import asking, closing, mailing
from devices.inventory.models import InventoryCampaign, InventorySheet
from devices.inventory.tidying import Tidied, tidy
from portal.common.time import is_business_day, today
from portal.trail import services as trail
from portal.workflow.rounds import reminding

REMIND_BEFORE = (10, 5, 1)  # business days
_OVERDUE_AGAIN = 3  # business days between two mails about a sheet that is overdue


def look_after(*, now: datetime) -> str:
    """Each morning. A campaign whose last day has passed is closed, with what ended until then."""
    done = sum((tidy(campaign, now=now) for campaign in _open_campaigns()), Tidied())
    for campaign in InventoryCampaign.objects.filter(
        status=InventoryCampaign.Status.OPEN, closes_on__lt=today(now)
    ):
        closing.close(campaign_id=campaign.pk, actor=None, now=now)
    asking.purge(now=now)
    reminded = remind(now=now)
    text = _("%(refreshed)d with newer usage; %(gone)d ended; %(asked)d to be decided again; %(n)d reminded")
    return text % {"refreshed": done.refreshed, "gone": done.gone, "asked": done.again, "n": reminded}


def remind(*, now: datetime) -> int:
    """Mail about open sheets: 10, 5 and 1 business days before the date, and after it; never twice on one day."""
    day = today(now)
    if not is_business_day(day):
        return 0
    return sum(_remind(pk, now) for pk in list(_owed(day).values_list("pk", flat=True)))


def _open_campaigns() -> QuerySet[InventoryCampaign]:
    return InventoryCampaign.objects.filter(status=InventoryCampaign.Status.OPEN)


def _owed(day: date) -> QuerySet[InventorySheet]:
    rows = InventorySheet.system.filter(
        status=InventorySheet.Status.OPEN, campaign__status=InventoryCampaign.Status.OPEN
    )
    return rows.exclude(reminded_on=day).order_by("pk")


@transaction.atomic
def _remind(sheet_id: int, now: datetime) -> int:
    day = today(now)
    rows = _owed(day).select_for_update(of=("self",)).select_related("campaign")
    sheet = rows.filter(pk=sheet_id).first()
    if sheet is None or not _is_due(sheet, day):
        return 0  # decided, or another run was first
    waiting = sheet.lines.filter(decision="", gone_at=None).count()
    if day > sheet.campaign.due_on:
        mailing.tell_overdue(sheet, waiting, now)
    else:
        mailing.remind(sheet, waiting, now)
    sheet.reminded_on = day
    sheet.save(update_fields=["reminded_on"])
    trail.record(
        action="inventory.remind",
        now=now,
        actor=None,
        object_type="inventory.inventorysheet",
        object_id=sheet.pk,
        object_label=str(sheet),
        object_organisation_id=sheet.organisation_id,
    )
    return 1


def _is_due(sheet: InventorySheet, day: date) -> bool:
    campaign = sheet.campaign
    return reminding.is_owed(
        day,
        due=campaign.due_on,
        last=sheet.reminded_on,
        told=today(campaign.opened_at),
        before=REMIND_BEFORE,
        again_after=_OVERDUE_AGAIN,
    )
