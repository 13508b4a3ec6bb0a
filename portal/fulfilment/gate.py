"""The gate before the queue: after a restore or a long stop the portal looks before it writes (ACC-12).

While the portal stood still, or after yesterday's database was put back, people may have written AD by hand. So nothing is
claimed until every registered check has compared what is known with what the target holds now. A long stop is seen by the
heartbeat of the sweeper; a restore of a younger backup cannot be seen and is told by an operator (`close`).
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction

from portal.common import bell
from portal.common.time import JST
from portal.fulfilment.errors import NotAllowed, TextMissing
from portal.fulfilment.models import QueueGate
from portal.orgs.models import User
from portal.orgs.permissions import RUN_OPERATIONS
from portal.trail import services as trail

log = logging.getLogger(__name__)

CHECK_TASK = "portal.fulfilment.tasks.check_gate"
LONG_STOP, BY_OPERATOR = "long_stop", "operator"
_CHECK_AGAIN_AFTER = timedelta(minutes=30)  # a check that is under way is not begun a second time before
_ONLY = 1


@dataclass(frozen=True, kw_only=True)
class CheckResult:
    """What one check found. Only when all are `complete` does the gate open by itself; `summary` is for operators."""

    complete: bool
    summary: str
    detail: dict[str, Any]


_checks: dict[str, Callable[[datetime], CheckResult]] = {}


def register_check(name: str, check: Callable[[datetime], CheckResult]) -> None:
    """Let a room look at its target before the queue runs again; raises ValueError for a name that is taken.

    Checks run in the order of registration, without any lock, may be interrupted and run again.
    """
    if name in _checks:
        raise ValueError(f"there are two checks {name}")
    _checks[name] = check


def is_closed() -> bool:
    """Whether nothing may be claimed now."""
    return QueueGate.objects.filter(pk=_ONLY, closed_at__isnull=False).exists()


def state() -> QueueGate:
    """The gate as it stands; an unsaved open one before the first heartbeat."""
    return QueueGate.objects.select_related("closed_by", "opened_by").filter(pk=_ONLY).first() or QueueGate()


@transaction.atomic
def beat(now: datetime) -> bool:
    """The sweeper is alive; closes the gate when it was not for longer than the setting. Gives whether it is closed."""
    gate = _locked()
    longest = timedelta(minutes=int(settings.FULFILMENT["gate_after_minutes"]))
    before = gate.heartbeat_at
    if before is not None and now - before > longest and gate.closed_at is None:
        _close(gate, LONG_STOP, None, now, note=f"{before.astimezone(JST):%Y-%m-%d %H:%M}")
    gate.heartbeat_at = max(now, before) if before else now
    gate.save()
    return gate.closed_at is not None


@transaction.atomic
def close(*, actor: User | None, note: str, now: datetime) -> QueueGate:
    """Hold the queue until everything was compared, for example after a backup was put back. Twice is once.

    `actor` is None on the command line, where whoever restores the database is. Raises NotAllowed, TextMissing.
    """
    if actor is not None:
        _require(actor)
    if not note.strip():
        raise TextMissing
    gate = _locked()
    if gate.closed_at is None:
        _close(gate, BY_OPERATOR, actor, now, note=note.strip())
        gate.save()
        bell.ring_on_commit(CHECK_TASK)
    return gate


@transaction.atomic
def open_by_hand(*, actor: User, note: str, now: datetime) -> QueueGate:
    """Let the queue run although the checks did not complete; a person answers for it. Raises NotAllowed, TextMissing."""
    _require(actor)
    if not note.strip():
        raise TextMissing
    gate = _locked()
    if gate.closed_at is not None:
        _open(gate, actor, now, note=note.strip())
    return gate


def run_checks(now: datetime) -> bool:
    """Run every check; open the gate when all are complete. False when it stays closed, or somebody else is at it."""
    closed_at = _begin(now)
    if closed_at is None:
        return False
    report: dict[str, Any] = {}
    complete = True
    for name, check in _checks.items():
        result = _carry_out(name, check, now)
        report[name] = {"complete": result.complete, "summary": result.summary, **result.detail}
        complete = complete and result.complete
    return _finish(closed_at, report, complete, now)


def _carry_out(name: str, check: Callable[[datetime], CheckResult], now: datetime) -> CheckResult:
    try:
        return check(now)
    except Exception as error:
        # As everywhere: the text of an unexpected error may hold personal data, its class does not.
        log.error("check %s before the queue: %s", name, type(error).__name__)
        return CheckResult(complete=False, summary=type(error).__name__, detail={})


@transaction.atomic
def _begin(now: datetime) -> datetime | None:
    gate = _locked()
    if gate.closed_at is None or (gate.checking_since and now - gate.checking_since < _CHECK_AGAIN_AFTER):
        return None
    gate.checking_since = now
    gate.save(update_fields=["checking_since"])
    return gate.closed_at


@transaction.atomic
def _finish(closed_at: datetime, report: dict[str, Any], complete: bool, now: datetime) -> bool:
    gate = _locked()
    gate.checking_since, gate.checked_at, gate.report = None, now, report
    gate.save(update_fields=["checking_since", "checked_at", "report"])
    # Closed anew since the checks began: they know nothing of what happened after.
    if not complete or gate.closed_at != closed_at:
        return False
    _open(gate, None, now, note="")
    return True


def _close(gate: QueueGate, reason: str, actor: User | None, now: datetime, note: str) -> None:
    gate.closed_at, gate.reason, gate.closed_by, gate.note = now, reason, actor, note[:500]
    gate.opened_at = gate.opened_by = gate.checked_at = gate.checking_since = None
    gate.report = {}
    trail.record(
        action="gate.close",
        now=now,
        actor=actor,
        object_type="queue_gate",
        object_id=_ONLY,
        detail={"reason": reason, "note": note[:500]},
    )


def _open(gate: QueueGate, actor: User | None, now: datetime, note: str) -> None:
    gate.closed_at, gate.opened_at, gate.opened_by = None, now, actor
    gate.note = note[:500] or gate.note
    gate.save()
    trail.record(
        action="gate.open",
        now=now,
        actor=actor,
        object_type="queue_gate",
        object_id=_ONLY,
        detail={"report": gate.report, "note": note[:500]},
    )


def _locked() -> QueueGate:
    gate, _made = QueueGate.objects.select_for_update().get_or_create(pk=_ONLY)
    return gate


def _require(actor: User) -> None:
    if not actor.may(RUN_OPERATIONS):
        raise NotAllowed("only people of operations hold or release the queue")
