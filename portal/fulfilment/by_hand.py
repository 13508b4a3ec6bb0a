"""What people of operations do with an operation: take, give back, retry, record as done, close (ACC-12)."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from portal.common import bell, files
from portal.common.files import Upload
from portal.common.text import without_control_characters
from portal.fulfilment import registry
from portal.fulfilment.claiming import HeldRun, add_event
from portal.fulfilment.errors import LeaseLost, MoveNotAllowed, NotAllowed, TextMissing
from portal.fulfilment.models import Operation, OperationFile, OperationStatus, TargetState
from portal.fulfilment.recording import change_status
from portal.fulfilment.registry import Done, NotKnown, Outcome
from portal.fulfilment.verbs import Verb
from portal.orgs.models import User
from portal.orgs.permissions import RUN_OPERATIONS
from portal.trail import services as trail

log = logging.getLogger(__name__)

DRAIN_TASK = "portal.fulfilment.tasks.drain_target"

_S = OperationStatus
MAY_TAKE = frozenset({_S.WAITING, _S.RUNNING, _S.OUTCOME_UNKNOWN, _S.ATTENTION})
MAY_RETRY = frozenset({_S.WAITING, _S.OUTCOME_UNKNOWN, _S.ATTENTION})
MAY_CLOSE = frozenset({_S.WAITING, _S.OUTCOME_UNKNOWN, _S.ATTENTION, _S.MANUAL})


def take_by_hand(*, operation_id: int, actor: User, now: datetime) -> Operation:
    """Take the operation out of the automatic queue in this instant; a worker that runs it loses it.

    Raises NotAllowed, MoveNotAllowed.
    """
    with _locked(operation_id, actor, MAY_TAKE, "take") as operation:
        _log(operation, Verb.TAKEN, actor, now, message=operation.error_message, data=_before(operation))
        operation.fence += 1
        change_status(operation, _S.MANUAL, now, taken_by=actor, taken_at=now)
    return operation


def give_back(*, operation_id: int, actor: User, now: datetime) -> Operation:
    """Let the portal carry it out after all. It looks at the target first, whatever the person did there.

    Raises NotAllowed, MoveNotAllowed.
    """
    with _locked(operation_id, actor, frozenset({_S.MANUAL}), "give_back") as operation:
        _log(operation, Verb.GIVEN_BACK, actor, now)
        operation.fence += 1
        status = _S.OUTCOME_UNKNOWN if operation.attempts else _S.WAITING
        values = {
            "taken_by": None,
            "taken_at": None,
            "not_before": now,
            "error_code": "",
            "error_message": "",
        }
        change_status(operation, status, now, **values)
        bell.ring_on_commit(DRAIN_TASK, operation.target)
    return operation


def retry(*, operation_id: int, actor: User, now: datetime) -> Operation:
    """Try again now instead of later, or after a person put right what was in the way.

    Raises NotAllowed, MoveNotAllowed.
    """
    with _locked(operation_id, actor, MAY_RETRY, "retry") as operation:
        _log(operation, Verb.RETRIED, actor, now, message=operation.error_message, data=_before(operation))
        operation.fence += 1  # a worker may have reserved it
        status = _S.OUTCOME_UNKNOWN if operation.status == _S.OUTCOME_UNKNOWN else _S.WAITING
        change_status(operation, status, now, not_before=now)
        bell.ring_on_commit(DRAIN_TASK, operation.target)
    return operation


def close(*, operation_id: int, actor: User, reason: str, now: datetime) -> Operation:
    """End the operation without result. A running one is taken by hand first.

    Raises NotAllowed, MoveNotAllowed, TextMissing.
    """
    reason = _required(reason)
    with _locked(operation_id, actor, MAY_CLOSE, "close") as operation:
        _log(operation, Verb.CLOSED, actor, now, message=reason)
        operation.fence += 1
        change_status(operation, _S.CLOSED, now, manual_note=reason, settled_at=now)
    return operation


def record_done(
    *,
    operation_id: int,
    actor: User,
    note: str,
    now: datetime,
    attachments: Sequence[Upload] = (),
    **details: str,
) -> Operation:
    """Record that a person carried it out, and verify that by reading the target.

    `details` is what the handler's own record asks for beside the note (registry.Records). `attachments` show what was done: kept
    when it becomes DONE, their hashes stand in the evidence (REQ-12).
    The target is read without any lock. When it holds what was approved the operation becomes DONE with the evidence;
    otherwise it stays MANUAL and error_message says what differs.
    Raises NotAllowed, MoveNotAllowed (also when somebody else changed it during the check), TextMissing, files.FileRefused.
    """
    note, checked = _required(note), files.check(attachments)
    with _locked(operation_id, actor, frozenset({_S.MANUAL}), "record_done") as operation:
        pass
    outcome = _verify(operation, {**details, "note": note, "actor": str(actor.pk)}, now)
    with _locked(operation_id, actor, frozenset({_S.MANUAL}), "record_done") as current:
        if current.fence != operation.fence:
            raise MoveNotAllowed(operation_id, current.status, "record_done")
        current.manual_note = note
        if isinstance(outcome, Done):
            evidence = outcome.evidence
            if checked:
                evidence = {**evidence, "files": _keep(current, checked, actor, now)}
            _log(current, Verb.VERIFIED, actor, now, message=note, data=evidence)
            values = {"evidence": evidence, "settled_at": now, "error_code": "", "error_message": ""}
            change_status(current, _S.DONE, now, manual_note=note, **values)
            return current
        current.error_code = outcome.code[:60]
        current.error_message = without_control_characters(outcome.message)[:1000]
        current.save(update_fields=["manual_note", "error_code", "error_message"])
        _log(current, Verb.NOT_VERIFIED, actor, now, code=current.error_code, message=current.error_message)
    return current


def _keep(
    operation: Operation, checked: Sequence[tuple[str, str, bytes]], actor: User, now: datetime
) -> list[dict[str, str]]:
    """Store the files; their names and hashes for the evidence."""
    made = OperationFile.system.bulk_create(
        OperationFile(
            operation=operation,
            organisation_id=operation.organisation_id,
            name=name,
            content_type=content_type,
            size=len(data),
            sha256=hashlib.sha256(data).hexdigest(),
            data=data,
            added_by=actor,
            added_at=now,
        )
        for name, content_type, data in checked
    )
    return [{"name": file.name, "sha256": file.sha256} for file in made]


def pause_target(*, target: str, actor: User, now: datetime) -> TargetState:
    """Maintenance mode: applications are accepted and approved, nothing is sent to the target. Raises NotAllowed."""
    _require(actor)
    with transaction.atomic():
        state, _made = TargetState.objects.select_for_update().get_or_create(target=target)
        if state.paused_at is None:
            state.paused_by, state.paused_at = actor, now
            state.save(update_fields=["paused_by", "paused_at"])
            trail.record(action="target.pause", now=now, actor=actor, object_type="target", object_id=target)
    return state


def resume_target(*, target: str, actor: User, now: datetime) -> TargetState:
    """End the maintenance mode and try at once whether the target answers. Raises NotAllowed."""
    _require(actor)
    with transaction.atomic():
        state, _made = TargetState.objects.select_for_update().get_or_create(target=target)
        if state.paused_at is not None:
            state.paused_by, state.paused_at = None, None
            state.next_probe_at = now if state.opened_at else None
            state.save(update_fields=["paused_by", "paused_at", "next_probe_at"])
            trail.record(action="target.resume", now=now, actor=actor, object_type="target", object_id=target)
            bell.ring_on_commit(DRAIN_TASK, target)
    return state


@contextmanager
def _locked(
    operation_id: int, actor: User, allowed: frozenset[OperationStatus], step: str
) -> Iterator[Operation]:
    """The operation under its row lock, in a transaction; the operation row is always locked before the application's."""
    _require(actor)
    with transaction.atomic():
        operation = (
            Operation.system.select_for_update(of=("self",), no_key=True)
            .select_related("line__application", "organisation")
            .get(pk=operation_id)
        )
        if operation.status not in allowed:
            raise MoveNotAllowed(operation_id, operation.status, step)
        yield operation


