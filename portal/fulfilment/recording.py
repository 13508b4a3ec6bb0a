"""What an outcome makes of an operation, and writing that down: for many of one worker together, each while it is still ours."""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Max
from django.utils.translation import gettext as _

from portal.common.text import without_control_characters
from portal.fulfilment import registry
from portal.fulfilment.claiming import add_event, event_of
from portal.fulfilment.models import Operation, OperationEvent, OperationStatus
from portal.fulfilment.registry import Done, NeedsPerson, NotKnown, NotNeeded, Outcome, TryLater, Waits
from portal.fulfilment.verbs import BY_A_PERSON, Verb

log = logging.getLogger(__name__)

LEASE_LOSSES_ALLOWED = 10
_LONGEST_WAIT = timedelta(minutes=10)
_LOOK_AGAIN_SECONDS = 5

# For the application these are one: the portal is still at work.
_AT_WORK = frozenset({OperationStatus.WAITING, OperationStatus.RUNNING, OperationStatus.OUTCOME_UNKNOWN})
_WRITTEN = (
    *("status", "fence", "lease_until", "attempts", "not_before", "error_code", "error_message", "progress"),
    *("evidence", "settled_at", "manual_note", "taken_by_id", "taken_at"),
)
# Different values for each of them in one statement, whose length does not depend on how many they are.
_STORE = f"""
    UPDATE fulfilment_operation SET {", ".join(f"{name} = written.{name}" for name in _WRITTEN)}
    FROM jsonb_populate_recordset(NULL::fulfilment_operation, %s) written
    WHERE fulfilment_operation.id = written.id
"""  # noqa: S608 - put together from constants

Result = tuple[Operation, Outcome]


@dataclass(frozen=True)
class _Move:
    """An operation's next status with the values that come with it, and the entry of its history."""

    operation: Operation
    held: tuple[int, str]  # its number and status until then
    status: str
    values: dict[str, Any]
    event: OperationEvent | None

    @classmethod
    def of(
        cls, operation: Operation, status: str, values: dict[str, Any], event: OperationEvent | None = None
    ) -> _Move:
        """From how the operation stands now."""
        return cls(operation, (operation.fence, operation.status), status, values, event)

    @property
    def is_told(self) -> bool:
        """Whether it matters to the application: a move among waiting, running and unknown is none."""
        return not (self.held[1] in _AT_WORK and self.status in _AT_WORK)


def record(results: Sequence[Result], now: datetime) -> list[Result]:
    """Write the outcomes of operations that this worker still holds; a late worker writes nothing. Gives what was written.

    They are written together. Where that fails each is written by itself, so that one does not keep the others from their end;
    the error of the last is raised then.
    """
    if not results:
        return []
    moves = [_move(operation, outcome, now) for operation, outcome in results]
    try:
        written = _record(moves, now)
    except Exception as error:
        if len(moves) == 1:
            raise
        log.error("the outcomes of %s operations: %s; each by itself", len(moves), type(error).__name__)
        written = _record_each(moves, now)
    return [result for result in results if result[0].pk in written]


def change_status(operation: Operation, status: str, now: datetime, **values: Any) -> None:
    """Write a new status of an operation whose row lock the caller holds, and tell whom it concerns.

    Told are changes that matter to the application: a move among waiting, running and unknown is not one.
    """
    _write([_Move.of(operation, status, values)], now)


def expire_lease(operation: Operation, now: datetime) -> None:
    """Put a running operation back whose worker did not come back. The caller holds the row lock.

    An operation that loses its worker again and again is not fed to another one: a person decides.
    """
    operation.fence += 1
    losses = count_since_a_person(operation, Verb.LEASE_EXPIRED) + 1
    add_event(operation, Verb.LEASE_EXPIRED, now=now, data={"fence": operation.fence})
    if losses >= LEASE_LOSSES_ALLOWED:
        message = _(
            "The worker that carried this out was lost several times. Look at the target, then decide."
        )
        _write([_move(operation, NeedsPerson(code="lease_lost", message=message), now)], now)
        return
    values = {
        "error_code": "lease_expired",
        "error_message": _("The worker did not come back."),
        "not_before": now,
    }
    change_status(operation, OperationStatus.OUTCOME_UNKNOWN, now, **values)


def count_since_a_person(operation: Operation, verb: Verb) -> int:
    """How often this happened to the operation since a person last looked after it."""
    events = OperationEvent.system.filter(operation=operation)
    last = events.filter(verb__in=BY_A_PERSON).aggregate(last=Max("pk"))["last"] or 0
    return events.filter(verb=verb, pk__gt=last).count()


