"""Queueing mail, reading it in the portal, sending it again. Sending is portal.notices.delivery."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import transaction

from portal.common import bell
from portal.notices.errors import MoveNotAllowed, NotAllowed
from portal.notices.models import Notice, NoticeStatus
from portal.orgs.models import User
from portal.orgs.permissions import RUN_OPERATIONS
from portal.trail import services as trail

SEND_TASK = "portal.notices.tasks.send_notices"


def queue(
    *,
    template: str,
    now: datetime,
    organisation_id: int,
    to_user: User | None = None,
    to_address: str = "",
    application_number: str = "",
    context: dict[str, Any] | None = None,
) -> Notice | None:
    """Queue one mail in the caller's transaction; None when the person has no address.

    `context` holds JSON values that are ids, numbers and dates only; the name of a date (ISO text) ends in `_on`.
    """
    address = to_address or (to_user.email if to_user else "")
    if not address:
        return None
    notice = Notice.system.create(
        template=template,
        created_at=now,
        not_before=now,
        organisation_id=organisation_id,
        to_user=to_user,
        to_address=address,
        application_number=application_number,
        context=context or {},
    )
    bell.ring_on_commit(SEND_TASK)
    return notice


def mark_read(*, actor: User, now: datetime) -> int:
    """The person has seen everything in their own list; how many were new."""
    return Notice.objects.visible_to(actor).filter(to_user=actor, read_at=None).update(read_at=now)


@transaction.atomic
def send_again(*, notice_id: int, actor: User, now: datetime) -> Notice:
    """Queue a refused mail again, to the address that its person has now. A password is never sent again: it is reset.

    Raises NotAllowed, MoveNotAllowed.
    """
    if not actor.may(RUN_OPERATIONS):
        raise NotAllowed("only people of operations send mail again")
    notice = Notice.system.select_for_update(of=("self",)).select_related("to_user").get(pk=notice_id)
    if not notice.can_be_sent_again:
        raise MoveNotAllowed(notice.status)
    notice.status, notice.not_before, notice.attempts = NoticeStatus.QUEUED, now, 0
    notice.error_code = notice.error_message = ""
    if notice.to_user is not None and notice.to_user.email:
        notice.to_address = notice.to_user.email
    notice.save()
    trail.record(
        action="notice.send_again",
        now=now,
        actor=actor,
        object_type="notice",
        object_id=notice.pk,
        object_label=notice.application_number,
        object_organisation_id=notice.organisation_id,
    )
    bell.ring_on_commit(SEND_TASK)
    return notice
