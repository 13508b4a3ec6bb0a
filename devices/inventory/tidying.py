"""Bringing the lines of an open campaign up to what happened meanwhile: each morning, and before it is closed (DEV-07)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection, transaction
from django.db.models import Exists, OuterRef, Q
from django.db.models.functions import Lower

from devices.inventory.deciding import locked, save, settle
from devices.inventory.models import InventoryCampaign, InventoryLine
from devices.inventory.quarters import recent_from
from devices.permits.models import DevicePermit
from portal.workflow.models import EDITABLE, ApplicationLine
from portal.workflow.rounds.drafts import WITHOUT_RESULT

# What counts as used, unused, never used or unknown. An import from before the time in question says nothing about it.
USAGE = """
    CASE WHEN d.last_used_at >= %(recent)s THEN 'RECENT'
         WHEN d.usage_as_of IS NULL OR d.usage_as_of < %(recent)s THEN 'UNKNOWN'
         WHEN d.last_used_at IS NULL THEN 'NEVER'
         ELSE 'UNUSED' END
"""
_REFRESH = f"""
    UPDATE inventory_inventoryline l
       SET last_used_at = d.last_used_at, usage_as_of = d.usage_as_of, usage = {USAGE}
      FROM devices_device d, inventory_inventorysheet s
     WHERE d.id = l.device_id AND s.id = l.sheet_id AND s.campaign_id = %(campaign)s
       AND l.decision = '' AND l.gone_at IS NULL
       AND d.usage_as_of IS DISTINCT FROM l.usage_as_of
"""  # noqa: S608  nothing in it comes from outside


@dataclass
class Tidied:
    """How many lines changed, and how."""

    refreshed: int = 0
    gone: int = 0
    again: int = 0

    def __add__(self, other: Tidied) -> Tidied:
        return Tidied(self.refreshed + other.refreshed, self.gone + other.gone, self.again + other.again)


def tidy(campaign: InventoryCampaign, *, now: datetime) -> Tidied:
    """Newer usage, permits that ended, removals without a result."""
    return Tidied(
        refreshed=refresh_usage(campaign),
        gone=leave_out_ended(campaign, now=now),
        again=decide_again(campaign, now=now),
    )


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


def leave_out_ended(campaign: InventoryCampaign, *, now: datetime) -> int:
    """Lines whose permit ended while nobody had decided need no decision any more; how many."""
    rows = InventoryLine.system.filter(sheet__campaign=campaign, decision="", gone_at=None)
    ended = rows.exclude(permit__state=DevicePermit.State.REGISTERED)
    return sum(_leave_out(pk, now) for pk in sorted(set(ended.values_list("sheet_id", flat=True))))


def decide_again(campaign: InventoryCampaign, *, now: datetime) -> int:
    """Open the lines whose removal application was withdrawn, rejected or closed, or does not name them; how many."""
    ended = InventoryLine.system.filter(_without_result(), sheet__campaign=campaign)
    return sum(_decide_again(pk, now) for pk in sorted(set(ended.values_list("sheet_id", flat=True))))


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
