"""Carrying out operations: claim, let the handler act without any lock, record what is known afterwards."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from django.db import connections
from django.utils.translation import gettext as _

from portal.fulfilment import breaker, registry
from portal.fulfilment.claiming import HeldRun, NowFn, add_event, begin, claim, give_back
from portal.fulfilment.errors import LeaseLost
from portal.fulfilment.freezes import holding
from portal.fulfilment.models import Operation, TargetState
from portal.fulfilment.recording import Result, count_since_a_person, record
from portal.fulfilment.registry import Done, NeedsPerson, NotKnown, Outcome, TryLater
from portal.fulfilment.verbs import Verb

log = logging.getLogger(__name__)

DRAIN_LIMIT = 200
HANDLER_FAILURES_ALLOWED = 5
_HANDLER_ERROR = "handler_error"

# Outcomes wait no longer than this for those that are recorded with them. At a slow target each is recorded by itself.
_TOGETHER_FOR = timedelta(seconds=2)


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
    while count < limit:
        worked_on = run_together(target=target, now_fn=now_fn, at_most=limit - count)
        if worked_on is None:
            break
        count += len(worked_on)
    return count


def _as_another_hand(target: str, limit: int, now_fn: NowFn) -> int:
    try:
        return _drain_alone(target, limit, now_fn)
    finally:
        connections.close_all()  # to the database, and only this thread's


def run_next(*, target: str, now_fn: NowFn) -> Operation | None:
    """Carry out one due operation, whatever could be taken with it; None when there is nothing to do now.

    Returns the operation as this worker last knew it, also when somebody took it away meanwhile.
    """
    return next(iter(run_together(target=target, now_fn=now_fn, at_most=1) or ()), None)


def run_together(*, target: str, now_fn: NowFn, at_most: int) -> list[Operation] | None:
    """Claim what may be taken together, carry it out one by one, record the outcomes together (docs/adr/0039).

    None when there is nothing to do now; an empty list when all that was claimed was taken away before it was begun.
    """
    state = breaker.state_of(target)
    passage = breaker.gate(state, now_fn())
    if passage is breaker.Gate.SHUT or (passage is breaker.Gate.PROBE and not _probe(state, now_fn)):
        return None
    claimed = claim(target, now_fn(), at_most)
    if not claimed:
        return None
    begun, results = _carry_out(claimed, now_fn)
    known = {operation.pk for operation in begun} | {operation.pk for operation, _outcome in results}
    give_back([operation for operation in claimed if operation.pk not in known])
    _feed_breaker(state, [outcome for _operation, outcome in record(results, now_fn())], now_fn())
    return [operation for operation in claimed if operation.pk in known]


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


def _carry_out(claimed: Sequence[Operation], now_fn: NowFn) -> tuple[list[Operation], list[Result]]:
    """Those that were begun, and every outcome there is; none of one that was taken away.

    Stops early when the target does not answer, or when it is so slow that what is done should be recorded first.
    """
    since = now_fn()
    shared: dict[str, Any] = {}
    results = _waiting(claimed, since)
    held = {operation.pk for operation, _outcome in results}
    begun: list[Operation] = []
    for operation in claimed:
        if operation.pk in held or not begin(operation, now_fn()):
            continue
        run = HeldRun(operation, now_fn, beside=tuple(begun), shared=shared)
        begun.append(operation)
        outcome = _run_handler(run, now_fn)
        if outcome is not None:
            results.append((operation, outcome))
        if now_fn() - since >= _TOGETHER_FOR or (outcome is not None and _speaks_against(outcome)):
            break
    return begun, results


def _waiting(claimed: Sequence[Operation], now: datetime) -> list[Result]:
    """Those that are not begun now: a freeze holds them, or something else must be done before (registry.hold_back)."""
    results: list[Result] = [(each, holding.waits(each.frozen_by)) for each in claimed if each.frozen_by]  # type: ignore[attr-defined]
    free = [each for each in claimed if not each.frozen_by]  # type: ignore[attr-defined]
    try:
        waits = registry.held_back(free, now)
    except Exception as error:
        return results + [(each, _after_error(each, type(error).__name__, now)) for each in free]
    return results + [(each, waits[each.pk]) for each in free if each.pk in waits]


def _run_handler(run: HeldRun, now_fn: NowFn) -> Outcome | None:
    """The handler's outcome; None when the lease was lost and nothing may be recorded."""
    operation = run.operation
    try:
        handler = registry.handler_for(operation.kind, operation.target, operation.step)
    except KeyError:
        return NeedsPerson(code="no_handler", message=_("Nothing is installed that could carry this out."))
    try:
        return handler.run(run)
    except LeaseLost:
        log.warning("operation %s was taken away from this worker", operation.pk)
        return None
    except Exception as error:
        return _after_error(operation, type(error).__name__, now_fn())


def _after_error(operation: Operation, name: str, now: datetime) -> Outcome:
    """The text and the values of an unexpected error may hold anything, a password too (ACC-10): only its class is kept."""
    log.error("operation %s: %s in its handler", operation.pk, name)
    failures = count_since_a_person(operation, Verb.HANDLER_FAILED) + 1
    add_event(operation, Verb.HANDLER_FAILED, now=now, code=name)
    if failures >= HANDLER_FAILURES_ALLOWED:
        message = _("An unexpected error (%(name)s) came up several times. Look at the target, then decide.")
        return NeedsPerson(code=_HANDLER_ERROR, message=message % {"name": name})
    return NotKnown(
        code=_HANDLER_ERROR, message=_("An unexpected error (%(name)s) came up.") % {"name": name}
    )


def _speaks_against(outcome: Outcome) -> bool:
    """Whether an outcome says that the target does not answer. An unexpected error of ours says nothing about it."""
    if isinstance(outcome, NotKnown):
        return outcome.code != _HANDLER_ERROR
    return isinstance(outcome, TryLater) and outcome.target_down


def _feed_breaker(state: TargetState, outcomes: Sequence[Outcome], now: datetime) -> None:
    """What the outcomes say about the target. One that speaks against it is the last one."""
    if any(isinstance(outcome, Done) for outcome in outcomes):
        breaker.note_success(state, now)
    for outcome in outcomes:
        if isinstance(outcome, NotKnown | TryLater) and _speaks_against(outcome):
            breaker.note_failure(state.target, now, code=outcome.code, message=outcome.message)
