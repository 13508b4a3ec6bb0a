"""Carrying out operations: claim, let the handler act without any lock, record what is known afterwards."""

from __future__ import annotations

import logging
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from django.conf import settings
from django.db import connections, transaction
from django.db.models import Max
from django.utils.translation import gettext as _

from portal.common.text import without_control_characters
from portal.fulfilment import breaker, registry
from portal.fulfilment.claiming import HeldRun, NowFn, add_event, claim
from portal.fulfilment.errors import LeaseLost
from portal.fulfilment.freezes import holding
from portal.fulfilment.models import Operation, OperationEvent, OperationStatus, TargetState
from portal.fulfilment.registry import Done, NeedsPerson, NotKnown, NotNeeded, Outcome, TryLater, Waits
from portal.fulfilment.verbs import BY_A_PERSON, Verb

log = logging.getLogger(__name__)

DRAIN_LIMIT = 200
HANDLER_FAILURES_ALLOWED = 5
LEASE_LOSSES_ALLOWED = 10
_LONGEST_WAIT = timedelta(minutes=10)
_LOOK_AGAIN_SECONDS = 5
_HANDLER_ERROR = "handler_error"

# For the application these are one: the portal is still at work.
_AT_WORK = frozenset({OperationStatus.WAITING, OperationStatus.RUNNING, OperationStatus.OUTCOME_UNKNOWN})


