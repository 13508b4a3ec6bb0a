"""What happens to open campaigns by the clock: newer usage, permits that ended, applications without a result, reminders (DEV-07)."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from django.db import connection, transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.db.models.functions import Lower
from django.utils.translation import gettext as _

from devices.inventory import asking, closing, mailing
from devices.inventory.deciding import locked, save, settle
from devices.inventory.models import InventoryCampaign, InventoryLine, InventorySheet
from devices.inventory.opening import USAGE
from devices.inventory.quarters import recent_from
from devices.permits.models import DevicePermit
from portal.common.time import is_business_day, today
from portal.trail import services as trail
from portal.workflow.models import EDITABLE, ApplicationLine
from portal.workflow.rounds import reminding
from portal.workflow.rounds.drafts import WITHOUT_RESULT

REMIND_BEFORE = (10, 5, 1)  # business days
_OVERDUE_AGAIN = 3  # business days between two mails about a sheet that is overdue

_REFRESH = f"""
    UPDATE inventory_inventoryline l
       SET last_used_at = d.last_used_at, usage_as_of = d.usage_as_of, usage = {USAGE}
      FROM devices_device d, inventory_inventorysheet s
     WHERE d.id = l.device_id AND s.id = l.sheet_id AND s.campaign_id = %(campaign)s
       AND l.decision = '' AND l.gone_at IS NULL
       AND d.usage_as_of IS DISTINCT FROM l.usage_as_of
"""  # noqa: S608  nothing in it comes from outside


def look_after(*, now: datetime) -> str:
    """Each morning. A campaign whose last day has passed is closed, with what ended until then."""
    refreshed = sum(refresh_usage(campaign) for campaign in _open_campaigns())
    gone, asked = leave_out_ended(now=now), decide_again(now=now)
    for campaign in InventoryCampaign.objects.filter(
        status=InventoryCampaign.Status.OPEN, closes_on__lt=today(now)
    ):
        closing.close(campaign_id=campaign.pk, actor=None, now=now)
    asking.purge(now=now)
    reminded = remind(now=now)
    text = _("%(refreshed)d with newer usage; %(gone)d ended; %(asked)d to be decided again; %(n)d reminded")
    return text % {"refreshed": refreshed, "gone": gone, "asked": asked, "n": reminded}


def refresh_usage(campaign: InventoryCampaign) -> int:
    """Read the newest usage import into the lines that nobody has decided; how many changed.

    No version rises: nobody's decision is in the way, and a person who looks at the page loses nothing.
    """
    values: dict[str, Any] = {
        "campaign": campaign.pk,
        "recent": recent_from(campaign.starts_on, campaign.unused_days),
    }
    with connection.cursor() as cursor:
        cursor.execute(_REFRESH, values)
        return int(cursor.rowcount)


def leave_out_ended(*, now: datetime) -> int:
    """Lines whose permit ended while nobody had decided need no decision any more; how many."""
    rows = InventoryLine.system.filter(
        sheet__campaign__in=_open_campaigns(), decision="", gone_at=None
    ).exclude(permit__state=DevicePermit.State.REGISTERED)
    return sum(_leave_out(pk, now) for pk in set(rows.values_list("sheet_id", flat=True)))


def decide_again(*, now: datetime) -> int:
    """Open the lines whose removal application was withdrawn, rejected or closed, or does not name them; how many."""
    ended = InventoryLine.system.filter(_without_result(), sheet__campaign__in=_open_campaigns())
    return sum(_decide_again(pk, now) for pk in set(ended.values_list("sheet_id", flat=True)))


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


def _without_result() -> Q:
    """Its application came to nothing, or its applicant took the device out of it before it was submitted."""
    named = ApplicationLine.system.filter(
        application=OuterRef("application"), subject_key=Lower(OuterRef("number"))
    )
    submitted = Q(application__isnull=False) & ~Q(application__status__in=EDITABLE)
    return Q(application__status__in=WITHOUT_RESULT) | (submitted & ~Q(Exists(named)))


@transaction.atomic
def _leave_out(sheet_id: int, now: datetime) -> int:
    sheet = locked(sheet_id)
    rows = sheet.lines.filter(decision="", gone_at=None).exclude(permit__state=DevicePermit.State.REGISTERED)
    lines = list(rows.select_for_update(of=("self",)).order_by("pk")) if sheet.campaign.is_open else []
    for line in lines:
        line.gone_at = now
        save(sheet, line, None, now, "inventory.gone")
    settle(sheet, now)
    return len(lines)


@transaction.atomic
def _decide_again(sheet_id: int, now: datetime) -> int:
    sheet = locked(sheet_id)
    rows = sheet.lines.select_for_update(of=("self",)).filter(_without_result())
    lines = list(rows.order_by("pk")) if sheet.campaign.is_open else []
    for line in lines:
        line.decision, line.reason, line.application = "", "", None
        line.decided_by, line.decided_at = None, None
        save(sheet, line, None, now, "inventory.again")
    settle(sheet, now)
    return len(lines)


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
