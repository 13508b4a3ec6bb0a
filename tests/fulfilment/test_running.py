"""Every outcome of a handler, and what becomes of the operation."""

from __future__ import annotations

import datetime as dt

import pytest
from django.db import IntegrityError, connection
from django.test.utils import CaptureQueriesContext

from portal.fulfilment import recording, services
from portal.fulfilment.errors import LeaseLost
from portal.fulfilment.models import Operation, OperationEvent, TargetState
from portal.fulfilment.registry import Done, NeedsPerson, NotKnown, Run, TryLater
from tests.fulfilment.support import NOW, TARGET, Clock, FakeHandler, line, operation, run, verbs

pytestmark = pytest.mark.django_db


def test_done_keeps_the_evidence_and_tells_the_application(
    handler: FakeHandler, clock: Clock, told: list[str]
) -> None:
    queued = operation()
    handler.outcomes = [Done(evidence={"guid": "abc"})]

    done = run(clock)

    assert done is not None
    assert (done.pk, done.status, done.evidence) == (queued.pk, "DONE", {"guid": "abc"})
    assert (done.settled_at, done.lease_until, done.attempts) == (NOW, None, 1)
    assert verbs(done) == ["queued", "started", "done"]
    assert told == ["DONE"]


def test_needs_person_stops_and_shows_the_reason(handler: FakeHandler, clock: Clock, told: list[str]) -> None:
    operation()
    handler.outcomes = [NeedsPerson(code="name_taken", message="同じ名前が\x00あります。")]

    stopped = run(clock)

    assert stopped is not None
    assert (stopped.status, stopped.error_code) == ("ATTENTION", "name_taken")
    assert stopped.error_message == "同じ名前が あります。"
    assert told == ["ATTENTION"]
    assert run(clock) is None


def test_try_later_waits_longer_each_time_and_never_gives_up(
    handler: FakeHandler, clock: Clock, told: list[str]
) -> None:
    queued = operation()
    handler.outcomes = [TryLater(code="mail", message="待ちます。")] * 30

    waits = []
    for _ in range(30):
        waiting = run(clock)
        assert waiting is not None
        assert waiting.status == "WAITING"
        waits.append((waiting.not_before - clock()).total_seconds())
        assert run(clock) is None
        clock.now = waiting.not_before

    assert waits[:4] == [30, 60, 120, 240]
    assert waits[-1] == 600
    queued.refresh_from_db()
    assert queued.attempts == 30
    assert told == []


def test_an_outage_of_the_target_burns_no_attempts(handler: FakeHandler, clock: Clock) -> None:
    operation()
    handler.outcomes = [TryLater(code="unreachable", message="", target_down=True)]

    waiting = run(clock)

    assert waiting is not None
    assert (waiting.status, waiting.attempts) == ("WAITING", 0)


def test_an_unknown_outcome_is_looked_at_again_soon(
    handler: FakeHandler, clock: Clock, told: list[str]
) -> None:
    operation()
    handler.outcomes = [NotKnown(code="no_reply", message="応答がありません。")]

    unknown = run(clock)
    assert unknown is not None
    assert unknown.status == "OUTCOME_UNKNOWN"
    assert unknown.not_before - clock() == dt.timedelta(seconds=5)

    clock.forward(seconds=5)
    done = run(clock)
    assert done is not None
    assert (done.pk, done.status, done.error_code) == (unknown.pk, "DONE", "")
    assert told == ["DONE"]