@transaction.atomic
def _record(moves: Sequence[_Move], now: datetime) -> set[int]:
    """Write those whose rows are as this worker left them; their ids."""
    ids = [move.operation.pk for move in moves]
    rows = Operation.system.filter(pk__in=ids).order_by("pk").select_for_update(no_key=True)
    found = {pk: (fence, status) for pk, fence, status in rows.values_list("pk", "fence", "status")}
    ours = [move for move in moves if move.held == found[move.operation.pk]]
    _write(ours, now)
    if len(ours) < len(moves):
        log.warning("%s outcomes of a late worker are dropped", len(moves) - len(ours))
    return {move.operation.pk for move in ours}


def _record_each(moves: Sequence[_Move], now: datetime) -> set[int]:
    written: set[int] = set()
    failed: Exception | None = None
    for move in moves:
        try:
            written |= _record([move], now)
        except Exception as error:
            failed = error
    if failed:
        raise failed
    return written


def _write(moves: Sequence[_Move], now: datetime) -> None:
    """Store operations and history in one statement each, and tell whom it concerns. The caller holds the row locks."""
    if not moves:
        return
    told = [move.operation for move in moves if move.is_told]
    OperationEvent.system.bulk_create([move.event for move in moves if move.event])
    for move in moves:
        for name, value in {**move.values, "status": move.status, "lease_until": None}.items():
            setattr(move.operation, name, value)
    rows = [{name: getattr(move.operation, name) for name in ("id", *_WRITTEN)} for move in moves]
    with connection.cursor() as cursor:
        cursor.execute(_STORE, [json.dumps(rows, default=str)])
    if told:
        registry.tell_settled(told, now)


# --- What an outcome makes of an operation -----------------------------------------------------------------------------------
def _move(operation: Operation, outcome: Outcome, now: datetime) -> _Move:
    """Status, values and history for an outcome."""
    if isinstance(outcome, Done):
        values = {"error_code": "", "error_message": "", "evidence": outcome.evidence, "settled_at": now}
        event = event_of(operation, Verb.DONE, now=now, data=outcome.evidence)
        return _Move.of(operation, OperationStatus.DONE, values, event)
    code, message = outcome.code[:60], without_control_characters(outcome.message)[:1000]
    if isinstance(outcome, NotNeeded):
        event = event_of(operation, Verb.CLOSED, now=now, code=outcome.code, message=message)
        return _Move.of(operation, OperationStatus.CLOSED, {"manual_note": message, "settled_at": now}, event)
    values = {"error_code": code, "error_message": message}
    if isinstance(outcome, Waits):
        return _wait(operation, values, max(outcome.until, now), now)
    status, verb, wait = _what_follows(operation, outcome)
    values["not_before"] = now + wait
    if isinstance(outcome, TryLater) and outcome.target_down:
        values["attempts"] = max(operation.attempts - 1, 0)  # an outage is not the operation's fault
    event = event_of(operation, verb, now=now, code=code, message=message)
    return _Move.of(operation, status, values, event)


def _wait(operation: Operation, values: dict[str, Any], until: datetime, now: datetime) -> _Move:
    """Waiting is not an attempt. The history says once for what, however often the operation looks."""
    event = None
    if (values["error_code"], values["error_message"]) != (operation.error_code, operation.error_message):
        code, message = values["error_code"], values["error_message"]
        event = event_of(operation, Verb.AWAITS, now=now, code=code, message=message)
    values["not_before"] = until
    if operation.status == OperationStatus.RUNNING:
        values["attempts"] = max(operation.attempts - 1, 0)
    return _Move.of(operation, OperationStatus.WAITING, values, event)


def _what_follows(
    operation: Operation, outcome: NeedsPerson | TryLater | NotKnown
) -> tuple[str, Verb, timedelta]:
    if isinstance(outcome, NeedsPerson):
        return OperationStatus.ATTENTION, Verb.STOPPED, timedelta(0)
    retry_seconds = int(settings.FULFILMENT["retry_seconds"])
    if isinstance(outcome, NotKnown):
        return (
            OperationStatus.OUTCOME_UNKNOWN,
            Verb.UNKNOWN,
            _back_off(_LOOK_AGAIN_SECONDS, operation.attempts),
        )
    if outcome.target_down:  # the breaker decides how often the target is asked
        return OperationStatus.WAITING, Verb.WAITS, timedelta(seconds=retry_seconds)
    return OperationStatus.WAITING, Verb.WAITS, _back_off(retry_seconds, operation.attempts)


def _back_off(seconds: int, attempts: int) -> timedelta:
    """Twice as long with each attempt, ten minutes at most, without end."""
    return min(timedelta(seconds=seconds) * 2 ** min(max(attempts - 1, 0), 12), _LONGEST_WAIT)
