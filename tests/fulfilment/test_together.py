"""Operations that a worker takes together: begun one by one, recorded together, and each one's own all the same (ADR 0039)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from portal.fulfilment import gate, registry, services
from portal.fulfilment.freezes import holding
from portal.fulfilment.freezes import services as freezes
from portal.fulfilment.freezes.models import FreezePeriod
from portal.fulfilment.freezes.services import NewFreeze
from portal.fulfilment.models import Operation, OperationEvent, TargetState
from portal.fulfilment.registry import Done, NeedsPerson, Run, TryLater, Waits
from portal.fulfilment.running import run_together
from tests import factories
from tests.fulfilment.support import KIND, NOW, TARGET, Clock, FakeHandler, operation, operations, verbs

pytestmark = pytest.mark.django_db


def work(clock: Clock, at_most: int = 100) -> list[int] | None:
    """One claim of a worker; the positions of what it dealt with."""
    found = run_together(target=TARGET, now_fn=clock, at_most=at_most)
    return None if found is None else [each.line.position for each in found]


def standing(of: Sequence[Operation]) -> list[tuple[str, int]]:
    """Status and attempts of each, in order."""
    rows = Operation.system.filter(pk__in=[each.pk for each in of]).order_by("pk")
    return list(rows.values_list("status", "attempts"))


def at(position: int, act: Callable[[Run], None]) -> Callable[[Run], None]:
    """What happens while the operation of this line is carried out."""
    return lambda run: act(run) if run.operation.line.position == position else None


def test_operations_of_one_application_are_claimed_together_and_told_together(
    together: FakeHandler, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    tellings: list[list[str]] = []
    monkeypatch.setattr(
        registry, "_settled", [lambda ended, now: tellings.append([each.status for each in ended])]
    )
    queued, other = operations(3), operation()
    together.outcomes = [Done(), NeedsPerson(code="x", message="x"), Done(evidence={"n": 3})]

    assert work(clock) == [1, 2, 3]
    assert work(clock) == [other.line.position]

    assert standing(queued) == [("DONE", 1), ("ATTENTION", 1), ("DONE", 1)]
    assert tellings == [["DONE", "ATTENTION", "DONE"], ["DONE"]]
    assert [verbs(each) for each in queued] == [
        ["queued", "started", "done"],
        ["queued", "started", "stopped"],
        ["queued", "started", "done"],
    ]
    assert Operation.system.get(pk=queued[2].pk).evidence == {"n": 3}


def test_where_nothing_is_said_a_worker_takes_one(handler: FakeHandler, clock: Clock) -> None:
    operations(3)

    assert [work(clock), work(clock), work(clock), work(clock)] == [[1], [2], [3], None]


def test_a_limit_holds_for_what_is_taken_together(together: FakeHandler, clock: Clock) -> None:
    operations(5)

    assert services.drain(TARGET, limit=3, now_fn=clock) == 3
    assert services.drain(TARGET, limit=100, now_fn=clock) == 2


def test_each_is_running_only_while_it_is_carried_out_and_waits_until_then(
    together: FakeHandler, clock: Clock
) -> None:
    queued, seen = operations(3), []
    together.during = at(2, lambda run: seen.append(standing(queued)))

    work(clock)

    # The first is done and not recorded yet: whoever dies now leaves the truth, "may have been changed" and "not begun".
    assert seen == [[("RUNNING", 1), ("RUNNING", 1), ("WAITING", 0)]]
    assert verbs(queued[2]) == ["queued", "started", "done"]


def test_another_worker_passes_by_what_is_reserved_until_the_reservation_ends(
    together: FakeHandler, clock: Clock
) -> None:
    queued, claimed = operations(3), []
    together.during = at(1, lambda run: claimed.append(services.run_next(target=TARGET, now_fn=clock)))

    work(clock)

    assert claimed == [None]
    assert standing(queued) == [("DONE", 1)] * 3


def test_an_operator_takes_one_out_of_the_middle(together: FakeHandler, clock: Clock) -> None:
    queued, operator = operations(4), factories.operator()

    def takes(run: Run) -> None:
        for index in (0, 1, 2):  # done and not recorded, under way, not begun
            services.take_by_hand(operation_id=queued[index].pk, actor=operator, now=clock())

    together.during = at(2, takes)
    work(clock)

    assert standing(queued) == [("MANUAL", 1), ("MANUAL", 1), ("MANUAL", 0), ("DONE", 1)]
    assert together.runs == [queued[0].pk, queued[1].pk, queued[3].pk]
    assert verbs(queued[2]) == ["queued", "taken"]


def test_the_history_of_one_that_is_closed_before_its_turn_has_no_beginning(
    together: FakeHandler, clock: Clock
) -> None:
    queued, operator = operations(2), factories.operator()
    close = {"operation_id": queued[1].pk, "actor": operator, "reason": "不要になった。", "now": NOW}
    together.during = at(1, lambda run: services.close(**close))

    work(clock)

    assert standing(queued) == [("DONE", 1), ("CLOSED", 0)]
    assert verbs(queued[1]) == ["queued", "closed"]


def begins_a_freeze(clock: Clock) -> None:
    new = NewFreeze(
        starts_at=clock() - dt.timedelta(seconds=1),
        ends_at=clock() + dt.timedelta(hours=1),
        effect="REFUSE",
        reason="障害対応",
        kind=KIND,
    )
    freezes.enter(new, actor=factories.operator(), now=clock())


def pauses(clock: Clock) -> None:
    services.pause_target(target=TARGET, actor=factories.operator(), now=clock())


def closes_the_gate(clock: Clock) -> None:
    gate.close(actor=None, note="復元した。", now=clock())


def opens_the_breaker(clock: Clock) -> None:
    """As another worker does that gets no answer."""
    TargetState.objects.update_or_create(
        target=TARGET, defaults={"failures": 3, "opened_at": clock(), "next_probe_at": None}
    )


@pytest.mark.parametrize(
    ("stops", "code"),
    [
        (begins_a_freeze, "waits_for_freeze"),
        (pauses, ""),
        (closes_the_gate, ""),
        (opens_the_breaker, ""),
    ],
)
def test_what_stops_the_queue_stops_it_in_the_middle(
    together: FakeHandler, clock: Clock, stops: Callable[[Clock], None], code: str
) -> None:
    queued = operations(4)
    together.during = at(2, lambda run: stops(clock))

    services.drain(TARGET, now_fn=clock)

    assert standing(queued) == [("DONE", 1), ("DONE", 1), ("WAITING", 0), ("WAITING", 0)]
    assert together.runs == [queued[0].pk, queued[1].pk]
    left = Operation.system.filter(status="WAITING")
    assert set(left.values_list("error_code", "lease_until", "started_at")) == {(code, None, None)}


def test_what_is_let_through_goes_on_though_a_worker_was_about_to_let_it_wait(
    together: FakeHandler, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    (queued,), operator = operations(1), factories.operator()
    begins_a_freeze(clock)
    Operation.system.update(error_code="waits_for_freeze")
    FreezePeriod.objects.update(may_override=True)
    waits = holding.waits

    def meets_the_operator(freeze_id: int) -> Waits:
        freezes.let_through(operation_id=queued.pk, actor=operator, reason="監査のため", now=clock())
        return waits(freeze_id)

    with monkeypatch.context() as patch:
        patch.setattr(holding, "waits", meets_the_operator)
        work(clock)
    assert standing([queued]) == [("WAITING", 0)]

    assert work(clock) == [1]
    assert standing([queued]) == [("DONE", 1)]


def test_at_a_slow_target_each_is_recorded_by_itself(together: FakeHandler, clock: Clock) -> None:
    queued, seen = operations(3), []

    def slow(run: Run) -> None:
        seen.append(standing(queued))
        clock.forward(seconds=40)

    together.during = slow
    assert services.drain(TARGET, now_fn=clock) == 3

    assert seen == [
        [("RUNNING", 1), ("WAITING", 0), ("WAITING", 0)],
        [("DONE", 1), ("RUNNING", 1), ("WAITING", 0)],
        [("DONE", 1), ("DONE", 1), ("RUNNING", 1)],
    ]


def test_one_that_takes_long_keeps_the_leases_of_those_that_wait_for_their_record(
    together: FakeHandler, clock: Clock
) -> None:
    queued = operations(3)

    def long(run: Run) -> None:
        for _ in range(5):
            clock.forward(seconds=90)
            run.still_mine()
            services.sweep(clock())

    together.during = at(2, long)
    work(clock)

    assert standing(queued) == [("DONE", 1), ("DONE", 1), ("WAITING", 0)]
    assert not OperationEvent.system.filter(verb="lease_expired").exists()


def test_a_worker_that_came_back_too_late_writes_nothing_of_all_that_it_held(
    together: FakeHandler, clock: Clock
) -> None:
    queued = operations(3)

    def sleeps(run: Run) -> None:
        if len(together.runs) == 2:
            clock.forward(minutes=5)
            services.sweep(clock())
            services.drain(TARGET, now_fn=clock)

    together.during = sleeps
    together.outcomes = [NeedsPerson(code="late", message=""), NeedsPerson(code="late", message="")]
    work(clock)

    assert standing(queued) == [("DONE", 2), ("DONE", 2), ("DONE", 1)]
    assert verbs(queued[0]) == ["queued", "started", "lease_expired", "started", "done"]
    assert sorted(together.runs) == sorted([queued[0].pk, queued[1].pk] * 2 + [queued[2].pk])


def test_a_target_that_does_not_answer_is_not_asked_for_the_rest(together: FakeHandler, clock: Clock) -> None:
    queued = operations(4)
    together.outcomes = [Done(), TryLater(code="unreachable", message="", target_down=True)]

    assert work(clock) == [1, 2]

    assert standing(queued) == [("DONE", 1), ("WAITING", 0), ("WAITING", 0), ("WAITING", 0)]
    assert TargetState.objects.get().failures == 1
    assert work(clock) == [3, 4]


def test_an_error_of_ours_in_one_leaves_the_others_alone(together: FakeHandler, clock: Clock) -> None:
    queued = operations(3)
    together.outcomes = [Done(), RuntimeError("x"), Done()]

    work(clock)

    assert standing(queued) == [("DONE", 1), ("OUTCOME_UNKNOWN", 1), ("DONE", 1)]


def test_one_that_cannot_be_recorded_does_not_keep_the_others_from_their_end(
    together: FakeHandler, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    queued = operations(3)

    def breaks(ended: Sequence[Operation], now: dt.datetime) -> None:
        if any(each.pk == queued[1].pk for each in ended):
            raise ValueError

    monkeypatch.setattr(registry, "_settled", [breaks])
    with pytest.raises(ValueError):
        work(clock)

    assert standing(queued) == [("DONE", 1), ("RUNNING", 1), ("DONE", 1)]
    assert verbs(queued[1]) == ["queued", "started"]


def test_what_must_wait_for_something_else_is_not_begun(
    together: FakeHandler, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    queued = operations(3)
    waits = Waits(code="waits_for_x", message="x", until=NOW + dt.timedelta(hours=1))
    monkeypatch.setattr(registry, "_holds", [lambda of, now: {queued[1].pk: waits}])

    assert work(clock) == [1, 2, 3]

    assert standing(queued) == [("DONE", 1), ("WAITING", 0), ("DONE", 1)]
    assert verbs(queued[1]) == ["queued", "awaits"]


def test_what_they_share_is_read_once_for_all(together: FakeHandler, clock: Clock) -> None:
    operations(3)
    reads: list[int] = []
    together.during = lambda run: run.once("zones", lambda: reads.append(1))

    work(clock)

    assert reads == [1]


def test_what_is_noted_is_stored_with_the_outcome(together: FakeHandler, clock: Clock) -> None:
    queued = operations(2)
    together.during = lambda run: run.note(written=[run.operation.line.position])

    work(clock)

    stored = Operation.system.filter(pk__in=[each.pk for each in queued]).order_by("pk")
    assert [each.progress for each in stored] == [{"written": [1]}, {"written": [2]}]


def test_one_more_costs_two_statements(
    together: FakeHandler, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(registry._at_once, TARGET, 30)
    together.during = lambda run: run.still_mine()

    def count(number: int) -> int:
        operations(number)
        with CaptureQueriesContext(connection) as queries:
            assert work(clock) == list(range(1, number + 1))
        return len([query for query in queries if "SAVEPOINT" not in query["sql"]])

    count(1)
    assert count(30) - count(1) == 29 * 2  # begun, and asked right before the write
