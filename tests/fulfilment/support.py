"""A handler that does as it is told, and operations for it."""

from __future__ import annotations

import datetime as dt
import itertools
import threading
from collections.abc import Callable
from typing import Any

from django.db import transaction

from portal.fulfilment import services
from portal.fulfilment.models import Operation
from portal.fulfilment.registry import Done, Outcome, Run
from portal.orgs.models import User
from portal.workflow.models import Application, ApplicationLine
from tests import factories

KIND, TARGET = "test.kind", "test-target"
NOW = dt.datetime(2026, 11, 20, 1, 0, tzinfo=dt.UTC)

_numbers = itertools.count(1)


class FakeHandler:
    """Answers with `outcomes` one after the other, then Done; counts what it was asked."""

    def __init__(self) -> None:
        self.outcomes: list[Outcome | Exception] = []
        self.during: Callable[[Run], None] = lambda run: None
        self.verified: Outcome = Done(evidence={"read": "back"})
        self.while_verifying: Callable[[Run], None] = lambda run: None
        self.reachable = True
        self.runs: list[int] = []
        self.pings = 0
        self._lock = threading.Lock()

    def run(self, run: Run) -> Outcome:
        with self._lock:
            self.runs.append(run.operation.pk)
            answer = self.outcomes.pop(0) if self.outcomes else Done(evidence={"guid": "0"})
        self.during(run)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def verify(self, run: Run, recorded: dict[str, str]) -> Outcome:
        self.while_verifying(run)
        return self.verified

    def work_sheet(self, operation: Operation) -> list[tuple[str, str]]:
        return [("ログイン名", operation.subject)]

    def ping(self) -> None:
        self.pings += 1
        if not self.reachable:
            raise ConnectionRefusedError("password=hunter2")


class Clock:
    """A clock that a test moves."""

    def __init__(self, now: dt.datetime = NOW) -> None:
        self.now = now

    def __call__(self) -> dt.datetime:
        return self.now

    def forward(self, **delta: float) -> dt.datetime:
        self.now += dt.timedelta(**delta)
        return self.now


def line(code: str = "13", applicant: User | None = None) -> ApplicationLine:
    """A line of an application that is being carried out."""
    n = next(_numbers)
    organisation = factories.organisation(code)
    application = Application.system.create(
        number=f"T-2026-{n:06}",
        kind=KIND,
        organisation=organisation,
        applicant=applicant or factories.applicant(code=code),
        status="FULFILLING",
    )
    return ApplicationLine.system.create(
        application=application, organisation=organisation, position=1, subject=f"tk13test{n:04}"
    )


def operation(code: str = "13", *, now: dt.datetime = NOW, **changes: Any) -> Operation:
    """A queued operation; `changes` are written past the services."""
    of_line = line(code)
    made = services.enqueue(
        line_id=of_line.pk,
        organisation_id=of_line.organisation_id,
        kind=KIND,
        target=TARGET,
        application_number=of_line.application.number,
        subject=of_line.subject,
        now=now,
    )
    transaction.get_connection().run_on_commit.clear()  # what is rung for in a test is the test's own
    if changes:
        Operation.system.filter(pk=made.pk).update(**changes)
        made.refresh_from_db()
    return made


def operations(count: int, code: str = "13", *, now: dt.datetime = NOW) -> list[Operation]:
    """Queued operations of one application, a line each."""
    first = line(code)
    lines = [first]
    for position in range(2, count + 1):
        lines.append(
            ApplicationLine.system.create(
                application=first.application,
                organisation=first.organisation,
                position=position,
                subject=f"{first.subject}-{position}",
            )
        )
    made = services.enqueue_all(
        orders=[services.Order(line_id=each.pk, target=TARGET, subject=each.subject) for each in lines],
        organisation_id=first.organisation_id,
        kind=KIND,
        application_number=first.application.number,
        now=now,
    )
    transaction.get_connection().run_on_commit.clear()
    return made


def run(clock: Callable[[], dt.datetime]) -> Operation | None:
    """One step of a worker; the operation as the database has it afterwards."""
    worked_on = services.run_next(target=TARGET, now_fn=clock)
    if worked_on is not None:
        worked_on.refresh_from_db()
    return worked_on


def verbs(of: Operation) -> list[str]:
    """The history of an operation."""
    return [event.verb for event in of.events.order_by("id")]
