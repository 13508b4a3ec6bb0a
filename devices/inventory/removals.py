"""From the decision "remove" to the removal application: a draft of whoever applies, who reads and submits it (DEV-06).

One draft for each sheet and person takes in all devices, until the kind's number of lines is reached.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from devices.inventory.errors import CampaignClosed
from devices.inventory.models import InventoryLine, InventorySheet
from devices.permits.kinds import REMOVE_KIND
from portal.orgs.models import User
from portal.workflow import services
from portal.workflow.content import Content
from portal.workflow.models import Application, Status

# The application came to an end and the permit is still there: the line is to be decided again.
WITHOUT_RESULT = frozenset({Status.WITHDRAWN, Status.REJECTED, Status.NOT_DONE})


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
    waiting = list(lines)
    draft = _open_draft(sheet, actor)
    while waiting:
        kept = _payloads(draft) if draft is not None else []
        room = REMOVE_KIND.max_lines - len(kept)
        taken, waiting = waiting[:room], waiting[room:]
        if taken:
            added = [{"number": line.number} for line in taken]
            draft = _write(sheet, draft, [*kept, *added], actor, now)
            for line in taken:
                line.application = draft
        if waiting:
            draft = None


def take_out(line: InventoryLine, *, actor: User, now: datetime) -> str:
    """Undo `open_for` for one line whose decision changes: "" when done, else the sentence why it cannot be."""
    assert line.application_id is not None
    application = Application.system.select_for_update(no_key=True).get(pk=line.application_id)
    number = application.number
    if application.status not in WITHOUT_RESULT:
        if application.status != Status.DRAFT:
            text = _("Application %(number)s removes this device already. Withdraw it first.")
            return text % {"number": number}
        if application.applicant_id != actor.pk:
            text = _("%(person)s has written the removal application %(number)s. Ask them.")
            return text % {"person": application.applicant.display_name, "number": number}
        _remove(application, line, actor, now)
    line.application = None
    return ""


def _open_draft(sheet: InventorySheet, actor: User) -> Application | None:
    """The draft that this person has begun for this sheet; locked, because it is about to grow."""
    rows = Application.system.filter(
        pk__in=sheet.lines.exclude(application=None).values("application_id"),
        applicant=actor,
        kind=REMOVE_KIND.code,
        status=Status.DRAFT,
    )
    return rows.select_for_update(no_key=True).order_by("pk").last()


def _write(
    sheet: InventorySheet,
    draft: Application | None,
    payloads: list[dict[str, Any]],
    actor: User,
    now: datetime,
) -> Application:
    if draft is not None:
        return _save(draft, payloads, actor, now)
    reason = _("Found not to be needed in the inventory of %(month)s.") % {"month": str(sheet.campaign)}
    return services.create_draft(
        kind=REMOVE_KIND.code,
        organisation_id=sheet.organisation_id,
        actor=actor,
        content=Content(reason=reason, lines=tuple(payloads)),
        now=now,
    )


def _remove(draft: Application, line: InventoryLine, actor: User, now: datetime) -> None:
    left = [data for data in _payloads(draft) if str(data.get("number", "")).upper() != line.number]
    if left:
        _save(draft, left, actor, now)
    else:
        services.withdraw(application_id=draft.pk, actor=actor, comment="", now=now)


def _save(draft: Application, payloads: list[dict[str, Any]], actor: User, now: datetime) -> Application:
    content = Content(reason=draft.reason, desired_on=draft.desired_on, lines=tuple(payloads))
    return services.save_draft(application_id=draft.pk, actor=actor, content=content, version=None, now=now)


def _payloads(draft: Application) -> list[dict[str, Any]]:
    return [dict(line.payload) for line in draft.lines.all()]
