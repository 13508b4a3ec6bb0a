"""A worker that takes several operations at once dies, or meets others: real processes and threads (ADR 0039)."""

from __future__ import annotations

import datetime as dt
import os
import signal
import threading
from pathlib import Path

import pytest

from portal.fulfilment import claiming, recording, registry, running, services
from portal.fulfilment.errors import MoveNotAllowed
from portal.fulfilment.models import Operation, OperationEvent
from portal.fulfilment.registry import Done, Outcome, Run
from portal.workflow.models import ApplicationEvent, Status
from portal.workflow.reports.models import ResultReport
from tests import factories, threads
from tests.faults import worker
from tests.fulfilment.support import KIND, NOW, TARGET, Clock, FakeHandler, operations

pytestmark = pytest.mark.django_db(transaction=True)


class Folder(FakeHandler):
    """A target that outlives the worker: a file for each operation, made once, with a line for each time that it was written."""

    def __init__(self, place: Path, dies_at: int = 0) -> None:
        super().__init__()
        self.place, self.dies_at = place, dies_at

    def run(self, run: Run) -> Outcome:
        file = self.place / str(run.operation.line.position)
        if not file.exists():  # look, then act
            run.still_mine()
            file.write_text(f"{os.getpid()}\n")
        self.during(run)
        if run.operation.line.position == self.dies_at:
            os.kill(os.getpid(), signal.SIGKILL)
        return Done(evidence={"file": file.name})

    @property
    def written(self) -> list[int]:
        """Which lines stand there."""
        return sorted(int(file.name) for file in self.place.iterdir())


@pytest.fixture
def target(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Folder:
    """The target, of which five are taken at once."""
    folder = Folder(tmp_path)
    monkeypatch.setitem(registry._handlers, (KIND, TARGET, ""), folder)
    monkeypatch.setitem(registry._at_once, TARGET, 5)
    monkeypatch.setattr("portal.common.bell.ring_on_commit", lambda *args: None)
    monkeypatch.setattr("portal.common.bell.ring_now", lambda *args: None)
    return folder


@pytest.fixture
def clock() -> Clock:
    return Clock()


def standing() -> list[tuple[str, int]]:
    return list(Operation.system.order_by("pk").values_list("status", "attempts"))


def ended_once() -> bool:
    """The application ended once, with one report."""
    (application_number,) = set(Operation.system.values_list("application_number", flat=True))
    ends = ApplicationEvent.system.filter(to_status=Status.COMPLETED)
    reports = ResultReport.system.filter(application_number=application_number)
    return ends.count() == reports.count() == 1


def drain(clock: Clock) -> None:
    """A worker as it is."""
    while services.drain(TARGET, now_fn=clock):
        pass


def test_a_worker_killed_in_the_middle_leaves_unknown_what_it_acted_on_and_not_begun_the_rest(
    target: Folder, clock: Clock
) -> None:
    queued = operations(5)
    target.dies_at = 3

    assert worker.fork(lambda: drain(clock)).wait() == -signal.SIGKILL

    assert target.written == [1, 2, 3]
    assert standing() == [("RUNNING", 1)] * 3 + [("WAITING", 0)] * 2
    target.dies_at = 0
    clock.forward(seconds=31)
    drain(clock)  # what was not begun is free again soon; what was is left alone while it has its lease
    assert target.written == [1, 2, 3, 4, 5]
    assert standing() == [("RUNNING", 1)] * 3 + [("DONE", 1)] * 2
    services.sweep(clock.forward(seconds=120))
    assert standing()[:3] == [("OUTCOME_UNKNOWN", 1)] * 3
    before = {file.name: file.read_text() for file in target.place.iterdir()}
    drain(clock)

    assert standing() == [("DONE", 2)] * 3 + [("DONE", 1)] * 2
    assert {file.name: file.read_text() for file in target.place.iterdir()} == before, (
        "nothing was done twice"
    )
    assert ended_once()
    losses = OperationEvent.system.filter(verb="lease_expired").values_list("operation_id", flat=True)
    assert list(losses) == [each.pk for each in queued[:3]], (
        "a loss is counted against none that was not begun"
    )


@pytest.mark.parametrize("point", ["after_claim", "after_begin", "before_record", "in_record"])
def test_wherever_the_worker_dies_every_operation_ends_once(target: Folder, clock: Clock, point: str) -> None:
    operations(3)
    places = {
        "after_claim": (running, "claim", worker._after),
        "after_begin": (running, "begin", worker._after),
        "before_record": (running, "record", worker._before),
        "in_record": (registry, "tell_settled", worker._before),
    }

    def dies() -> None:
        worker._wrap(*places[point])
        drain(clock)

    assert worker.fork(dies).wait() == -signal.SIGKILL

    begun = {"after_claim": 0, "after_begin": 1, "before_record": 3, "in_record": 3}[point]
    assert standing() == [("RUNNING", 1)] * begun + [("WAITING", 0)] * (3 - begun)
    services.sweep(clock.forward(seconds=121))
    drain(clock)
    assert [status for status, _attempts in standing()] == ["DONE"] * 3
    assert ended_once()


def test_an_operator_takes_one_while_the_worker_is_at_the_one_before(target: Folder, clock: Clock) -> None:
    queued, operator = operations(5), factories.operator()
    at_the_second, taken = threading.Event(), threading.Event()

    def meets(run: Run) -> None:
        if run.operation.line.position == 2:
            at_the_second.set()
            assert taken.wait(10)

    def takes() -> None:
        assert at_the_second.wait(10)
        for index in (1, 3):  # under way, and not begun
            services.take_by_hand(operation_id=queued[index].pk, actor=operator, now=NOW)
        taken.set()

    target.during = meets
    threads.at_once(lambda: drain(clock), takes)

    assert standing() == [("DONE", 1), ("MANUAL", 1), ("DONE", 1), ("MANUAL", 0), ("DONE", 1)]
    assert target.written == [1, 2, 3, 5]


def test_many_workers_share_one_application_and_it_ends_once(target: Folder, clock: Clock) -> None:
    queued = operations(24)

    threads.at_once(*[lambda: drain(clock)] * 4)

    assert standing() == [("DONE", 1)] * 24
    assert OperationEvent.system.filter(verb="started").count() == len(queued)
    assert target.written == list(range(1, 25))
    assert ended_once()


def test_an_operator_and_a_worker_meet_at_the_record_one_holds_it(
    target: Folder, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The row locks decide: neither waits for the other for ever, and the operation ends one way."""
    queued, operator = operations(5), factories.operator()
    write, at_the_record = recording._write, threading.Event()

    def slowly(moves: object, now: dt.datetime) -> None:
        at_the_record.set()
        threading.Event().wait(0.1)  # the operator waits for the row by now
        write(moves, now)  # type: ignore[arg-type]

    def takes() -> object:
        assert at_the_record.wait(10)
        return services.take_by_hand(operation_id=queued[2].pk, actor=operator, now=NOW)

    monkeypatch.setattr(recording, "_write", slowly)
    _worked, refused = threads.at_once(lambda: drain(clock), takes, refusals=(MoveNotAllowed,))

    assert standing() == [("DONE", 1)] * 5
    assert isinstance(refused, Exception)


def test_a_reservation_is_short(target: Folder, clock: Clock) -> None:
    """A dead worker holds up what it has not begun for less than a lease."""
    assert claiming.lease_time() > claiming._RESERVED_FOR
