"""After a stop: what people did by hand while the portal stood still is recognised by its marker, verified and recorded (ACC-12)."""

from __future__ import annotations

import logging
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from portal.fulfilment import gate, registry
from portal.fulfilment.claiming import HeldRun, add_event
from portal.fulfilment.models import QUEUED, Operation, OperationStatus
from portal.fulfilment.recording import change_status
from portal.fulfilment.registry import Done, NeedsPerson, Outcome
from portal.fulfilment.verbs import Verb

log = logging.getLogger(__name__)


def record_done_by_hand(now: datetime) -> gate.CheckResult:
    """Every due operation whose target shows that somebody did it becomes done, or goes to a person when it was done otherwise.

    Only what proves itself counts: an object that carries the marker of this very operation (printed on its work sheet).
    What cannot be told stays in the queue. A target that does not answer leaves the check incomplete.
    """
    counts = {"looked": 0, "found": 0, "differing": 0, "unanswered": 0}
    for operation in _due(now):
        outcome = _recognise(operation, now)
        counts["looked"] += 1
        if isinstance(outcome, Done):
            counts["found"] += _settle(operation, outcome, now)
        elif isinstance(outcome, NeedsPerson):
            counts["differing"] += _stop(operation, outcome, now)
        elif outcome is not None:
            counts["unanswered"] += 1
    summary = _(
        "Looked at %(looked)s waiting operations: %(found)s were done by hand, %(differing)s otherwise than approved, "
        "%(unanswered)s without an answer."
    )
    return gate.CheckResult(complete=not counts["unanswered"], summary=summary % counts, detail=counts)


def _due(now: datetime) -> list[Operation]:
    """What the queue would do now; what waits for its date looks for itself on that day."""
    rows = Operation.system.select_related("line__application", "organisation")
    return list(rows.filter(status__in=QUEUED, not_before__lte=now).order_by("pk"))


def _recognise(operation: Operation, now: datetime) -> Outcome | None:
    """What the target says about this operation; None when its handler cannot tell by reading alone."""
    try:
        handler = registry.handler_for(operation.kind, operation.target, operation.step)
    except KeyError:
        return None
    recognise = getattr(handler, "recognise", None)
    if recognise is None:
        return None
    try:
        outcome: Outcome | None = recognise(HeldRun(operation, lambda: now))
    except Exception as error:
        log.error("operation %s: %s while it was looked for", operation.pk, type(error).__name__)
        return registry.NotKnown(code="handler_error", message="")
    return outcome


def _still_queued(seen: Operation) -> Operation | None:
    """The operation under its lock, unless somebody took it since it was looked at."""
    rows = Operation.system.select_for_update(of=("self",), no_key=True)
    return rows.filter(pk=seen.pk, fence=seen.fence, status__in=QUEUED).first()


@transaction.atomic
def _stop(seen: Operation, outcome: NeedsPerson, now: datetime) -> bool:
    """Done by hand, but not as it was approved: written again it would be there twice."""
    operation = _still_queued(seen)
    if operation is None:
        return False
    add_event(operation, Verb.STOPPED, now=now, code=outcome.code, message=outcome.message)
    operation.fence += 1
    change_status(
        operation, OperationStatus.ATTENTION, now, error_code=outcome.code, error_message=outcome.message
    )
    return True


@transaction.atomic
def _settle(seen: Operation, outcome: Done, now: datetime) -> bool:
    operation = _still_queued(seen)
    if operation is None:
        return False
    message = _("Done by hand while the portal stood still; recognised by its marker.")
    add_event(operation, Verb.VERIFIED, now=now, message=message, data=outcome.evidence)
    operation.fence += 1
    change_status(
        operation,
        OperationStatus.DONE,
        now,
        evidence=outcome.evidence,
        settled_at=now,
        manual_note=message,
        error_code="",
        error_message="",
    )
    return True
