"""The head of the log leaves the portal each day: a mailbox is a witness that no administrator of the database can change."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from portal.common.time import today
from portal.orgs import outbox
from portal.orgs.models import Membership, User
from portal.orgs.permissions import SEES_EVERYTHING, Role
from portal.trail import sealing

TEMPLATE = "evidence_checkpoint"


@transaction.atomic
def mail_checkpoint(*, now: datetime) -> int:
    """Queue the newest checkpoint to the auditors of network operations and of the central association; how many.

    Raises SealNotFresh when there is no fresh one: a mail that does not come, and a failed job, are what shows it.
    """
    sealing.require_fresh_seal(now)
    last = sealing.newest()
    assert last is not None
    people = recipients(now)
    for person in people:
        outbox.queue(
            template=TEMPLATE,
            now=now,
            organisation_id=person.organisation_id,
            to_user=person,
            context={"checkpoint": last.pk},
        )
    return len(people)


def recipients(now: datetime) -> list[User]:
    """Each once."""
    held = Membership.system.filter(role=Role.AUDITOR, organisation__kind__in=SEES_EVERYTHING)
    keys = held.valid_on(today(now)).values("user_id")  # type: ignore[attr-defined]
    return list(User.objects.filter(pk__in=keys, is_active=True, is_break_glass=False).order_by("pk"))
