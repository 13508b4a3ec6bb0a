"""A label was scanned: the device was seen. A scanner types the number and Enter, as a person could (DEV-07)."""

from __future__ import annotations

import enum
import unicodedata
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from devices.fields import identifier
from devices.inventory import deciding
from devices.inventory.deciding import lines_of, locked, may, save
from devices.inventory.errors import CampaignClosed
from devices.inventory.models import InventoryLine
from portal.orgs.models import User
from portal.orgs.permissions import DECIDE_INVENTORY
from portal.workflow.errors import NotAllowed
from portal.workflow.rounds.answers import Answer


class Seen(enum.Enum):
    """What became of one scan."""

    NEW = "new"
    AGAIN = "again"
    """It was scanned before."""
    UNKNOWN = "unknown"
    """No line of this sheet has the number: another federation's, or one that is not registered."""


@dataclass(frozen=True, kw_only=True)
class Scan:
    """One scan and what became of it."""

    number: str
    seen: Seen
    line: InventoryLine | None = None


def number_of(text: str) -> str:
    """The device number in what a scanner or a person typed, whatever its width and case."""
    return identifier(unicodedata.normalize("NFKC", text)).upper()[:40]


@transaction.atomic
def scan(
    *, sheet_id: int, text: str, keep: bool = False, reason: str = "", actor: User, now: datetime
) -> Scan:
    """Note that a device was seen; with `keep` an open line is decided as well, with this reason.

    Raises NotAllowed, CampaignClosed, InvalidAnswer.
    """
    sheet = locked(sheet_id)
    if not may(actor, DECIDE_INVENTORY, sheet.organisation_id, now):
        raise NotAllowed(_("The security officer of the organisation decides its inventory (DEV-07)."))
    if not sheet.campaign.is_open:
        raise CampaignClosed
    number = number_of(text)
    pk = sheet.lines.filter(number=number).values_list("pk", flat=True).first()
    if pk is None:
        return Scan(number=number, seen=Seen.UNKNOWN)
    (line,) = lines_of(sheet, [pk])
    seen = Seen.NEW if line.seen_at is None else Seen.AGAIN
    if seen is Seen.NEW:
        line.seen_at, line.seen_by = now, actor
        save(sheet, line, actor, now, "inventory.seen")
    if keep and line.is_open:
        keep_it = InventoryLine.Decision.KEEP
        decision = Answer(line_id=pk, version=line.version, answer=keep_it, reason=reason)
        (outcome,) = deciding.decide(sheet_id=sheet_id, decisions=[decision], actor=actor, now=now)
        line = outcome.line
    return Scan(number=number, seen=seen, line=line)
