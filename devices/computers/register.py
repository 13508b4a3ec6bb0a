"""Writing the register of machines. Every change is history; nothing is ever removed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from copy import copy
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction

from devices.computers import checks
from devices.computers.models import Computer, ComputerEvent, Segment
from devices.computers.payloads import ChangeComputer, RegisterComputer, RetireComputer
from devices.reference import BusinessSystem, ComputerKind, OperatingSystem
from portal.common.search import batched
from portal.common.text import search_key
from portal.common.time import today
from portal.workflow.models import ApplicationLine

_Verb = ComputerEvent.Verb
# Other rooms of this app that keep what a machine is called and where it stands: told in the same transaction.
followers: list[Callable[[Computer], None]] = []


class ComputerNameTaken(Exception):
    """Another machine in use has this name meanwhile."""


class ComputerMissing(Exception):
    """The machine is not in use in the organisation any more."""


class ComputerNeeded(Exception):
    """The machine must stay as it is; the text says why and what to do."""


def enter_computer(*, line: ApplicationLine, payload: RegisterComputer, now: datetime) -> Computer:
    """Enter a machine as approved. Safe to repeat for the same line. Raises ComputerNameTaken."""
    entered: Computer | None = Computer.system.filter(last_line=line).first()
    if entered is not None:
        return entered
    try:
        with transaction.atomic():
            computer = Computer(organisation_id=line.organisation_id, name=payload.name, last_line=line)
            _take_over(computer, payload)
            computer.save()
            _note(computer, line, _Verb.REGISTERED, now)
            return computer
    except IntegrityError as error:
        raise ComputerNameTaken(payload.name) from error


def change_computer(*, line: ApplicationLine, payload: ChangeComputer, now: datetime) -> Computer:
    """Make a machine what was approved. Safe to repeat. Raises ComputerMissing, ComputerNameTaken, ComputerNeeded."""
    try:
        with transaction.atomic():
            changed: Computer | None = Computer.system.filter(last_line=line).first()
            if changed is not None:
                return changed
            computer = _locked(line.organisation_id, payload.name)
            before = copy(computer)
            computer.name, computer.last_line = payload.name_afterwards, line
            _take_over(computer, payload)
            if problems := checks.obstacles_to_becoming(before, computer, today(now)):
                raise ComputerNeeded(" ".join(problems))
            computer.save()
            for follow in followers:
                follow(computer)
            _note(computer, line, _Verb.CHANGED, now)
            return computer
    except IntegrityError as error:
        raise ComputerNameTaken(payload.name_afterwards) from error


@transaction.atomic
def retire_computer(*, line: ApplicationLine, payload: RetireComputer, now: datetime) -> Computer:
    """Enter that a machine was taken away; its name is free from now on. Safe to repeat.

    Raises ComputerMissing, ComputerNeeded.
    """
    retired: Computer | None = Computer.system.filter(last_line=line).first()
    if retired is not None:
        return retired
    computer = _locked(line.organisation_id, payload.name)
    if problem := checks.obstacle_to_retiring_now(computer):
        raise ComputerNeeded(problem)
    computer.state, computer.retired_at, computer.last_line = Computer.State.RETIRED, now, line
    if payload.replaced_by:
        rows = Computer.system.filter(organisation_id=line.organisation_id, name=payload.replaced_by)
        computer.replaced_by = rows.filter(state=Computer.State.IN_USE).first()
    computer.save(update_fields=["state", "retired_at", "replaced_by", "last_line", "updated_at"])
    _note(computer, line, _Verb.RETIRED, now)
    return computer


def rebuild_search_texts() -> int:
    """Fold the search text of every machine anew; the number of machines."""
    count = 0
    rows = Computer.system.select_related("kind", "operating_system", "business_system", "segment")
    for batch in batched(rows.order_by("pk").iterator(chunk_size=1000), 1000):
        for computer in batch:
            computer.search_text = computer_search_text(computer)
        count += Computer.system.bulk_update(batch, ["search_text"])
    return count


def computer_search_text(computer: Computer) -> str:
    """The folded text that searches look into."""
    system, segment = computer.operating_system, computer.segment
    return search_key(
        computer.name,
        computer.kind.name,
        system.name if system else "",
        computer.business_system.name,
        segment.network if segment else "",
        computer.department,
        computer.place,
    )


def _take_over(computer: Computer, payload: RegisterComputer) -> None:
    computer.kind = ComputerKind.objects.get(code=payload.kind)
    computer.business_system = BusinessSystem.objects.get(code=payload.business_system)
    system = payload.operating_system
    computer.operating_system = OperatingSystem.objects.get(code=system) if system else None
    computer.has_own_skysea = payload.has_own_skysea
    computer.segment = _segment(computer.organisation_id, payload.segment)
    computer.agents, computer.department, computer.place = payload.agents, payload.department, payload.place
    computer.search_text = computer_search_text(computer)


def _segment(organisation_id: int, network: str) -> Segment | None:
    if not network:
        return None
    rows = Segment.system.filter(organisation_id=organisation_id, network=network)
    return rows.order_by("-pk").first()


def _locked(organisation_id: int, name: str) -> Computer:
    rows = Computer.system.select_for_update(no_key=True, of=("self",))
    rows = rows.filter(organisation_id=organisation_id, name=name, state=Computer.State.IN_USE)
    computer: Computer | None = rows.first()
    if computer is None:
        raise ComputerMissing(name)
    return computer


def _note(computer: Computer, line: ApplicationLine, verb: str, now: datetime) -> None:
    plan: Mapping[str, Any] = line.plan or {}
    ComputerEvent.system.create(
        computer=computer,
        organisation_id=computer.organisation_id,
        at=now,
        verb=verb,
        application_number=line.application.number,
        changes=[
            {"label": change["label"], "before": list(change["before"]), "after": list(change["after"])}
            for change in plan.get("changes", ())
        ],
    )
