"""The services of this room: into the queue, round by the sweeper; carrying out is in running.py, people in by_hand.py."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from portal.common import bell
from portal.fulfilment import breaker, gate
from portal.fulfilment.by_hand import (
    DRAIN_TASK,
    close,
    give_back,
    pause_target,
    record_done,
    resume_target,
    retry,
    take_by_hand,
)
from portal.fulfilment.claiming import add_events, is_due
from portal.fulfilment.models import Operation, OperationStatus, TargetState
from portal.fulfilment.recording import expire_lease
from portal.fulfilment.running import drain, run_next
from portal.fulfilment.verbs import Verb

__all__ = [
    "Order",
    "Swept",
    "close",
    "drain",
    "enqueue",
    "enqueue_all",
    "give_back",
    "pause_target",
    "record_done",
    "resume_target",
    "retry",
    "run_next",
    "sweep",
    "take_by_hand",
    "wake",
]

_LEASES_PER_SWEEP = 500


@dataclass(frozen=True)
class Swept:
    """What one round of the sweeper did."""

    expired: int
    rung: tuple[str, ...]


@transaction.atomic
def enqueue(
    *,
    line_id: int,
    organisation_id: int,
    kind: str,
    target: str,
    application_number: str,
    subject: str,
    now: datetime,
    not_before: datetime | None = None,
    step: str = "",
) -> Operation:
    """Queue one change in the transaction of the approval; rings for a worker when that commits.

    Nobody touches it before `not_before` (an effective date); the sweeper rings when that moment has come.
    Raises django.db.IntegrityError when the line already has an operation for this step at this target.
    """
    (operation,) = enqueue_all(
        orders=[Order(line_id=line_id, target=target, subject=subject)],
        organisation_id=organisation_id,
        kind=kind,
        application_number=application_number,
        now=now,
        not_before=not_before,
        step=step,
    )
    return operation


def wake(operation_ids: Collection[int], now: datetime) -> int:
    """What waiting operations waited for has come (registry.Waits): let them look now. The number that was woken.

    One that a worker holds in this instant is left alone. Whoever wakes therefore asks again later for those that still
    wait; waking twice does no harm.
    """
    waiting = Operation.system.filter(
        pk__in=operation_ids, status=OperationStatus.WAITING, not_before__gt=now
    )
    targets = set(waiting.values_list("target", flat=True))
    count = waiting.update(not_before=now)
    for target in sorted(targets):
        bell.ring_on_commit(DRAIN_TASK, target)
    return count


@dataclass(frozen=True, kw_only=True)
class Order:
    """One change to be queued: which line, where."""

    line_id: int
    target: str
    subject: str


@transaction.atomic
def enqueue_all(
    *,
    orders: Sequence[Order],
    organisation_id: int,
    kind: str,
    application_number: str,
    now: datetime,
    not_before: datetime | None = None,
    step: str = "",
) -> list[Operation]:
    """Queue the changes of one application as `enqueue` does, in two statements however many they are (ACC-13)."""
    start = not_before or now
    operations = Operation.system.bulk_create(
        Operation(
            line_id=order.line_id,
            organisation_id=organisation_id,
            kind=kind,
            target=order.target,
            application_number=application_number,
            subject=order.subject[:200],
            created_at=now,
            not_before=start,
            step=step,
        )
        for order in orders
    )
    add_events(operations, Verb.QUEUED, now=now)
    if start <= now:
        for target in sorted({order.target for order in orders}):
            bell.ring_on_commit(DRAIN_TASK, target)
    return operations


def sweep(now: datetime) -> Swept:
    """Find what was missed: operations whose worker died, and due work for which nobody rang."""
    closed = gate.beat(now)
    expired = _expire_leases(now)
    if closed:  # nothing is carried out before everything was compared
        bell.ring_now(gate.CHECK_TASK)
        return Swept(expired, ())
    due = Operation.system.filter(is_due(now)).order_by()
    waiting = sorted(due.values_list("target", flat=True).distinct())
    states = {state.target: state for state in TargetState.objects.filter(target__in=waiting)}
    rung = [target for target in waiting if breaker.is_worth_trying(states.get(target), now)]
    for target in rung:
        bell.ring_now(DRAIN_TASK, target)
    return Swept(expired, tuple(rung))


@transaction.atomic
def _expire_leases(now: datetime) -> int:
    lost = Operation.system.select_for_update(skip_locked=True, of=("self",), no_key=True).filter(
        status=OperationStatus.RUNNING, lease_until__lt=now
    )
    count = 0
    for operation in lost.order_by("id")[:_LEASES_PER_SWEEP]:
        expire_lease(operation, now)
        count += 1
    return count
