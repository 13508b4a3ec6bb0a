"""Operations come to a worker: reserved together for a moment, begun one by one, each with a lease and a fencing number."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Exists, F, Q

from portal.fulfilment import registry
from portal.fulfilment.errors import LeaseLost
from portal.fulfilment.freezes import holding
from portal.fulfilment.models import QUEUED, Operation, OperationEvent, OperationStatus, QueueGate
from portal.fulfilment.verbs import Verb
from portal.orgs.models import User

NowFn = Callable[[], datetime]

# A worker is at its next operation within seconds, or gives it back. One that died holds nothing up for longer.
_RESERVED_FOR = timedelta(seconds=30)


def is_due(now: datetime) -> Q:
    """What a worker may take: in the queue, its time has come, and no other worker has reserved it."""
    is_free = Q(lease_until=None) | Q(lease_until__lte=now)
    return Q(status__in=QUEUED, not_before__lte=now) & is_free


def claim(target: str, now: datetime, at_most: int = 1) -> list[Operation]:
    """Reserve the oldest operation that is due, with those of its application that come next; [] when nothing is due.

    A reservation is a lease on a waiting operation: its status stays, so a worker that dies leaves it as it was. `begin` comes
    before each. The operations come with line, application and organisation, and `frozen_by` where a freeze holds one back.
    For the application nothing changes by a claim, so nobody is told.
    """
    count = min(at_most, registry.at_once(target))
    with transaction.atomic():
        due = (
            Operation.system.select_for_update(skip_locked=True, of=("self",), no_key=True)
            .select_related("line__application", "line__organisation", "organisation")
            .filter(
                is_due(now),
                ~Exists(QueueGate.objects.filter(closed_at__isnull=False)),  # see portal.fulfilment.gate
                target=target,
            )
            .order_by("not_before", "id")
        )
        found = list(holding.holding(due, now)[:count])
        claimed = [each for each in found if _belongs_to(each) == _belongs_to(found[0])]
        if not claimed:
            return []
        until = now + _RESERVED_FOR
        ids = [each.pk for each in claimed]
        Operation.system.filter(pk__in=ids).order_by().update(fence=F("fence") + 1, lease_until=until)
        for operation in claimed:
            operation.fence, operation.lease_until = operation.fence + 1, until
            if operation.status != OperationStatus.WAITING:
                operation.frozen_by = None  # begun before: what became of it is found out, freeze or not
    return claimed


def _belongs_to(operation: Operation) -> tuple[str, str, str]:
    """Operations are taken together when they are alike: of one application, the same step."""
    return operation.application_number, operation.kind, operation.step


# In one statement, because it is asked before every single operation: whether this worker still has it, and whether anything
# has come since the claim that stops it (the gate, a pause, the breaker, a freeze). Its beginning goes into the history.
_BEGIN = f"""
    WITH begun AS (
        UPDATE fulfilment_operation
        SET status = 'RUNNING', attempts = attempts + 1, started_at = %s, lease_until = %s
        WHERE id = %s AND fence = %s AND status IN ('WAITING', 'OUTCOME_UNKNOWN')
            AND NOT EXISTS (SELECT FROM fulfilment_queuegate WHERE closed_at IS NOT NULL)
            AND NOT EXISTS (
                SELECT FROM fulfilment_targetstate state WHERE state.target = fulfilment_operation.target
                    AND (state.opened_at IS NOT NULL OR state.paused_at IS NOT NULL)
            )
            AND (status = 'OUTCOME_UNKNOWN' OR {holding.FROZEN_BY} IS NULL)
        RETURNING id, organisation_id, attempts, fence
    )
    INSERT INTO fulfilment_operationevent (operation_id, organisation_id, at, verb, code, message, data)
    SELECT id, organisation_id, %s, 'started', '', '', jsonb_build_object('attempt', attempts, 'fence', fence)
    FROM begun
    RETURNING (data->>'attempt')::integer
