"""Writing the register of machines under a service: only when what was approved was done and recorded as done (REQ-12)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from portal.common.text import search_key
from portal.fulfilment.models import Operation, OperationStatus
from portal.orgs.models import Organisation
from portal.workflow import kinds
from portal.workflow.models import ApplicationLine
from requests.managed.checks import standing_problem
from requests.managed.models import ManagedMachine, ManagedMachineEvent, Service
from requests.managed.payloads import Action, ManagedLine

SERVICES: dict[str, Service] = {
    "requests.antivirus": Service.ANTIVIRUS,
    "requests.monitoring": Service.MONITORING,
}
_VERBS = {
    Action.ADD: ManagedMachineEvent.Verb.ADDED,
    Action.CHANGE: ManagedMachineEvent.Verb.CHANGED,
    Action.REMOVE: ManagedMachineEvent.Verb.REMOVED,
}


def payload_of(line: ApplicationLine) -> ManagedLine:
    """What a line says."""
    payload: ManagedLine = kinds.get(line.application.kind).load(line.payload, line.payload_version)
    return payload


def problem_of(line: ApplicationLine) -> str:
    """Why what was done cannot be entered; "" when it can, also when it is entered already."""
    if ManagedMachineEvent.system.filter(line=line).exists():
        return ""
    payload, service = payload_of(line), SERVICES[line.application.kind]
    rows = ManagedMachine.system.filter(
        service=service, organisation_id=line.organisation_id, key=payload.key, state="MANAGED"
    )
    return standing_problem(rows.first(), payload)


def enter_results(operations: Sequence[Operation], now: datetime) -> None:
    """Enter what operations did, in the very transaction in which they become done (portal.fulfilment.registry.on_settled).

    The row is locked; a line is entered once. What was recorded as done is entered whatever the register said before:
    the machine is as its last finished application made it.
    """
    for operation in operations:
        if operation.kind in SERVICES and operation.status == OperationStatus.DONE:
            _enter(operation, now)


def _enter(operation: Operation, now: datetime) -> None:
    line = operation.line
    if ManagedMachineEvent.system.filter(line=line).exists():
        return
    payload, service = payload_of(line), SERVICES[operation.kind]
    machine = _locked(service, line, payload, now)
    if payload.action == Action.REMOVE:
        machine.state, machine.removed_at = ManagedMachine.State.REMOVED, now
    else:
        _take_over(machine, payload, now)
    machine.last_line = line
    machine.search_text = managed_search_text(machine)
    machine.save()
    _note(machine, operation, payload, now)


def _locked(service: Service, line: ApplicationLine, payload: ManagedLine, now: datetime) -> ManagedMachine:
    rows = ManagedMachine.system.select_for_update(no_key=True, of=("self",))
    key = {"service": service, "organisation_id": line.organisation_id, "key": payload.key}
    machine: ManagedMachine | None = rows.filter(**key).first()
    return machine or ManagedMachine(**key, since=now)


def _take_over(machine: ManagedMachine, payload: ManagedLine, now: datetime) -> None:
    if machine.state == ManagedMachine.State.REMOVED:
        machine.since = now
    machine.state, machine.removed_at = ManagedMachine.State.MANAGED, None
    machine.name, machine.category, machine.place = payload.name, payload.category, payload.place
    machine.operating_system = getattr(payload, "operating_system", "")
    machine.address = getattr(payload, "address", "") or None
    machine.items = list(getattr(payload, "items", ()))
    machine.settings = getattr(payload, "settings", "")


def _note(machine: ManagedMachine, operation: Operation, payload: ManagedLine, now: datetime) -> None:
    line, evidence = operation.line, operation.evidence
    plan: dict[str, Any] = line.plan or {}
    ManagedMachineEvent.system.create(
        machine=machine,
        organisation_id=machine.organisation_id,
        line=line,
        at=now,
        recorded_by_id=operation.taken_by_id,
        done_at=datetime.fromisoformat(evidence["done_at"]) if evidence.get("done_at") else None,
        done_by=evidence.get("done_by", ""),
        verb=_VERBS[Action(payload.action)],
        application_number=operation.application_number,
        changes=[
            {"label": change["label"], "before": list(change["before"]), "after": list(change["after"])}
            for change in plan.get("changes", ())
        ],
        note=evidence.get("done", ""),
        seen=evidence.get("seen", ""),
    )


def managed_search_text(machine: ManagedMachine) -> str:
    """The folded text that searches look into."""
    name = Organisation.objects.get(pk=machine.organisation_id).name
    return search_key(
        machine.name, machine.operating_system, machine.address or "", machine.place, machine.settings, name
    )
