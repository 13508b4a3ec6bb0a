"""One row, one decision: keep with a reason, remove, missing (DEV-07)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from devices.inventory import mailing, removals
from devices.inventory.errors import CampaignClosed
from devices.inventory.models import InventoryLine, InventorySheet
from devices.permits.models import DevicePermit
from portal.common.time import JST, today
from portal.orgs.models import User
from portal.orgs.permissions import APPLY, DECIDE_INVENTORY, Permission
from portal.trail import services as trail
from portal.workflow import people
from portal.workflow.errors import NotAllowed
from portal.workflow.rounds.answers import REASON_LENGTH, Answer, InvalidAnswer, Outcome, What

KEEP, REMOVE, MISSING = (
    InventoryLine.Decision.KEEP,
    InventoryLine.Decision.REMOVE,
    InventoryLine.Decision.MISSING,
)
RECENT = InventoryLine.Usage.RECENT


@transaction.atomic
def decide(
    *, sheet_id: int, decisions: Sequence[Answer], actor: User, now: datetime
) -> list[Outcome[InventoryLine]]:
    """Take decisions about lines of one sheet, each judged by itself; what somebody else decided meanwhile stays.

    "Remove" puts the device into a removal draft when the person may apply; otherwise an applicant does it
    (removals.write). Raises NotAllowed, InvalidAnswer, CampaignClosed; then nothing was decided.
    """
    sheet = locked(sheet_id)
    unknown = _("Choose keep, remove or missing.")
    wanted = {
        given.line_id: given.checked(InventoryLine.Decision.values, field="decision", unknown=unknown)
        for given in decisions
    }
    is_officer = require_may_decide(sheet, wanted.values(), actor, now)
    if not sheet.campaign.is_open:
        raise CampaignClosed
    lines = lines_of(sheet, wanted)
    for line in lines:
        decision = wanted[line.pk]
        if line.gone_at is None and (problem := reason_problem(line, decision.answer, decision.reason)):
            raise InvalidAnswer({"reason": problem})
    outcomes = [_take(line, wanted[line.pk], actor, now, is_officer) for line in lines]
    decided = [outcome.line for outcome in outcomes if outcome.what is What.TAKEN]
    to_remove = [line for line in decided if line.decision == REMOVE and line.application_id is None]
    if to_remove and may(actor, APPLY, sheet.organisation_id, now):
        removals.open_for(sheet, to_remove, actor=actor, now=now)
    for outcome in outcomes:
        if outcome.what in (What.TAKEN, What.OVER):
            save(sheet, outcome.line, actor, now)
    if missing := sum(line.decision == MISSING for line in decided):
        mailing.tell_missing(sheet, missing, now)
    settle(sheet, now)
    return outcomes


@transaction.atomic
def keep_recent(*, sheet_id: int, actor: User, now: datetime) -> int:
    """Keep every open line that was used recently; its last use is the reason. How many. Raises as `decide`."""
    sheet = locked(sheet_id)
    rows = sheet.lines.filter(decision="", gone_at=None, usage=RECENT)
    found = [
        Answer(line_id=pk, version=version, answer=KEEP) for pk, version in rows.values_list("pk", "version")
    ]
    outcomes = decide(sheet_id=sheet_id, decisions=found, actor=actor, now=now)
    return sum(outcome.what is What.TAKEN for outcome in outcomes)


@transaction.atomic
def take_over_replies(*, sheet_id: int, actor: User, now: datetime) -> list[Outcome[InventoryLine]]:
    """Decide as the users answered: needed is kept with their reason, not needed is removed, not here is missing."""
    meant = {"NEEDED": KEEP, "NOT_NEEDED": REMOVE, "NOT_HERE": MISSING}
    sheet = locked(sheet_id)
    rows = sheet.lines.filter(decision="", gone_at=None).exclude(reply="")
    found = []
    for line in rows:
        said = f"{line.get_reply_display()} {line.reply_text}".strip()
        reason = _("The user: %(text)s") % {"text": said}
        found.append(
            Answer(
                line_id=line.pk,
                version=line.version,
                answer=meant[line.reply],
                reason=reason[:REASON_LENGTH],
            )
        )
    return decide(sheet_id=sheet_id, decisions=found, actor=actor, now=now)


def locked(sheet_id: int) -> InventorySheet:
    """A sheet under its lock with its campaign as it is now: all decisions about a sheet come one after the other."""
    sheet: InventorySheet = InventorySheet.system.select_for_update(of=("self",)).get(pk=sheet_id)
    sheet.campaign.refresh_from_db()
    return sheet


def lines_of(sheet: InventorySheet, pks: Iterable[int]) -> list[InventoryLine]:
    """These lines of the sheet under their locks, with the permit as it is now."""
    rows = sheet.lines.select_for_update(of=("self",)).select_related(
        "permit__applicant", "decided_by", "organisation", "application"
    )
    return list(rows.filter(pk__in=list(pks)).order_by("pk"))


def may(actor: User, permission: Permission, organisation_id: int, now: datetime) -> bool:
    """Whether a membership of today gives the permission, read fresh."""
    return people.may(actor, permission, organisation_id, today(now))


def require_may_decide(
    sheet: InventorySheet, decisions: Iterable[Answer], actor: User, now: datetime
) -> bool:
    """DEV-07: the security officer decides. That a device is not needed any more an applicant may say too.

    Whether it is an officer who does it. Raises NotAllowed.
    """
    if may(actor, DECIDE_INVENTORY, sheet.organisation_id, now):
        return True
    only_removals = all(decision.answer == REMOVE for decision in decisions)
    if not (only_removals and may(actor, APPLY, sheet.organisation_id, now)):
        raise NotAllowed(_("The security officer of the organisation decides its inventory (DEV-07)."))
    return False


def settle(sheet: InventorySheet, now: datetime) -> None:
    """A sheet without open lines is decided, one that has some again is open; under the sheet's lock."""
    waiting = sheet.lines.filter(decision="", gone_at=None).exists()
    if not waiting and sheet.status == InventorySheet.Status.OPEN:
        sheet.status, sheet.answered_at = InventorySheet.Status.ANSWERED, now
        sheet.save(update_fields=["status", "answered_at"])
    elif waiting and sheet.status == InventorySheet.Status.ANSWERED:
        sheet.status, sheet.answered_at = InventorySheet.Status.OPEN, None
        sheet.save(update_fields=["status", "answered_at"])