def drain(target: str, *, limit: int = DRAIN_LIMIT, now_fn: NowFn, hands: int = 1) -> int:
    """Carry out what is due, `limit` at most; how many were carried out.

    With more than one hand, each works in a thread with connections of its own: while one waits for the target, the
    others read back, mail and record. Claims keep them apart, as they keep processes apart.
    """
    share = -(-limit // hands)  # rounded up, so that a full round is never mistaken for an empty queue
    others = [_pool(hands).submit(_as_another_hand, target, share, now_fn) for _ in range(hands - 1)]
    count = _drain_alone(target, share, now_fn) + sum(other.result() for other in others)
    registry.tell_drained(target, now_fn())
    return count


@cache
def _pool(hands: int) -> ThreadPoolExecutor:
    """The further hands of this process; they stay, and so do their connections to the target and the mail server."""
    return ThreadPoolExecutor(hands - 1, thread_name_prefix="hand")


def _drain_alone(target: str, limit: int, now_fn: NowFn) -> int:
    count = 0
    while count < limit and run_next(target=target, now_fn=now_fn) is not None:
        count += 1
    return count


def _as_another_hand(target: str, limit: int, now_fn: NowFn) -> int:
    try:
        return _drain_alone(target, limit, now_fn)
    finally:
        connections.close_all()  # to the database, and only this thread's


def run_next(*, target: str, now_fn: NowFn) -> Operation | None:
    """Claim one due operation, run its handler and record the outcome; None when there is nothing to do now.

    Returns the operation as this worker last knew it, also when somebody took it away meanwhile.
    """
    state = breaker.state_of(target)
    passage = breaker.gate(state, now_fn())
    if passage is breaker.Gate.SHUT or (passage is breaker.Gate.PROBE and not _probe(state, now_fn)):
        return None
    operation = claim(target, now_fn())
    if operation is None:
        return None
    outcome = _run_handler(operation, now_fn)
    if outcome is not None and _record(operation, outcome, now_fn()):
        _feed_breaker(state, outcome, now_fn())
    return operation


def expire_lease(operation: Operation, now: datetime) -> None:
    """Put a running operation back whose worker did not come back. The caller holds the row lock.

    An operation that loses its worker again and again is not fed to another one: a person decides.
    """
    operation.fence += 1
    losses = _count_since_a_person(operation, Verb.LEASE_EXPIRED) + 1
    add_event(operation, Verb.LEASE_EXPIRED, now=now, data={"fence": operation.fence})
    if losses >= LEASE_LOSSES_ALLOWED:
        message = _(
            "The worker that carried this out was lost several times. Look at the target, then decide."
        )
        _settle(operation, NeedsPerson(code="lease_lost", message=message), now)
        return
    operation.status = OperationStatus.OUTCOME_UNKNOWN
    operation.error_code, operation.error_message = "lease_expired", _("The worker did not come back.")
    operation.not_before, operation.lease_until = now, None
    operation.save(
        update_fields=["fence", "status", "error_code", "error_message", "not_before", "lease_until"]
    )


def change_status(operation: Operation, status: str, now: datetime, **values: Any) -> None:
    """Write a new status of an operation whose row lock the caller holds, and tell whom it concerns.

    Told are changes that matter to the application: a move among waiting, running and unknown is not one.
    """
    was_at_work = operation.status in _AT_WORK
    values |= {"status": status, "lease_until": None}
    for name, value in values.items():
        setattr(operation, name, value)
    operation.save(update_fields=[*values, "fence"])
    if not (was_at_work and status in _AT_WORK):
        registry.tell_settled(operation, now)


def _probe(state: TargetState, now_fn: NowFn) -> bool:
    """Half-open: ask once whether the target answers."""
    try:
        with breaker.probing():
            registry.handler_of_target(state.target).ping()
    except Exception as error:  # whatever a target throws, it is not there
        code = str(getattr(error, "code", "") or type(error).__name__)
        breaker.note_failure(state.target, now_fn(), code=code, message=_("The target does not answer."))
        return False
    breaker.note_success(state, now_fn())
    return True


def _run_handler(operation: Operation, now_fn: NowFn) -> Outcome | None:
    """The handler's outcome; None when the lease was lost and nothing may be recorded."""
    if frozen_by := getattr(operation, "frozen_by", None):
        return holding.waits(frozen_by)
    try:
        handler = registry.handler_for(operation.kind, operation.target, operation.step)
    except KeyError:
        return NeedsPerson(code="no_handler", message=_("Nothing is installed that could carry this out."))
    try:
        waits = registry.held_back(operation, now_fn())
        return waits if waits is not None else handler.run(HeldRun(operation, now_fn))
    except LeaseLost:
        log.warning("operation %s was taken away from this worker", operation.pk)
        return None
    except Exception as error:
        # The text and the values of an unexpected error may hold anything, a password too (ACC-10): only its class is kept.
        log.error("operation %s: %s in its handler", operation.pk, type(error).__name__)
        return _after_error(operation, type(error).__name__, now_fn())


def _after_error(operation: Operation, name: str, now: datetime) -> Outcome:
    failures = _count_since_a_person(operation, Verb.HANDLER_FAILED) + 1
    add_event(operation, Verb.HANDLER_FAILED, now=now, code=name)
    if failures >= HANDLER_FAILURES_ALLOWED:
        message = _("An unexpected error (%(name)s) came up several times. Look at the target, then decide.")
        return NeedsPerson(code=_HANDLER_ERROR, message=message % {"name": name})
    return NotKnown(
        code=_HANDLER_ERROR, message=_("An unexpected error (%(name)s) came up.") % {"name": name}
    )


def _count_since_a_person(operation: Operation, verb: Verb) -> int:
    events = OperationEvent.system.filter(operation=operation)
    last = events.filter(verb__in=BY_A_PERSON).aggregate(last=Max("pk"))["last"] or 0
    return events.filter(verb=verb, pk__gt=last).count()


def _record(operation: Operation, outcome: Outcome, now: datetime) -> bool:
    """Write the outcome if this worker still holds the operation; a late worker writes nothing and gets False."""
    with transaction.atomic():
        mine = Operation.system.filter(
            pk=operation.pk, fence=operation.fence, status=OperationStatus.RUNNING
        ).select_for_update(no_key=True)
        if not mine.values_list("pk").first():
            log.warning("operation %s: the outcome of a late worker is dropped", operation.pk)
            return False
        _settle(operation, outcome, now)
    return True


def _settle(operation: Operation, outcome: Outcome, now: datetime) -> None:
    """Status, history and telling for an outcome; the caller holds the row lock."""
    if isinstance(outcome, Done):
        values: dict[str, Any] = {
            "error_code": "",
            "error_message": "",
            "evidence": outcome.evidence,
            "settled_at": now,
        }
        add_event(operation, Verb.DONE, now=now, data=outcome.evidence)
        change_status(operation, OperationStatus.DONE, now, **values)
        return
    if isinstance(outcome, NotNeeded):
        reason = without_control_characters(outcome.message)[:1000]
        add_event(operation, Verb.CLOSED, now=now, code=outcome.code, message=reason)
        change_status(operation, OperationStatus.CLOSED, now, manual_note=reason, settled_at=now)
        return
    if isinstance(outcome, Waits):
        _wait(operation, outcome, now)
        return
    status, verb, wait = _what_follows(operation, outcome)
    code, message = outcome.code[:60], without_control_characters(outcome.message)[:1000]
    values = {"error_code": code, "error_message": message, "not_before": now + wait}
    if isinstance(outcome, TryLater) and outcome.target_down:
        values["attempts"] = max(operation.attempts - 1, 0)  # an outage is not the operation's fault
    add_event(operation, verb, now=now, code=code, message=message)
    change_status(operation, status, now, **values)


def _wait(operation: Operation, outcome: Waits, now: datetime) -> None:
    """Waiting is not an attempt. The history says once for what, however often the operation looks."""
    code, message = outcome.code[:60], without_control_characters(outcome.message)[:1000]
    if (code, message) != (operation.error_code, operation.error_message):
        add_event(operation, Verb.AWAITS, now=now, code=code, message=message)
    values = {
        "error_code": code,
        "error_message": message,
        "not_before": max(outcome.until, now),
        "attempts": max(operation.attempts - 1, 0),
    }
    change_status(operation, OperationStatus.WAITING, now, **values)


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


def _feed_breaker(state: TargetState, outcome: Outcome, now: datetime) -> None:
    """What an outcome says about the target. An unexpected error of ours says nothing about it."""
    if isinstance(outcome, Done):
        breaker.note_success(state, now)
    elif (isinstance(outcome, NotKnown) and outcome.code != _HANDLER_ERROR) or (
        isinstance(outcome, TryLater) and outcome.target_down
    ):
        breaker.note_failure(state.target, now, code=outcome.code, message=outcome.message)
