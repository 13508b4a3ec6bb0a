"""Closing a campaign: what nobody decided stays visible as such, and a digest says what the report stands on (DEV-07)."""

from __future__ import annotations

import hashlib
from datetime import datetime

from django.db import transaction

from devices.inventory.errors import NotDue
from devices.inventory.models import InventoryCampaign, InventoryLine, InventorySheet
from devices.inventory.tidying import tidy
from portal.common.time import today
from portal.orgs.models import User
from portal.orgs.permissions import RUN_OPERATIONS
from portal.trail import services as trail
from portal.workflow.errors import NotAllowed

_DIGESTED = (
    "number",
    "usage",
    "decision",
    "reason",
    "decided_by__login_name",
    "decided_at",
    "gone_at",
    "application__number",
)


@transaction.atomic
def close(*, campaign_id: int, actor: User | None, now: datetime) -> InventoryCampaign:
    """Take no more decisions, after a last look at what happened meanwhile. Closed twice is once. `actor` None: the portal itself, by the calendar.

    Operations may close a campaign whose date has passed, without waiting for the calendar.
    Raises NotAllowed, NotDue.
    """
    campaign = InventoryCampaign.objects.select_for_update().get(pk=campaign_id)
    if actor is not None and not actor.may(RUN_OPERATIONS):
        raise NotAllowed("only people of operations close a campaign")
    if campaign.status == InventoryCampaign.Status.CLOSED:
        return campaign
    if actor is not None and today(now) <= campaign.due_on:
        raise NotDue
    # Whoever is deciding holds the lock of a sheet: first they finish, then it is closed.
    list(campaign.sheets.select_for_update().order_by("pk"))
    tidy(campaign, now=now)  # closed by hand or by the next quarter, no morning comes any more
    sheets = campaign.sheets.order_by("pk")
    late = [sheet.pk for sheet in sheets if sheet.status == InventorySheet.Status.OPEN]
    InventorySheet.system.filter(pk__in=late).update(status=InventorySheet.Status.CLOSED)
    lines = InventoryLine.system.filter(sheet__campaign=campaign)
    lines.exclude(question_digest="").update(question_digest="")
    campaign.status, campaign.closed_at, campaign.closed_by = InventoryCampaign.Status.CLOSED, now, actor
    campaign.digest = digest_of(campaign)
    campaign.save(update_fields=["status", "closed_at", "closed_by", "digest"])
    trail.record(
        action="inventory.close",
        now=now,
        actor=actor,
        object_type="inventory.inventorycampaign",
        object_id=campaign.pk,
        object_label=str(campaign),
        detail={"digest": campaign.digest, "late": len(late)},
    )
    return campaign


def digest_of(campaign: InventoryCampaign) -> str:
    """SHA-256 over every line of a campaign in the order of its numbers: the same lines give the same digest."""
    digest = hashlib.sha256()
    rows = InventoryLine.system.filter(sheet__campaign=campaign).order_by("number", "pk")
    for row in rows.values_list(*_DIGESTED).iterator(chunk_size=2000):
        text = "\x1f".join(
            value.isoformat() if isinstance(value, datetime) else str(value or "") for value in row
        )
        digest.update(text.encode() + b"\x1e")
    return digest.hexdigest()
