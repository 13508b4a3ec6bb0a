"""One worker gets one operation: claim with SKIP LOCKED, lease and fencing number."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, F

from portal.fulfilment.errors import LeaseLost
from portal.fulfilment.freezes import holding
from portal.fulfilment.models import QUEUED, Operation, OperationEvent, OperationStatus, QueueGate
from portal.fulfilment.verbs import Verb
from portal.orgs.models import User

NowFn = Callable[[], datetime]


def claim(target: str, now: datetime) -> Operation | None:
    """Take the oldest operation that is due, mark it as running and commit; None when nothing is due.

    The operation comes with its line, application and organisation, and `frozen_by` where a freeze holds it back. For the application nothing changes by a claim,
    so nobody is told.
    """
    with transaction.atomic():
        due = (
            Operation.system.select_for_update(skip_locked=True, of=("self",), no_key=True)
            .select_related("line__application", "line__organisation", "organisation")
            .filter(
                ~Exists(QueueGate.objects.filter(closed_at__isnull=False)),  # see portal.fulfilment.gate
                target=target,
                status__in=QUEUED,
                not_before__lte=now,
            )
            .order_by("not_before", "id")
        )
        operation = holding.holding(due, now).first()
        if operation is None:
            return None
        if operation.status != OperationStatus.WAITING:
            operation.frozen_by = None  # begun before: what became of it is found out, freeze or not
        operation.status = OperationStatus.RUNNING
        operation.fence += 1
        operation.attempts += 1
        operation.lease_until = now + lease_time()
        operation.started_at = now
        operation.save(update_fields=["status", "fence", "attempts", "lease_until", "started_at"])
        add_event(
            operation, Verb.STARTED, now=now, data={"attempt": operation.attempts, "fence": operation.fence}
        )
    return operation  # type: ignore[no-any-return]


def lease_time() -> timedelta:
    """How long a worker may be silent before its operation counts as lost."""
    return timedelta(seconds=int(settings.FULFILMENT["lease_seconds"]))


class HeldRun:
    """registry.Run for the holder of one fencing number: a worker, or a person whose work is being verified."""

    def __init__(self, operation: Operation, now_fn: NowFn) -> None:
        self.operation = operation
        self._status = operation.status
        self._fence = operation.fence
        self._now_fn = now_fn

    def checkpoint(self, **progress: Any) -> None:
        """See registry.Run; the lease starts anew as well."""
        merged = {**self.operation.progress, **progress}
        self._update(progress=merged)
        self.operation.progress = merged

    def still_mine(self) -> None:
        """See registry.Run. A lease that is half used up is renewed."""
        lease = self.operation.lease_until
        if lease is not None and lease - self._now_fn() < lease_time() / 2:
            self._update()
        elif not self._mine().exists():
            raise LeaseLost(self._text())

    def _update(self, **values: Any) -> None:
        if self.operation.lease_until is not None:
            values["lease_until"] = self._now_fn() + lease_time()
        # A held operation keeps its status and number, so this writes exactly while it is ours.
        if not self._mine().update(fence=F("fence"), **values):
            raise LeaseLost(self._text())
        self.operation.lease_until = values.get("lease_until")

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
    OperationEvent.system.create(
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
    OperationEvent.system.bulk_create(
        OperationEvent(operation=operation, organisation_id=operation.organisation_id, at=now, verb=verb)
        for operation in operations
    )
