"""What operations at the two-factor system wait for: Active Directory first, then the acknowledgement.

They are woken when it comes. That is only a bell: `wake_missed` finds each minute whom nobody woke.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet

from portal.fulfilment import services as fulfilment
from portal.fulfilment.models import SETTLED, Operation, OperationStatus
from portal.gateways.two_factor import TARGET
from portal.two_factor.models import ANSWERED, ExchangeRow

DIRECTORY = "directory"
WAITS_FOR_DIRECTORY = "waits_for_directory"
WAITS_FOR_ANSWER = "waits_for_answer"


def directory_operation(operation: Operation) -> Operation | None:
    """The operation of the same step of the same line in Active Directory, as it stands now."""
    rows = Operation.system.filter(line_id=operation.line_id, step=operation.step, target=DIRECTORY)
    return rows.first()


def wake_followers(operations: Sequence[Operation], now: datetime) -> None:
    """Operations in Active Directory are settled: wake those that build on them, once that is committed.

    After the commit, because here the application's row is locked already, and an operation is never locked after it.
    """
    ends = [each for each in operations if each.target == DIRECTORY and each.status in SETTLED]
    if ends:
        followed = Q(pk=None)
        for each in ends:
            followed |= Q(line_id=each.line_id, step=each.step)
        transaction.on_commit(lambda: _wake(_waiting(WAITS_FOR_DIRECTORY).filter(followed), now))


def wake_missed(now: datetime) -> int:
    """Wake everybody whose wait is over and who was not woken; the number."""
    settled = Operation.system.filter(
        line=OuterRef("line"), step=OuterRef("step"), target=DIRECTORY, status__in=SETTLED
    )
    rows = ExchangeRow.system.filter(operation=OuterRef("pk"))
    answered = Exists(rows.filter(state__in=ANSWERED)), ~Exists(rows.exclude(state__in=ANSWERED))
    followers = _waiting(WAITS_FOR_DIRECTORY).filter(Exists(settled))
    return _wake(followers, now) + _wake(_waiting(WAITS_FOR_ANSWER).filter(*answered), now)


def _waiting(code: str) -> QuerySet[Operation]:
    return Operation.system.filter(target=TARGET, status=OperationStatus.WAITING, error_code=code)


def _wake(rows: QuerySet[Operation], now: datetime) -> int:
    found = list(rows.filter(not_before__gt=now).values_list("pk", flat=True))
    return fulfilment.wake(found, now) if found else 0