def test_an_unexpected_error_is_unknown_and_its_text_is_kept_nowhere(
    handler: FakeHandler, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    operation()
    handler.outcomes = [RuntimeError("canary-P4ss")]

    unknown = run(clock)

    assert unknown is not None
    assert (unknown.status, unknown.error_code) == ("OUTCOME_UNKNOWN", "handler_error")
    assert "RuntimeError" in unknown.error_message
    stored = [
        *Operation.system.values_list(),
        *OperationEvent.system.values_list(),
        *TargetState.objects.values_list(),
    ]
    assert "canary-P4ss" not in f"{stored} {caplog.text}"


def test_the_fifth_unexpected_error_goes_to_a_person(handler: FakeHandler, clock: Clock) -> None:
    operation()
    handler.outcomes = [ValueError("x") for _ in range(5)]

    statuses = []
    for _ in range(5):
        worked_on = run(clock)
        assert worked_on is not None
        statuses.append(worked_on.status)
        clock.forward(minutes=10)

    assert statuses == ["OUTCOME_UNKNOWN"] * 4 + ["ATTENTION"]
    assert not TargetState.objects.filter(opened_at__isnull=False).exists(), (
        "our own error says nothing about the target"
    )


def test_without_a_handler_a_person_decides(clock: Clock) -> None:
    operation()

    stopped = run(clock)

    assert stopped is not None
    assert (stopped.status, stopped.error_code) == ("ATTENTION", "no_handler")


def test_the_oldest_due_operation_comes_first_and_a_later_one_waits(
    handler: FakeHandler, clock: Clock
) -> None:
    late = operation(not_before=NOW + dt.timedelta(minutes=1))
    second = operation(not_before=NOW - dt.timedelta(minutes=1))
    first = operation(not_before=NOW - dt.timedelta(minutes=2))

    assert services.drain(TARGET, now_fn=clock) == 2

    assert handler.runs == [first.pk, second.pk]
    late.refresh_from_db()
    assert late.status == "WAITING"


def test_a_drain_stops_at_its_limit(handler: FakeHandler, clock: Clock) -> None:
    for _ in range(3):
        operation()

    assert services.drain(TARGET, limit=2, now_fn=clock) == 2
    assert services.drain(TARGET, limit=2, now_fn=clock) == 1


def test_a_line_gets_one_operation_per_target(handler: FakeHandler) -> None:
    queued = operation()

    with pytest.raises(IntegrityError):
        services.enqueue(
            line_id=queued.line_id,
            organisation_id=queued.organisation_id,
            kind=queued.kind,
            target=TARGET,
            application_number="",
            subject="",
            now=NOW,
        )


def test_a_checkpoint_is_stored_at_once_and_starts_the_lease_anew(handler: FakeHandler, clock: Clock) -> None:
    operation()

    def act(held: Run) -> None:
        clock.forward(seconds=100)
        held.checkpoint(guid="abc")
        stored = Operation.system.get(pk=held.operation.pk)
        assert stored.progress == {"guid": "abc"}
        assert stored.lease_until == clock() + dt.timedelta(seconds=120)
        held.checkpoint(mailed=True)

    handler.during = act
    done = run(clock)

    assert done is not None
    assert done.status == "DONE"
    assert done.progress == {"guid": "abc", "mailed": True}


def test_a_late_worker_loses_to_the_next_one(handler: FakeHandler, clock: Clock, told: list[str]) -> None:
    operation()
    lost: list[str] = []

    def act(held: Run) -> None:
        if len(handler.runs) > 1:
            return
        clock.forward(minutes=5)
        services.sweep(clock())
        assert services.run_next(target=TARGET, now_fn=clock) is not None
        for step in (held.still_mine, lambda: held.checkpoint(guid="late")):
            with pytest.raises(LeaseLost):
                step()
            lost.append("lost")

    handler.during = act
    handler.outcomes = [NeedsPerson(code="late", message="late"), Done(evidence={"by": "second"})]
    result = run(clock)

    assert result is not None
    assert lost == ["lost", "lost"]
    assert (result.status, result.evidence, result.progress) == ("DONE", {"by": "second"}, {})
    assert verbs(result) == ["queued", "started", "lease_expired", "started", "done"]
    assert told == ["DONE"]


def test_a_handler_that_lost_its_lease_records_nothing(handler: FakeHandler, clock: Clock) -> None:
    operation()

    def act(held: Run) -> None:
        Operation.system.update(fence=7)
        held.still_mine()

    handler.during = act
    result = run(clock)

    assert result is not None
    assert result.status == "RUNNING"


def test_an_old_lease_is_renewed_before_a_write(handler: FakeHandler, clock: Clock) -> None:
    operation()

    def act(held: Run) -> None:
        clock.forward(seconds=90)
        held.still_mine()
        assert Operation.system.get().lease_until == clock() + dt.timedelta(seconds=120)

    handler.during = act
    assert run(clock) is not None


def test_an_operation_that_always_loses_its_worker_goes_to_a_person(
    handler: FakeHandler, clock: Clock
) -> None:
    queued = operation()

    for _ in range(recording.LEASE_LOSSES_ALLOWED):
        Operation.system.filter(pk=queued.pk).update(status="RUNNING", lease_until=clock())
        services.sweep(clock.forward(seconds=1))

    queued.refresh_from_db()
    assert (queued.status, queued.error_code) == ("ATTENTION", "lease_lost")


def test_sweep_feeds_an_expired_lease_again_and_leaves_a_living_one(
    handler: FakeHandler, clock: Clock, told: list[str]
) -> None:
    dead = operation(status="RUNNING", lease_until=NOW - dt.timedelta(seconds=1), fence=3)
    alive = operation(status="RUNNING", lease_until=NOW + dt.timedelta(seconds=1), fence=3)

    swept = services.sweep(clock())

    dead.refresh_from_db()
    alive.refresh_from_db()
    assert (swept.expired, swept.rung) == (1, (TARGET,))
    assert (dead.status, dead.fence, dead.lease_until) == ("OUTCOME_UNKNOWN", 4, None)
    assert (alive.status, alive.fence) == ("RUNNING", 3)
    assert told == []


@pytest.mark.parametrize("outcome", [Done(), NeedsPerson(code="x", message="x")])
def test_our_own_statements_per_operation_are_few(handler: FakeHandler, clock: Clock, outcome: Done) -> None:
    operation()
    run(clock)
    operation()
    handler.outcomes = [outcome]
    handler.during = lambda held: held.still_mine()

    with CaptureQueriesContext(
        connection,
    ) as queries:
        services.run_next(target=TARGET, now_fn=clock)

    statements = [q["sql"] for q in queries if "SAVEPOINT" not in q["sql"]]
    # breaker; select, update, event; still_mine; select, event, update
    assert len(statements) == 8


def test_enqueue_rings_once_per_transaction_and_target(
    rings: list[tuple[str, ...]], django_capture_on_commit_callbacks: object
) -> None:
    first, second = line(), line()

    with django_capture_on_commit_callbacks(execute=True):  # type: ignore[operator]
        for of_line in (first, second):
            services.enqueue(
                line_id=of_line.pk,
                organisation_id=of_line.organisation_id,
                kind="k",
                target=TARGET,
                application_number="",
                subject="",
                now=NOW,
            )

    assert rings == [(TARGET,)]
