"""Questions to the users of devices: a mailed link that answers once, without login, and shows nothing else (DEV-07).

The link holds a token that is worked out anew from the line and the secret key whenever it is needed; the line keeps its
SHA-256 only. Following the link changes nothing; the button on the page does: mail scanners follow links too.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from django.db import connection, transaction
from django.utils.crypto import constant_time_compare, salted_hmac
from django.utils.translation import gettext as _

from devices.inventory import mailing
from devices.inventory.deciding import lines_of, locked, may, save
from devices.inventory.errors import CampaignClosed, LinkInvalid, TooManyAttempts
from devices.inventory.models import InventoryCampaign, InventoryLine, WrongLink
from portal.common.text import squeeze
from portal.common.time import today
from portal.orgs.models import User
from portal.orgs.permissions import DECIDE_INVENTORY
from portal.trail import services as trail
from portal.workflow.content import text_problem
from portal.workflow.errors import NotAllowed
from portal.workflow.rounds.answers import InvalidAnswer

REPLY_LENGTH = 120
_WRONG_LINKS_AN_HOUR = 20  # from one address; a token has 256 bits, so this only keeps the noise down
_KEPT = timedelta(days=2)


@transaction.atomic
def ask(*, sheet_id: int, line_ids: Iterable[int], actor: User, now: datetime) -> tuple[int, int]:
    """Mail the users of these open lines: one mail to each address. How many devices were asked about, how many have no address.

    Asked again, the link of before counts no more. Raises NotAllowed, CampaignClosed.
    """
    sheet = locked(sheet_id)
    if not may(actor, DECIDE_INVENTORY, sheet.organisation_id, now):
        raise NotAllowed(_("The security officer of the organisation decides its inventory (DEV-07)."))
    if not sheet.campaign.is_open:
        raise CampaignClosed
    by_address: dict[str, list[InventoryLine]] = defaultdict(list)
    without = 0
    for line in lines_of(sheet, line_ids):
        applicant = line.permit.applicant
        # Somebody who has left is not asked: their word counts no more.
        address = line.permit.end_user_mail or (applicant.email if applicant.is_active else "")
        if not line.is_open:
            continue
        if not address:
            without += 1
            continue
        line.asked_at, line.reply, line.reply_text, line.replied_at = now, "", "", None
        line.question_digest = digest_of(token_of(line))
        line.version += 1
        line.save()
        by_address[address.lower()].append(line)
    for address, lines in by_address.items():
        mailing.ask(sheet, address, [line.pk for line in lines], now)
    asked = sum(len(lines) for lines in by_address.values())
    trail.record(
        action="inventory.ask",
        now=now,
        actor=actor,
        object_type="inventory.inventorysheet",
        object_id=sheet.pk,
        object_label=str(sheet),
        object_organisation_id=sheet.organisation_id,
        detail={"devices": asked, "mails": len(by_address)},
    )
    return asked, without


def find(*, token: str, ip: str | None, now: datetime) -> InventoryLine:
    """The line whose mailed link this is. Raises LinkInvalid for an unknown, used or old one, TooManyAttempts."""
    line = _find(token, now)
    if line is None:
        _admit_wrong_link(ip, now)
        raise LinkInvalid
    return line


@transaction.atomic
def reply(*, token: str, answer: str, text: str, now: datetime) -> InventoryLine:
    """What the user says; the link answers once. It decides nothing: the officer does (DEV-07).

    Raises LinkInvalid, InvalidAnswer.
    """
    text = squeeze(text)
    if answer not in InventoryLine.Reply.values:
        raise InvalidAnswer({"answer": _("Choose an answer.")})
    if answer == InventoryLine.Reply.NEEDED and not text:
        raise InvalidAnswer({"text": _("Write what you still need it for.")})
    if problem := text_problem(text, REPLY_LENGTH):
        raise InvalidAnswer({"text": problem})
    found = _find(token, now)
    if found is None:
        raise LinkInvalid
    sheet = locked(found.sheet_id)
    (line,) = lines_of(sheet, [found.pk])
    still = constant_time_compare(line.question_digest, digest_of(token))
    if not (still and sheet.campaign.is_open and line.is_open):
        raise LinkInvalid
    line.reply, line.reply_text, line.replied_at, line.question_digest = answer, text, now, ""
    save(sheet, line, None, now, "inventory.reply")
    return line


def token_of(line: InventoryLine) -> str:
    """The token of a line that was asked about, worked out from the line and the secret key."""
    asked = line.asked_at.astimezone(UTC).isoformat() if line.asked_at else ""
    return salted_hmac("devices.inventory.question", f"{line.pk}\0{asked}", algorithm="sha256").hexdigest()


def digest_of(token: str) -> str:
    """What the line keeps of a token."""
    return hashlib.sha256(token.encode()).hexdigest()


def purge(*, now: datetime) -> int:
    """Remove attempts that no longer count; how many."""
    count, _by_model = WrongLink.objects.filter(at__lt=now - _KEPT).delete()
    return count


def _find(token: str, now: datetime) -> InventoryLine | None:
    rows = InventoryLine.system.filter(
        question_digest=digest_of(token),
        sheet__campaign__status=InventoryCampaign.Status.OPEN,
        sheet__campaign__closes_on__gte=today(now),
    )
    found: InventoryLine | None = rows.select_related("organisation", "device", "sheet__campaign").first()
    return found


@transaction.atomic
def _admit_wrong_link(ip: str | None, now: datetime) -> None:
    """Count one wrong link; wrong links of one address are counted one after the other."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"wrong links {ip}"])
    recent = WrongLink.objects.filter(ip=ip, at__gt=now - timedelta(hours=1))
    if recent.count() >= _WRONG_LINKS_AN_HOUR:
        raise TooManyAttempts
    WrongLink.objects.create(ip=ip, at=now)
