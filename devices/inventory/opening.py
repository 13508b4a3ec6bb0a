"""Opening a campaign: one transaction over the whole country, the lines written by one statement (DEV-07)."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Count
from django.utils.translation import gettext as _

from devices.inventory import closing, mailing
from devices.inventory.models import InventoryCampaign, InventoryLine, InventorySheet
from devices.inventory.quarters import first_of_quarter, recent_from
from devices.inventory.tidying import USAGE
from portal.common.time import add_business_days, today
from portal.orgs.models import Organisation
from portal.orgs.permissions import FEDERATIONS
from portal.trail import services as trail

# Lists show the newest row first: the exceptions, those that were never used at the top.
_FILL = f"""
    INSERT INTO inventory_inventoryline (
        sheet_id, organisation_id, device_id, permit_id, number, kind, name, end_user, registered_at,
        last_used_at, usage_as_of, usage, search_text, computers,
        decision, reason, question_digest, reply, reply_text, version
    )
    SELECT s.id, d.organisation_id, d.id, p.id, d.number, d.kind, trim(concat_ws(' ', d.maker, d.model, d.serial)),
           p.end_user, p.registered_at, d.last_used_at, d.usage_as_of, {USAGE} AS usage, d.search_text,
           coalesce((SELECT string_agg(c.name, '、' ORDER BY c.name)
                       FROM devices_devicepermit_computers pc JOIN devices_computer c ON c.id = pc.computer_id
                      WHERE pc.devicepermit_id = p.id), ''),
           '', '', '', '', '', 1
      FROM devices_device d
      JOIN devices_devicepermit p ON p.id = d.permit_id AND p.state = 'REGISTERED'
      JOIN inventory_inventorysheet s ON s.organisation_id = d.organisation_id AND s.campaign_id = %(campaign)s
     ORDER BY s.id DESC,
              array_position(ARRAY['RECENT', 'UNKNOWN', 'UNUSED', 'NEVER'], {USAGE}),
              d.id DESC
"""  # noqa: S608  nothing in it comes from outside


@transaction.atomic
def open_campaign(*, now: datetime, period: datetime) -> str:
    """Open the inventory of the quarter of `period`; once, whoever asks and how often (DEV-07).

    A second call waits for the first one at the unique quarter, and then finds it open. Campaigns of earlier quarters are
    closed. A quarter that is caught up after the next one was opened is left out: its devices are asked for there.
    """
    starts_on = first_of_quarter(period)
    if InventoryCampaign.objects.filter(starts_on__gt=starts_on).exists():
        return _("The inventory of a later quarter is open already.")
    due_on = add_business_days(max(starts_on, today(now)), settings.INVENTORY_ANSWER_DAYS)
    campaign, made = InventoryCampaign.objects.get_or_create(
        starts_on=starts_on,
        defaults={
            "due_on": due_on,
            "closes_on": add_business_days(due_on, settings.INVENTORY_GRACE_DAYS),
            "unused_days": settings.INVENTORY_UNUSED_DAYS,
            "opened_at": now,
        },
    )
    if not made:
        return _("This inventory was opened before.")
    for earlier in InventoryCampaign.objects.filter(
        starts_on__lt=starts_on, status=InventoryCampaign.Status.OPEN
    ):
        closing.close(campaign_id=earlier.pk, actor=None, now=now)
    _fill(campaign)
    count = _tell(campaign, now)
    trail.record(
        action="inventory.open",
        now=now,
        actor=None,
        object_type="inventory.inventorycampaign",
        object_id=campaign.pk,
        object_label=str(campaign),
        detail={"devices": count, "unused_days": campaign.unused_days},
    )
    return _("%(count)d devices") % {"count": count}


def _fill(campaign: InventoryCampaign) -> None:
    federations = Organisation.objects.filter(kind__in=FEDERATIONS).order_by("-sort_order", "-code")
    InventorySheet.system.bulk_create(
        InventorySheet(campaign=campaign, organisation=organisation) for organisation in federations
    )
    values: dict[str, Any] = {
        "campaign": campaign.pk,
        "recent": recent_from(campaign.starts_on, campaign.unused_days),
    }
    with connection.cursor() as cursor:
        cursor.execute(_FILL, values)


def _tell(campaign: InventoryCampaign, now: datetime) -> int:
    """Mail the officers of each federation that has devices; the others are done at once. How many devices there are."""
    counts = dict(
        InventoryLine.system.filter(sheet__campaign=campaign)
        .order_by()
        .values_list("sheet_id")
        .annotate(Count("pk"))
    )
    without = InventorySheet.system.filter(campaign=campaign).exclude(pk__in=counts)
    without.update(status=InventorySheet.Status.ANSWERED, answered_at=now)
    for sheet in InventorySheet.system.filter(pk__in=counts).select_related("campaign").order_by("pk"):
        mailing.tell_opened(sheet, counts[sheet.pk], now)
    return sum(counts.values())