def save(
    sheet: InventorySheet,
    line: InventoryLine,
    actor: User | None,
    now: datetime,
    action: str = "inventory.decide",
) -> None:
    """Keep a changed line; its link to the user counts no more once it was decided."""
    line.version += 1
    if not line.is_open:
        line.question_digest = ""
    line.save()
    trail.record(
        action=action,
        now=now,
        actor=actor,
        object_type="inventory.inventoryline",
        object_id=line.pk,
        object_label=line.number,
        object_organisation_id=line.organisation_id,
        detail={
            "sheet": str(sheet),
            "decision": line.decision,
            "reply": line.reply,  # asked anew, the line forgets it
            "usage": line.usage,
            "gone": line.gone_at is not None,
            "application": line.application.number if line.application else "",
        },
    )


def reason_problem(line: InventoryLine, decision: str, reason: str) -> str:
    """Why a reason is still needed; "" when none is. Recent use is a reason of its own."""
    if reason or decision == REMOVE or (decision == KEEP and line.usage == RECENT):
        return ""
    if decision == KEEP:
        return _("Write why the device is still needed.")
    return _("Write what is known: where it was last, who looks for it.")


def _take(
    line: InventoryLine, decision: Answer, actor: User, now: datetime, is_officer: bool
) -> Outcome[InventoryLine]:
    """Judge one line and change it in memory."""
    if line.gone_at is not None:
        return Outcome(line=line, what=What.OVER)
    if line.is_open and line.permit.state != DevicePermit.State.REGISTERED:
        line.gone_at = now
        return Outcome(line=line, what=What.OVER)
    reason = decision.reason
    if not reason and decision.answer == KEEP and line.last_used_at is not None:
        day = line.last_used_at.astimezone(JST)
        reason = _("Used on %(day)s.") % {"day": f"{day:%Y-%m-%d}"}
    if (line.decision, line.reason) == (decision.answer, reason):
        return Outcome(line=line, what=What.SAME)
    # DEV-07: what the officer decided, "missing" above all, no applicant decides away.
    if line.version != decision.version or (line.decision in (KEEP, MISSING) and not is_officer):
        return Outcome(line=line, what=What.CHANGED)
    taken_back = line.application_id is not None and decision.answer != REMOVE
    if taken_back and (problem := removals.take_out(line, actor=actor, now=now)):
        return Outcome(line=line, what=What.REFUSED, text=problem)
    line.decision, line.reason = decision.answer, reason
    line.decided_by, line.decided_at = actor, now
    return Outcome(line=line, what=What.TAKEN)
