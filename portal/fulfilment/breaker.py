"""The circuit breaker of a target: while AD is down nothing is tried but one probe at a time (ACC-12)."""

from __future__ import annotations

import contextlib
import enum
from collections.abc import Iterator
from contextvars import ContextVar
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import F

from portal.fulfilment.models import TargetState
from portal.gateways import clock
from portal.gateways.directory import DirectoryUnavailable
from portal.notices import services as notices
from portal.orgs import selectors

DIRECTORY = "directory"  # the target that signs in as the service account
PAUSED = "paused"  # nothing was tried, so nothing was learned

_probing: ContextVar[bool] = ContextVar("probing", default=False)
_LONGEST_PAUSE = timedelta(minutes=10)
_SUCCESS_NOTED_EVERY = timedelta(minutes=1)


class Gate(enum.Enum):
    """Whether a worker may claim work of a target now."""

    OPEN = "open"  # go on
    PROBE = "probe"  # this worker, and no other, asks first whether the target answers
    SHUT = "shut"


def is_credentials_refusal(code: str) -> bool:
    """Whether the target refused the service account itself: LDAP result 49, or the plain word "auth".

    Trying again would lock that account, so the breaker opens at the first one.
    """
    return code == "auth" or code.split("/", 1)[0] == "49"


def state_of(target: str) -> TargetState:
    """The stored state; a target that was never called has an unsaved, closed one."""
    return TargetState.objects.filter(target=target).first() or TargetState(target=target)


def gate(state: TargetState, now: datetime) -> Gate:
    """Ask for permission to call the target. PROBE is given to one caller; the next one is due later."""
    if not state.is_open:
        return Gate.OPEN
    if not is_worth_trying(state, now):
        return Gate.SHUT
    # Compare-and-set: of all workers that see the probe due, one moves the date.
    won = TargetState.objects.filter(
        target=state.target, paused_at=None, opened_at__isnull=False, next_probe_at=state.next_probe_at
    ).update(next_probe_at=now + _probe_pause(state.failures))
    return Gate.PROBE if won else Gate.SHUT


def is_worth_trying(state: TargetState | None, now: datetime) -> bool:
    """Whether a worker that is called now could do anything: the breaker is closed, or a probe is due."""
    if state is None or not state.is_open:
        return True
    return state.paused_at is None and state.next_probe_at is not None and state.next_probe_at <= now


def note_success(state: TargetState, now: datetime) -> None:
    """The target answered: the breaker closes, unless it was opened since `state` was read, which was before the call.

    A target that is known to be well is written down once a minute, not with every operation.
    """
    noted = state.last_success_at
    if (
        not state.failures
        and not state.opened_at
        and noted is not None
        and now - noted < _SUCCESS_NOTED_EVERY
    ):
        return
    values = {"failures": 0, "opened_at": None, "next_probe_at": None, "reason": "", "last_success_at": now}
    rows = TargetState.objects.filter(target=state.target)
    if not state.opened_at:
        rows = rows.filter(opened_at=None)
    if not rows.update(**values):
        TargetState.objects.get_or_create(target=state.target, defaults=values)


def note_failure(target: str, now: datetime, *, code: str, message: str) -> None:
    """The target did not answer. After enough failures in a row, or a refused service account, the breaker opens."""
    if code == PAUSED:
        return
    with transaction.atomic():
        TargetState.objects.get_or_create(target=target)
        TargetState.objects.filter(target=target).update(
            failures=F("failures") + 1, reason=_reason(code, message)
        )
        state = TargetState.objects.select_for_update(no_key=True).get(target=target)
        refused = is_credentials_refusal(code)
        if not refused and state.failures < settings.FULFILMENT["breaker_failures"]:
            return
        if refused and state.opened_at is None:
            _tell_operators(target, code, now)  # once: it stays open until the account is let in again
        state.opened_at = state.opened_at or now
        state.next_probe_at = now + (_LONGEST_PAUSE if refused else _probe_pause(state.failures))
        state.save(update_fields=["opened_at", "next_probe_at"])


@contextlib.contextmanager
def probing() -> Iterator[None]:
    """The one probe that `gate` gave away: within it the service account may be tried."""
    token = _probing.set(True)
    try:
        yield
    finally:
        _probing.reset(token)


class ServiceAccountGuard:
    """Every bind of the service account in every process, of workers and of screens alike, minds this breaker.

    Once the account was refused nobody tries it but one probe every ten minutes: more would lock it (ACC-12).
    """

    def require(self) -> None:
        """See portal.gateways._ldap3_connection.Guard."""
        state = state_of(DIRECTORY)
        if _probing.get() or not state.is_open or not is_credentials_refusal(state.reason.partition(" ")[0]):
            return
        if gate(state, clock.now()) is not Gate.PROBE:
            raise DirectoryUnavailable("the service account was refused before", code=PAUSED)

    def accepted(self) -> None:
        """A screen's probe was let in: the queue may go on."""
        if not _probing.get() and (state := state_of(DIRECTORY)).is_open:
            note_success(state, clock.now())

    def refused(self, code: str, message: str) -> None:
        """Told at once, not when somebody's work fails for it."""
        note_failure(DIRECTORY, clock.now(), code=code, message=message)


def _tell_operators(target: str, code: str, now: datetime) -> None:
    for operator in selectors.operators(now):
        notices.queue(
            template="target_refused",
            now=now,
            organisation_id=operator.organisation_id,
            to_user=operator,
            context={"target": target, "code": code},
        )


def _probe_pause(failures: int) -> timedelta:
    """Longer with each failed probe, ten minutes at most."""
    beyond = min(max(failures - int(settings.FULFILMENT["breaker_failures"]), 0), 10)
    pause = timedelta(seconds=int(settings.FULFILMENT["breaker_probe_seconds"])) * 2**beyond
    return min(pause, _LONGEST_PAUSE)


def _reason(code: str, message: str) -> str:
    return f"{code} {message}".strip()[:500]
