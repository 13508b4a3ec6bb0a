"""People of operations take over, and the portal verifies what they recorded (ACC-12)."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from portal.fulfilment import services
from portal.fulfilment.errors import LeaseLost, MoveNotAllowed, NotAllowed, TextMissing
from portal.fulfilment.models import Operation, OperationEvent, OperationStatus
from portal.fulfilment.registry import Done, NeedsPerson, Run
from portal.orgs.models import User
from portal.orgs.permissions import Role
from portal.trail.models import TrailEntry
from tests import factories
from tests.fulfilment.support import NOW, Clock, FakeHandler, operation, run, verbs

pytestmark = pytest.mark.django_db

EVERY = set(OperationStatus)
STEPS: dict[str, tuple[dict[str, Any], set[str]]] = {
    "take_by_hand": ({}, {"WAITING", "RUNNING", "OUTCOME_UNKNOWN", "ATTENTION"}),
    "give_back": ({}, {"MANUAL"}),
    "retry": ({}, {"WAITING", "OUTCOME_UNKNOWN", "ATTENTION"}),
    "record_done": ({"note": "手で登録しました。"}, {"MANUAL"}),
    "close": ({"reason": "申請者と合意しました。"}, {"WAITING", "OUTCOME_UNKNOWN", "ATTENTION", "MANUAL"}),
}


@pytest.fixture
def operator() -> User:
    return factories.operator()


@pytest.mark.parametrize("status", sorted(EVERY))
@pytest.mark.parametrize("step", STEPS)
def test_each_step_is_possible_from_its_states_only(
    handler: FakeHandler, operator: User, step: str, status: str
) -> None:
    target = operation(status=status)
    extra, allowed = STEPS[step]

    if status in allowed:
        getattr(services, step)(operation_id=target.pk, actor=operator, now=NOW, **extra)
    else:
        with pytest.raises(MoveNotAllowed):
            getattr(services, step)(operation_id=target.pk, actor=operator, now=NOW, **extra)

    target.refresh_from_db()
    assert (target.status != status or step == "retry" or len(verbs(target)) == 1) is True
    assert TrailEntry.objects.filter(object_type="operation", actor=operator).count() == (status in allowed)


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize(
    "roles",
    [
        (Role.APPLICANT, "13"),
        (Role.APPROVER, "13"),
        (Role.SECURITY_MANAGER, "13"),
        (Role.AUDITOR, "operations"),
    ],
)
def test_nobody_but_operators_of_operations_may(
    handler: FakeHandler, step: str, roles: tuple[str, str]
) -> None:
    target = operation(status="MANUAL" if step in ("give_back", "record_done") else "WAITING")
    actor = factories.user(roles[0], code=roles[1])

    with pytest.raises(NotAllowed):
        getattr(services, step)(operation_id=target.pk, actor=actor, now=NOW, **STEPS[step][0])

    assert OperationEvent.system.count() == 1
    assert not TrailEntry.objects.exists()


def test_taking_a_running_operation_makes_its_worker_lose(
    handler: FakeHandler, clock: Clock, operator: User, told: list[str]
) -> None:
    operation()

    def act(held: Run) -> None:
        services.take_by_hand(operation_id=held.operation.pk, actor=operator, now=clock())
        with pytest.raises(LeaseLost):
            held.still_mine()

    handler.during = act
    taken = run(clock)

    assert taken is not None
    assert (taken.status, taken.taken_by, taken.lease_until) == ("MANUAL", operator, None)
    assert told == ["MANUAL"]
    assert run(clock) is None


def test_what_was_taken_is_not_swept_back(handler: FakeHandler, operator: User) -> None:
    target = operation(status="RUNNING", lease_until=NOW)
    services.take_by_hand(operation_id=target.pk, actor=operator, now=NOW)

    swept = services.sweep(NOW + dt.timedelta(hours=1))

    assert (swept.expired, swept.rung) == (0, ())


@pytest.mark.parametrize(("attempts", "status"), [(0, "WAITING"), (1, "OUTCOME_UNKNOWN")])
def test_given_back_the_portal_goes_on(
    handler: FakeHandler, clock: Clock, operator: User, told: list[str], attempts: int, status: str
) -> None:
    target = operation(status="MANUAL", attempts=attempts, taken_by=operator, taken_at=NOW)

    services.give_back(operation_id=target.pk, actor=operator, now=NOW)
    target.refresh_from_db()
    assert (target.status, target.taken_by) == (status, None)

    done = run(clock)
    assert done is not None
    assert done.status == "DONE"
    assert told == [status, "DONE"]


def test_retry_does_not_wait_for_the_back_off(
    handler: FakeHandler,
    clock: Clock,
    operator: User,
    rings: list[tuple[str, ...]],
    django_capture_on_commit_callbacks: Any,
) -> None:
    target = operation(not_before=NOW + dt.timedelta(minutes=10))

    with django_capture_on_commit_callbacks(execute=True):
        services.retry(operation_id=target.pk, actor=operator, now=NOW)

    assert len(rings) == 1
    assert run(clock) == target


def test_retry_forgives_earlier_unexpected_errors(handler: FakeHandler, clock: Clock, operator: User) -> None:
    target = operation()
    handler.outcomes = [ValueError() for _ in range(6)]
    for _ in range(5):
        run(clock)
        clock.forward(minutes=10)

    services.retry(operation_id=target.pk, actor=operator, now=clock())
    again = run(clock)

    assert again is not None
    assert again.status == "OUTCOME_UNKNOWN"


def test_recorded_work_is_done_once_the_target_agrees(
    handler: FakeHandler, operator: User, told: list[str]
) -> None:
    target = operation(status="MANUAL")
    handler.verified = Done(evidence={"guid": "abc"})

    done = services.record_done(operation_id=target.pk, actor=operator, note=" 登録しました。 ", now=NOW)

    assert (done.status, done.evidence, done.manual_note) == ("DONE", {"guid": "abc"}, "登録しました。")
    event = done.events.last()
    assert event is not None
    assert (event.verb, event.actor, event.data) == ("verified", operator, {"guid": "abc"})
    assert told == ["DONE"]


def test_recorded_work_that_differs_stays_by_hand_and_says_what_differs(
    handler: FakeHandler, operator: User, told: list[str]
) -> None:
    target = operation(status="MANUAL")
    handler.verified = NeedsPerson(code="differs", message="所属が違います。")

    result = services.record_done(operation_id=target.pk, actor=operator, note="登録しました。", now=NOW)

    assert (result.status, result.error_message) == ("MANUAL", "所属が違います。")
    assert verbs(result) == ["queued", "not_verified"]
    assert told == []


def test_an_unexpected_error_while_verifying_leaves_it_by_hand(handler: FakeHandler, operator: User) -> None:
    target = operation(status="MANUAL")

    def fail(held: Run) -> None:
        raise RuntimeError("canary-P4ss")

    handler.while_verifying = fail
    result = services.record_done(operation_id=target.pk, actor=operator, note="登録", now=NOW)

    assert result.status == "MANUAL"
    assert "canary-P4ss" not in str(OperationEvent.system.values_list())


def test_a_change_during_the_check_is_not_overwritten(handler: FakeHandler, operator: User) -> None:
    target = operation(status="MANUAL")
    handler.while_verifying = lambda held: services.give_back(operation_id=target.pk, actor=operator, now=NOW)

    with pytest.raises(MoveNotAllowed):
        services.record_done(operation_id=target.pk, actor=operator, note="登録", now=NOW)

    assert Operation.system.get().status == "WAITING"


@pytest.mark.parametrize(("step", "text"), [("close", "reason"), ("record_done", "note")])
def test_a_reason_is_required(handler: FakeHandler, operator: User, step: str, text: str) -> None:
    target = operation(status="MANUAL")

    with pytest.raises(TextMissing):
        getattr(services, step)(operation_id=target.pk, actor=operator, now=NOW, **{text: " \n"})


def test_closing_keeps_the_reason_and_tells_the_application(
    handler: FakeHandler, operator: User, told: list[str]
) -> None:
    target = operation(status="ATTENTION")

    closed = services.close(operation_id=target.pk, actor=operator, reason="二重の申請でした。", now=NOW)

    assert (closed.status, closed.settled_at, closed.manual_note) == ("CLOSED", NOW, "二重の申請でした。")
    assert told == ["CLOSED"]
