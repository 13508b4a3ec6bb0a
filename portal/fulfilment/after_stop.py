"""After a stop: what people did by hand while the portal stood still is recognised by its marker, verified and recorded (ACC-12)."""

from __future__ import annotations

import logging
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from portal.fulfilment import gate, registry
from portal.fulfilment.claiming import HeldRun, add_event
from portal.fulfilment.models import QUEUED, Operation, OperationStatus
from portal.fulfilment.registry import Done, Outcome
from portal.fulfilment.running import change_status
from portal.fulfilment.verbs import Verb

log = logging.getLogger(__name__)


def record_done_by_hand(now: datetime) -> gate.CheckResult:
    """Every queued operation whose target shows that somebody did it becomes done; the others stay in the queue.

    Only what proves itself counts: an object that carries the marker of this very operation (printed on its work sheet). A
    target that does not answer leaves the check incomplete.
    """
    found, unanswered, looked = 0, 0, 0
    for operation in _queued():
        outcome = _recognise(operation, now)
        looked += outcome is not None
        if isinstance(outcome, Done):
            found += _settle(operation, outcome, now)
        elif outcome is not None and not isinstance(outcome, registry.NeedsPerson):
            unanswered += 1
    summary = _(
        "Looked at %(looked)s waiting operations: %(found)s were done by hand, %(unanswered)s without an answer."
    )
    counts = {"looked": looked, "found": found, "unanswered": unanswered}
    return gate.CheckResult(complete=unanswered == 0, summary=summary % counts, detail=counts)


def _queued() -> list[Operation]:
    rows = Operation.system.select_related("line__application", "organisation")
    return list(rows.filter(status__in=QUEUED).order_by("pk"))


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


@transaction.atomic
def _settle(seen: Operation, outcome: Done, now: datetime) -> bool:
    operation = Operation.system.select_for_update(of=("self",), no_key=True).get(pk=seen.pk)
    if operation.fence != seen.fence or operation.status not in QUEUED:
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