"""  # noqa: S608 - put together from constants

# Asked before every single write; as with _BEGIN, the ORM would need several times as long to put the question.
_IS_MINE = "SELECT FROM fulfilment_operation WHERE id = %s AND fence = %s AND status = %s"


def begin(operation: Operation, now: datetime) -> bool:
    """Mark a reserved operation as running, right before it is carried out; False when it must not be.

    Committed before anything is done at the target: what is found RUNNING afterwards may have been changed there, and what
    is not was not.
    """
    until = now + lease_time()
    values: list[Any] = [now, until, operation.pk, operation.fence, *holding.values_for(now), now]
    with connection.cursor() as cursor:
        cursor.execute(_BEGIN, values)
        row = cursor.fetchone()
    if row is None:
        return False
    operation.status, operation.attempts = OperationStatus.RUNNING, row[0]
    operation.started_at, operation.lease_until = now, until
    return True


def give_back(operations: Collection[Operation]) -> None:
    """End the reservation of operations that were not begun: another worker may have them at once."""
    if operations:
        Operation.system.filter(_held(operations), status__in=QUEUED).order_by().update(lease_until=None)


def _held(operations: Iterable[Operation]) -> Q:
    """Those of the operations whose newest number is still ours."""
    held = Q(pk=None)
    for operation in operations:
        held |= Q(pk=operation.pk, fence=operation.fence)
    return held


def lease_time() -> timedelta:
    """How long a worker may be silent before its operation counts as lost."""
    return timedelta(seconds=int(settings.FULFILMENT["lease_seconds"]))


class HeldRun:
    """registry.Run for the holder of one fencing number: a worker, or a person whose work is being verified."""

    def __init__(
        self,
        operation: Operation,
        now_fn: NowFn,
        *,
        beside: Sequence[Operation] = (),
        shared: dict[str, Any] | None = None,
    ) -> None:
        """`beside`: what this worker has carried out and not recorded yet; its leases are renewed with this one's."""
        self.operation = operation
        self._status = operation.status
        self._fence = operation.fence
        self._now_fn = now_fn
        self._beside = beside
        self._shared = {} if shared is None else shared

    def checkpoint(self, **progress: Any) -> None:
        """See registry.Run; the lease starts anew as well."""
        merged = {**self.operation.progress, **progress}
        self._update(progress=merged)
        self.operation.progress = merged

    def note(self, **progress: Any) -> None:
        """See registry.Run."""
        self.operation.progress = {**self.operation.progress, **progress}

    def once(self, name: str, read: Callable[[], Any]) -> Any:
        """See registry.Run."""
        if name not in self._shared:
            self._shared[name] = read()
        return self._shared[name]

    def still_mine(self) -> None:
        """See registry.Run. A lease that is half used up is renewed."""
        lease = self.operation.lease_until
        if lease is not None and lease - self._now_fn() < lease_time() / 2:
            self._update()
        elif not self._is_mine():
            raise LeaseLost(self._text())

    def _update(self, **values: Any) -> None:
        if self.operation.lease_until is not None:
            values["lease_until"] = self._now_fn() + lease_time()
        # A held operation keeps its status and number, so this writes exactly while it is ours.
        if not self._mine().update(fence=F("fence"), **values):
            raise LeaseLost(self._text())
        self.operation.lease_until = values.get("lease_until")
        self._renew_beside()

    def _renew_beside(self) -> None:
        """A slow operation must not let the leases of those run out that are done and wait for their record."""
        until, ending = self.operation.lease_until, self._now_fn() + lease_time() / 2
        if until and any(each.lease_until and each.lease_until < ending for each in self._beside):
            Operation.system.filter(_held(self._beside), status=OperationStatus.RUNNING).order_by().update(
                lease_until=until
            )
            for each in self._beside:
                each.lease_until = until

    def _is_mine(self) -> bool:
        with connection.cursor() as cursor:
            cursor.execute(_IS_MINE, [self.operation.pk, self._fence, self._status])
            return cursor.fetchone() is not None

    def _mine(self) -> Any:
        return Operation.system.filter(pk=self.operation.pk, fence=self._fence, status=self._status)

    def _text(self) -> str:
        return f"operation {self.operation.pk} is no longer held with number {self._fence}"


def add_event(
    operation: Operation,
    verb: Verb,
    *,
    now: datetime,
    actor: User | None = None,
    code: str = "",
    message: str = "",
    data: dict[str, Any] | None = None,
) -> None:
    """Add one entry to the history, in the caller's transaction."""
    event_of(operation, verb, now=now, actor=actor, code=code, message=message, data=data).save()


def event_of(
    operation: Operation,
    verb: Verb,
    *,
    now: datetime,
    actor: User | None = None,
    code: str = "",
    message: str = "",
    data: dict[str, Any] | None = None,
) -> OperationEvent:
    """One entry of the history, not stored yet."""
    return OperationEvent(
        operation=operation,
        organisation_id=operation.organisation_id,
        at=now,
        actor=actor,
        verb=verb,
        code=code[:60],
        message=message,
        data=data or {},
    )


def add_events(operations: Iterable[Operation], verb: Verb, *, now: datetime) -> None:
    """Add one entry to the history of each, in one statement and the caller's transaction."""
    OperationEvent.system.bulk_create(event_of(operation, verb, now=now) for operation in operations)
