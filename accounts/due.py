"""What the calendar makes due: the end of temporary accounts and the removal of deleted ones, asked of the database each day.

Nothing waits in a broker. A day on which no job ran loses nothing: the next one finds all that became due since.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django.db import IntegrityError, transaction

from accounts.deleting import REMOVE, restoration_open
from accounts.expiring import EXPIRE
from accounts.models import DirectoryAccount
from portal.common.time import today
from portal.fulfilment import registry
from portal.fulfilment.models import Operation
from portal.workflow import kinds
from portal.workflow.fulfilling import enqueue_step

_BATCH = 500
_State = DirectoryAccount.State


def enqueue_ends(*, now: datetime) -> int:
    """Queue the disabling of every account whose last day of use has passed; how many were queued."""
    ended = DirectoryAccount.system.filter(state=_State.ENABLED, expires_on__lt=today(now))
    return _enqueue(ended.order_by("expires_on", "pk"), EXPIRE, now)


def enqueue_removals(*, now: datetime) -> int:
    """Queue the final removal of every deleted account whose days are over; how many were queued.

    One that somebody applies to have restored is left for another day.
    """
    over = DirectoryAccount.system.filter(state=_State.DELETED, remove_on__lte=today(now))
    return _enqueue(over.order_by("remove_on", "pk"), REMOVE, now)


def _enqueue(accounts: Iterable[DirectoryAccount], step: str, now: datetime) -> int:
    rows = accounts.select_related("last_line__application")  # type: ignore[attr-defined]
    count = 0
    for account in rows.iterator(chunk_size=_BATCH):
        if step == REMOVE and restoration_open(account):
            continue
        for target in _targets(account, step):
            count += _enqueue_once(account, target, step, now)
    return count


def _targets(account: DirectoryAccount, step: str) -> list[str]:
    """Where this step is carried out for the kind that spoke of the account last."""
    code = account.last_line.application.kind
    return [
        target
        for target in kinds.get(code).targets
        if registry.is_in_use(target) and registry.has_handler(code, target, step)
    ]


def _enqueue_once(account: DirectoryAccount, target: str, step: str, now: datetime) -> bool:
    """Queue the step unless it was queued before, perhaps in this moment by another beat."""
    if Operation.system.filter(line_id=account.last_line_id, target=target, step=step).exists():
        return False
    try:
        with transaction.atomic():
            enqueue_step(account.last_line, target=target, step=step, now=now)
    except IntegrityError:
        return False
    return True
