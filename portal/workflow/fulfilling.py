"""From approval to operations, and from settled operations back to the application (ACC-05)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, time
from typing import Any

from django.db.models import Exists, F, Func, JSONField, OuterRef, Value
from django.utils.translation import gettext as _

from portal.common.time import JST, today
from portal.fulfilment import registry
from portal.fulfilment import services as fulfilment
from portal.fulfilment.models import SETTLED, Operation, OperationStatus
from portal.workflow import kinds, people, records
from portal.workflow.models import FINAL, Application, ApplicationLine, Status
from portal.workflow.reports import making
from portal.workflow.verbs import Verb

_VERBS = {
    Status.FULFILLING: Verb.CONTINUED,
    Status.PARTLY_COMPLETED: Verb.PARTLY_COMPLETED,
    Status.NEEDS_ATTENTION: Verb.NEEDS_ATTENTION,
    Status.COMPLETED: Verb.COMPLETED,
    Status.NOT_DONE: Verb.NOT_DONE,
}
_WAITS_FOR_PERSON = frozenset({OperationStatus.ATTENTION, OperationStatus.MANUAL})


def start(application: Application, now: datetime) -> None:
    """Queue one operation per line and target, in the transaction of the last approval."""
    kind = kinds.get(application.kind)
    targets = targets_of(kind)
    not_before = effective_from(application, now)
    lines = application.lines.values_list("pk", "subject")
    fulfilment.enqueue_all(
        orders=[fulfilment.Order(line_id=pk, target=t, subject=s) for pk, s in lines for t in targets],
        organisation_id=application.organisation_id,
        kind=application.kind,
        application_number=application.number,
        now=now,
        not_before=not_before,
    )
    if not targets:  # the approval itself is the result
        application.lines.update(is_open=False)
        _settle(application, Status.COMPLETED, now)


def targets_of(kind: kinds.ApplicationKind[Any]) -> tuple[str, ...]:
    """Where a kind is carried out in this installation, as it is now: a target that it does not have is left out."""
    return tuple(target for target in kind.targets if registry.is_in_use(target))


def effective_from(application: Application, now: datetime) -> datetime:
    """When the lines are carried out: at once, or at the beginning of the effective date in Japan (発効日)."""
    if application.desired_on is None:
        return now
    return max(now, datetime.combine(application.desired_on, time(), JST))


def enqueue_step(
    line: ApplicationLine, *, target: str, step: str, now: datetime, not_before: datetime | None = None
) -> Operation:
    """Queue a later step of a line, also one of an application that is finished: its status does not change any more.

    Raises django.db.IntegrityError when the line has this step already.
    """
    application = line.application
    return fulfilment.enqueue(
        line_id=line.pk,
        organisation_id=line.organisation_id,
        kind=application.kind,
        target=target,
        application_number=application.number,
        subject=line.subject,
        now=now,
        not_before=not_before,
        step=step,
    )


def operations_settled(operations: Sequence[Operation], now: datetime) -> None:
    """Bring applications up to date when operations changed their status.

    Runs in the transaction of that change, which holds the operations' rows: operations before application, always.
    """
    by_application: dict[int, list[Operation]] = {}
    for operation in operations:
        if operation.status != OperationStatus.RUNNING:  # claimed: nothing is known that was not known before
            by_application.setdefault(operation.line.application_id, []).append(operation)
    for application_id in sorted(by_application):  # a line never leaves its application
        _bring_up_to_date(application_id, by_application[application_id], now)


def _bring_up_to_date(application_id: int, operations: Sequence[Operation], now: datetime) -> None:
    application = records.lock(application_id)
    if ends := [operation for operation in operations if operation.status in SETTLED]:
        _note_results(ends, now)
    if application.status in FINAL:
        return
    status = status_of(_operation_statuses(application))
    if status != application.status:
        _settle(application, status, now)


def status_of(statuses: Sequence[str]) -> Status:
    """What the statuses of all its operations make of an application."""
    present = set(statuses)
    if present & _WAITS_FOR_PERSON:
        return Status.NEEDS_ATTENTION
    if present <= set(SETTLED):
        return Status.COMPLETED if OperationStatus.DONE in present else Status.NOT_DONE
    return Status.PARTLY_COMPLETED if OperationStatus.DONE in present else Status.FULFILLING


def _operation_statuses(application: Application) -> list[str]:
    # The distinct ones, by the number: a thousand operations ask this when they are settled.
    operations = Operation.system.filter(application_number=application.number, step="")
    return list(operations.order_by().values_list("status", flat=True).distinct())


def _note_results(operations: Sequence[Operation], now: datetime) -> None:
    """Write what became of the lines, and free the name of each once all its operations are settled (ACC-06)."""
    alike: dict[tuple[str, str, str], list[int]] = {}
    for operation in operations:
        key = f"{operation.target}:{operation.step}" if operation.step else operation.target
        reason = operation.manual_note if operation.status == OperationStatus.CLOSED else ""
        alike.setdefault((key, operation.status, reason), []).append(operation.line_id)
    unsettled = Operation.system.filter(line=OuterRef("pk"), step="").exclude(status__in=SETTLED)
    for (key, status, reason), lines in alike.items():
        result = {key: {"status": status, "at": now.isoformat(), "reason": reason}}
        ApplicationLine.system.filter(pk__in=lines).order_by().update(
            result=_Merged(F("result"), Value(result, JSONField())), is_open=Exists(unsettled)
        )


class _Merged(Func):
    """One JSON object with the keys of another written over it, as the row stands in the instant of the update."""

    template = "%(expressions)s"
    arg_joiner = " || "
    output_field = JSONField()


def _settle(application: Application, status: Status, now: datetime) -> None:
    before = application.status
    application.move_to(status)
    if status in FINAL:
        application.completed_at = now
        _report(application, now)
    records.save(application, "status", "completed_at", "report")
    records.record(application, _VERBS[status], actor=None, now=now, from_status=before)
    if status == Status.NEEDS_ATTENTION:
        records.tell(application, "application_needs_attention", people.operators(today(now)).values(), now)


def _report(application: Application, now: datetime) -> None:
    """The result report and the mail that carries it, with the end of the application or not at all (ACC-04, REQ-12)."""
    lines = making.carried_out_of(application)
    notice = records.tell_one(
        application,
        "application_completed",
        application.applicant,
        now,
        outcome=application.status,
        not_done=making.not_done(lines),
    )
    making.issue(application, lines=lines, notice=notice, now=now)


def result_text(line: ApplicationLine) -> str:
    """What became of a line, for its page; "" while it is open."""
    results = line.result.values()
    if not results or line.is_open:
        return ""
    reasons = [result["reason"] for result in results if result["status"] == OperationStatus.CLOSED]
    return _("Not done: %(reason)s") % {"reason": " ".join(filter(None, reasons))} if reasons else _("Done")
