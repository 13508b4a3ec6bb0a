"""Real threads on PostgreSQL: exactly one wins."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.db import close_old_connections, connection, transaction

from portal.fulfilment import breaker, by_hand, services, tasks
from portal.fulfilment.claiming import claim
from portal.fulfilment.errors import MoveNotAllowed
from portal.fulfilment.models import Operation, TargetState
from portal.fulfilment.registry import Run
from portal.gateways import clock as system_clock
from tests import factories
from tests.fulfilment.support import NOW, TARGET, Clock, FakeHandler, operation
from tests.threads import at_once

pytestmark = pytest.mark.django_db(transaction=True)


def together(count: int, job: Callable[[], Any]) -> list[Any]:
    """`job` in so many threads; results or exceptions."""
    return at_once(*[job] * count, refusals=(Exception,))


def test_eight_workers_on_one_operation_one_carries_it_out(handler: FakeHandler, clock: Clock) -> None:
    queued = operation()
    held = threading.Event()

    def act(run: Run) -> None:
        held.wait(timeout=0.2)  # the handler is slow enough for everybody to have tried

    handler.during = act
    together(8, lambda: services.run_next(target=TARGET, now_fn=clock))

    assert handler.runs == [queued.pk]
    queued.refresh_from_db()
    assert (queued.status, queued.fence) == ("DONE", 1)


def test_many_workers_share_the_queue_without_doing_anything_twice(
    handler: FakeHandler, clock: Clock
) -> None:
    queued = {operation().pk for _ in range(24)}

    counts = together(4, lambda: services.drain(TARGET, now_fn=clock))

    assert sorted(handler.runs) == sorted(queued)
    assert sum(counts) == 24
    assert not Operation.system.exclude(status="DONE", attempts=1).exists()


def test_a_task_that_is_delivered_twice_does_the_work_once(handler: FakeHandler) -> None:
    operation(now=system_clock.now())

    results = together(2, lambda: tasks.drain_target(TARGET))

    assert results == [None, None]
    assert len(handler.runs) == 1


def test_a_locked_operation_is_passed_by_not_waited_for(handler: FakeHandler, clock: Clock) -> None:
    first, second = operation(), operation()

    def impatient() -> list[Operation]:
        with connection.cursor() as cursor:
            cursor.execute("SET lock_timeout = '2s'")
        return claim(TARGET, clock())

    with transaction.atomic():
        Operation.system.select_for_update().get(pk=first.pk)

        (claimed,) = together(1, impatient)

    assert claimed == [second]


def test_two_operators_take_one_operation_one_is_told(
    handler: FakeHandler, monkeypatch: pytest.MonkeyPatch
) -> None:
    def slowly(_: Operation) -> dict[str, str]:
        threading.Event().wait(0.1)  # long enough for the other to look as well
        return {}

    monkeypatch.setattr(by_hand, "_before", slowly)
    target = operation()
    people = [factories.operator(), factories.operator()]
    turn = iter(people)
    lock = threading.Lock()

    def take() -> Operation:
        with lock:
            actor = next(turn)
        return services.take_by_hand(operation_id=target.pk, actor=actor, now=NOW)

    results = together(2, take)

    assert sorted(type(result) for result in results if isinstance(result, Exception)) == [MoveNotAllowed]
    winner = next(result for result in results if isinstance(result, Operation))
    target.refresh_from_db()
    assert target.taken_by == winner.taken_by


def test_a_worker_and_an_operator_meet_one_holds_it(handler: FakeHandler, clock: Clock) -> None:
    target = operation()
    operator = factories.operator()
    jobs = iter(
        [
            lambda: services.run_next(target=TARGET, now_fn=clock),
            lambda: services.take_by_hand(operation_id=target.pk, actor=operator, now=NOW),
        ]
    )
    lock = threading.Lock()

    def act() -> Any:
        with lock:
            job = next(jobs)
        return job()

    together(2, act)

    target.refresh_from_db()
    assert target.status in ("MANUAL", "DONE")
    taken = target.events.filter(verb="taken").exists()
    assert taken == (target.status == "MANUAL")
    assert target.events.filter(verb="done").exists() == (not taken)


def test_of_many_workers_one_probes(handler: FakeHandler) -> None:
    TargetState.objects.create(target=TARGET, failures=3, opened_at=NOW, next_probe_at=NOW)
    state = breaker.state_of(TARGET)

    gates = together(6, lambda: breaker.gate(state, NOW))

    assert sorted(gate.value for gate in gates) == ["probe", *["shut"] * 5]


def test_failures_noted_at_the_same_time_all_count() -> None:
    together(3, lambda: breaker.note_failure(TARGET, NOW, code="down", message=""))

    close_old_connections()
    assert TargetState.objects.get().failures == 3
    assert TargetState.objects.get().is_open


def test_two_hands_of_one_worker_carry_out_two_operations_at_once(handler: FakeHandler, clock: Clock) -> None:
    queued = {operation().pk for _ in range(3)}
    both = threading.Barrier(2)

    def act(run: Run) -> None:
        if len(handler.runs) <= 2:
            both.wait(timeout=10)  # passes only when the other hand is at work too

    handler.during = act

    count = services.drain(TARGET, now_fn=clock, hands=2)

    assert (count, set(handler.runs)) == (3, queued)
    assert not Operation.system.exclude(status="DONE", attempts=1).exists()
