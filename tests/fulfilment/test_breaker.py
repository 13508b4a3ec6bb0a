"""While a target is down it is asked by one probe at a time, and nothing is lost (ACC-12)."""

from __future__ import annotations

import datetime as dt

import pytest

from portal.fulfilment import services
from portal.fulfilment.errors import NotAllowed
from portal.fulfilment.models import Operation, TargetState
from portal.fulfilment.registry import Done, NotKnown, TryLater
from portal.trail.models import TrailEntry
from tests import factories
from tests.fulfilment.support import NOW, TARGET, Clock, FakeHandler, operation, run

pytestmark = pytest.mark.django_db

DOWN = TryLater(code="unreachable", message="応答がありません。", target_down=True)


def open_breaker(handler: FakeHandler, clock: Clock) -> None:
    for _ in range(3):
        operation()
    handler.outcomes = [DOWN, DOWN, DOWN]
    services.drain(TARGET, now_fn=clock)
    handler.runs.clear()


def test_it_opens_after_three_failures_in_a_row(handler: FakeHandler, clock: Clock) -> None:
    for _ in range(5):
        operation()
    handler.outcomes = [DOWN] * 5

    assert services.drain(TARGET, now_fn=clock) == 3

    state = TargetState.objects.get(target=TARGET)
    assert (state.failures, state.opened_at) == (3, NOW)
    assert state.next_probe_at == NOW + dt.timedelta(seconds=30)
    assert "unreachable" in state.reason


def test_a_success_between_starts_the_count_again(handler: FakeHandler, clock: Clock) -> None:
    for _ in range(5):
        operation()
    handler.outcomes = [DOWN, DOWN, Done(), DOWN, DOWN]

    assert services.drain(TARGET, now_fn=clock) == 5

    assert not TargetState.objects.get(target=TARGET).is_open


def test_lost_replies_open_it_too(handler: FakeHandler, clock: Clock) -> None:
    for _ in range(5):
        operation()
    handler.outcomes = [NotKnown(code="no_reply", message="")] * 5

    assert services.drain(TARGET, now_fn=clock) == 3


@pytest.mark.parametrize("code", ["49/00000775", "auth"])
def test_a_refused_service_account_opens_it_at_once_and_for_long(
    handler: FakeHandler, clock: Clock, code: str
) -> None:
    operation()
    operation()
    handler.outcomes = [TryLater(code=code, message="", target_down=True)]

    assert services.drain(TARGET, now_fn=clock) == 1

    assert TargetState.objects.get(target=TARGET).next_probe_at == NOW + dt.timedelta(minutes=10)


def test_while_open_nothing_is_claimed_and_nobody_is_called(
    handler: FakeHandler, clock: Clock, rings: list[tuple[str, ...]]
) -> None:
    open_breaker(handler, clock)
    operation()

    assert run(clock) is None
    assert services.sweep(clock.forward(seconds=10)).rung == ()
    assert (handler.runs, handler.pings, rings) == ([], 0, [])


def test_a_failed_probe_keeps_it_open_and_waits_longer(handler: FakeHandler, clock: Clock) -> None:
    open_breaker(handler, clock)
    handler.reachable = False

    waits = []
    for _ in range(7):
        clock.now = TargetState.objects.get().next_probe_at or clock.now
        assert run(clock) is None
        state = TargetState.objects.get()
        assert state.next_probe_at is not None
        waits.append((state.next_probe_at - clock()).total_seconds())

    assert waits == [60, 120, 240, 480, 600, 600, 600]
    assert (handler.runs, handler.pings) == ([], 7)
    assert "hunter2" not in state.reason


def test_a_probe_that_is_answered_closes_it_and_the_work_goes_on(handler: FakeHandler, clock: Clock) -> None:
    open_breaker(handler, clock)

    clock.forward(seconds=30)
    assert services.sweep(clock()).rung == (TARGET,)
    assert services.drain(TARGET, now_fn=clock) == 3

    assert handler.pings == 1
    assert set(Operation.system.values_list("status", flat=True)) == {"DONE"}
    assert not TargetState.objects.get().is_open


def test_paused_targets_wait_until_they_are_resumed(
    handler: FakeHandler,
    clock: Clock,
    rings: list[tuple[str, ...]],
    django_capture_on_commit_callbacks: object,
) -> None:
    operator = factories.operator()
    queued = operation()

    services.pause_target(target=TARGET, actor=operator, now=NOW)
    assert run(clock) is None
    assert services.sweep(clock()).rung == ()

    with django_capture_on_commit_callbacks(execute=True):  # type: ignore[operator]
        services.resume_target(target=TARGET, actor=operator, now=NOW)
    assert rings == [(TARGET,)]
    assert run(clock) == queued
    assert handler.pings == 0
    assert list(TrailEntry.objects.values_list("action", flat=True)) == ["target.resume", "target.pause"]


def test_resuming_a_target_whose_breaker_is_open_probes_at_once(handler: FakeHandler, clock: Clock) -> None:
    open_breaker(handler, clock)
    operator = factories.operator()
    services.pause_target(target=TARGET, actor=operator, now=clock())

    services.resume_target(target=TARGET, actor=operator, now=clock.forward(seconds=1))
    run(clock)

    assert handler.pings == 1


@pytest.mark.parametrize("person", [factories.applicant, factories.approver])
def test_only_operations_pause_a_target(person: object) -> None:
    actor = person()  # type: ignore[operator]

    for step in (services.pause_target, services.resume_target):
        with pytest.raises(NotAllowed):
            step(target=TARGET, actor=actor, now=NOW)
