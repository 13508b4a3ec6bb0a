"""From the decision "remove" to the removal application: a draft of whoever applies, who reads and submits it (DEV-06)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from devices.inventory.errors import CampaignClosed
from devices.inventory.models import InventoryLine, InventorySheet
from devices.permits.kinds import REMOVE_KIND
from portal.orgs.models import User
from portal.workflow.models import Application
from portal.workflow.rounds import drafts


@transaction.atomic
def write(*, sheet_id: int, actor: User, now: datetime) -> Application | None:
    """Put every device that is to be removed and stands in no application into a draft of this person.

    The last draft that was written; None when nothing was left. Raises workflow's NotAllowed, CampaignClosed.
    """
    rows = InventorySheet.system.select_for_update(of=("self",)).select_related("campaign")
    sheet = rows.get(pk=sheet_id)
    if not sheet.campaign.is_open:
        raise CampaignClosed
    lines = list(
        sheet.lines.select_for_update(of=("self",))
        .filter(decision=InventoryLine.Decision.REMOVE, application=None, gone_at=None)
        .order_by("number")
    )
    if not lines:
        return None
    open_for(sheet, lines, actor=actor, now=now)
    for line in lines:
        line.version += 1
        line.save(update_fields=["application", "version"])
    return lines[-1].application


def open_for(sheet: InventorySheet, lines: Sequence[InventoryLine], *, actor: User, now: datetime) -> None:
    """Put the devices into removal drafts of `actor` and link them; under the sheet's lock. The caller saves the lines.

    Raises workflow's NotAllowed when the person may not apply there.
    """
    reason = _("Found not to be needed in the inventory of %(month)s.") % {"month": str(sheet.campaign)}
    drafts.put_in(
        lines,
        kind=REMOVE_KIND,
        field="number",
        siblings=sheet.lines.all(),
        reason=reason,
        actor=actor,
        now=now,
    )


def take_out(line: InventoryLine, *, actor: User, now: datetime) -> str:
    """Undo `open_for` for one line whose decision changes: "" when done, else the sentence why it cannot be."""
    return drafts.take_out(
        line,
        field="number",
        submitted=_("Application %(number)s removes this device already. Withdraw it first."),
        others=_("%(person)s has written the removal application %(number)s. Ask them."),
        actor=actor,
        now=now,
    )