def _require(actor: User) -> None:
    if not actor.may(RUN_OPERATIONS):
        raise NotAllowed("only people of operations carry out operations")


def _required(text: str) -> str:
    text = text.strip()
    if not text:
        raise TextMissing
    return text


def _before(operation: Operation) -> dict[str, str]:
    """What was known before a person stepped in, for the history."""
    return {"status": operation.status, "code": operation.error_code}


def _verify(operation: Operation, recorded: dict[str, str], now: datetime) -> Outcome:
    try:
        handler = registry.handler_for(operation.kind, operation.target, operation.step)
        return handler.verify(HeldRun(operation, lambda: now), recorded)
    except LeaseLost:
        raise MoveNotAllowed(operation.pk, operation.status, "record_done") from None
    except Exception as error:
        # As in running.py: the text of an unexpected error is never kept (ACC-10).
        log.error("operation %s: %s while verifying", operation.pk, type(error).__name__)
        message = _("The check could not be made (%(name)s). Try again later.") % {
            "name": type(error).__name__
        }
        return NotKnown(code="handler_error", message=message)


def _log(
    operation: Operation,
    verb: Verb,
    actor: User,
    now: datetime,
    *,
    code: str = "",
    message: str = "",
    data: dict[str, Any] | None = None,
) -> None:
    add_event(operation, verb, now=now, actor=actor, code=code, message=message, data=data)
    trail.record(
        action=f"operation.{verb}",
        now=now,
        actor=actor,
        object_type="operation",
        object_id=operation.pk,
        object_label=operation.application_number,
        object_organisation_id=operation.organisation_id,
        detail={"kind": operation.kind, "target": operation.target, "code": code}
        if code
        else {"kind": operation.kind},
    )
