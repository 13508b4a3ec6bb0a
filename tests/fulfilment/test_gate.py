"""The gate before the queue: after a long stop or a restore nothing is written before everything was compared (ACC-12)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client

from portal.fulfilment import gate, services
from portal.fulfilment.errors import NotAllowed, TextMissing
from portal.fulfilment.gate import CheckResult
from portal.fulfilment.models import Operation, QueueGate
from portal.fulfilment.registry import Done, NeedsPerson, NotKnown
from portal.orgs.permissions import Role
from portal.trail.models import TrailEntry
from tests import factories
from tests.fulfilment.support import NOW, Clock, FakeHandler, operation, run
from tests.roles import client_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def checks(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Callable[[datetime], CheckResult]]]:
    """The registered checks, empty at first."""
    found: dict[str, Callable[[datetime], CheckResult]] = {}
    monkeypatch.setattr(gate, "_checks", found)
    return found


def answer(complete: bool) -> Callable[[datetime], CheckResult]:
    return lambda now: CheckResult(complete=complete, summary="照合しました。", detail={"n": 1})


def status(of: Operation) -> str:
    return Operation.system.values_list("status", flat=True).get(pk=of.pk)


def test_a_portal_that_is_looked_after_each_minute_keeps_its_queue_open(handler: FakeHandler) -> None:
    clock = Clock()
    for _ in range(5):
        services.sweep(clock.forward(minutes=29))

    assert not gate.is_closed()


def test_after_a_long_stop_nothing_is_carried_out(handler: FakeHandler) -> None:
    clock = Clock()
    services.sweep(clock())
    queued = operation()

    swept = services.sweep(clock.forward(hours=3))

    assert gate.is_closed()
    assert swept.rung == ()
    assert run(clock) is None
    assert status(queued) == "WAITING"
    assert handler.runs == []


def test_it_opens_by_itself_when_every_check_is_complete(
    handler: FakeHandler, checks: dict[str, Any]
) -> None:
    clock = Clock()
    queued = operation()
    gate.close(actor=factories.operator(), note="昨夜のバックアップを戻した。", now=clock())
    checks["one"], checks["two"] = answer(True), answer(False)

    assert not gate.run_checks(clock.forward(minutes=1))
    assert gate.is_closed()
    assert gate.state().report["two"]["complete"] is False
    checks["two"] = answer(True)
    assert gate.run_checks(clock.forward(minutes=1))

    assert run(clock) is not None
    assert status(queued) == "DONE"


def test_a_check_that_breaks_keeps_the_gate_closed_and_tells_its_class_only(checks: dict[str, Any]) -> None:
    def broken(now: datetime) -> CheckResult:
        raise ValueError("password=hunter2")

    checks["broken"] = broken
    gate.close(actor=None, note="試験", now=NOW)

    assert not gate.run_checks(NOW)

    assert gate.state().report["broken"]["summary"] == "ValueError"


def test_two_workers_do_not_check_at_the_same_time(checks: dict[str, Any]) -> None:
    gate.close(actor=None, note="試験", now=NOW)
    seen = []
    checks["nested"] = lambda now: seen.append(gate.run_checks(now)) or answer(True)(now)

    assert gate.run_checks(NOW)

    assert seen == [False]


def test_a_gate_closed_anew_during_the_check_stays_closed(checks: dict[str, Any]) -> None:
    clock = Clock()
    gate.close(actor=None, note="試験", now=clock())

    def meanwhile(now: datetime) -> CheckResult:
        gate.open_by_hand(actor=factories.operator(), note="急ぎ", now=clock.forward(seconds=1))
        gate.close(actor=None, note="もう一度戻した", now=clock.forward(seconds=1))
        return answer(True)(now)

    checks["slow"] = meanwhile

    assert not gate.run_checks(clock())
    assert gate.is_closed()


def test_only_operations_hold_and_release_with_a_reason() -> None:
    with pytest.raises(NotAllowed):
        gate.close(actor=factories.applicant(), note="x", now=NOW)
    with pytest.raises(NotAllowed):
        gate.open_by_hand(actor=factories.applicant(), note="x", now=NOW)
    with pytest.raises(TextMissing):
        gate.close(actor=factories.operator(), note=" ", now=NOW)


def test_holding_and_releasing_is_in_the_trail_and_on_the_screen(handler: FakeHandler) -> None:
    client = client_of(factories.operator())

    client.post("/operations/gate/close/", {"reason": "昨夜のバックアップを戻した。"})
    held = client.get("/operations/").content.decode()
    client.post("/operations/gate/open/", {"reason": "照合は別途行う。"})

    assert "昨夜のバックアップを戻した。" in held
    assert not gate.is_closed()
    actions = set(TrailEntry.objects.values_list("action", flat=True))
    assert {"gate.close", "gate.open"} <= actions


def test_a_reason_is_asked_for(client: Client) -> None:
    client = client_of(factories.operator())

    assert client.post("/operations/gate/close/", {"reason": ""}).status_code == 422
    assert not gate.is_closed()
    assert client_of(factories.user(Role.APPROVER)).get("/operations/gate/close/").status_code == 403


def test_whoever_restores_a_backup_holds_the_queue_on_the_command_line() -> None:
    call_command("hold_queue", "昨夜のバックアップを戻した。")

    assert gate.is_closed()
    assert QueueGate.objects.get().reason == gate.BY_OPERATOR


# --- what was done by hand ----------------------------------------------------------------------------------------------


class Recognising(FakeHandler):
    """A handler whose target shows by a marker what was done."""

    found: Any = None

    def recognise(self, run: Any) -> Any:
        return self.found


@pytest.fixture
def recognising(monkeypatch: pytest.MonkeyPatch, handler: FakeHandler) -> Recognising:
    from portal.fulfilment import registry
    from tests.fulfilment.support import KIND, TARGET

    made = Recognising()
    monkeypatch.setitem(registry._handlers, (KIND, TARGET, ""), made)
    return made


def test_what_carries_the_marker_is_recorded_as_done_by_hand(recognising: Recognising) -> None:
    from portal.fulfilment.after_stop import record_done_by_hand

    queued = operation()
    recognising.found = Done(evidence={"guid": "1"})

    result = record_done_by_hand(NOW)

    queued.refresh_from_db()
    assert (queued.status, queued.evidence, queued.fence) == ("DONE", {"guid": "1"}, 1)
    assert queued.events.last().verb == "verified"
    assert (result.complete, result.detail["found"]) == (True, 1)
    assert recognising.runs == []  # nothing was written


def test_what_was_done_otherwise_than_approved_goes_to_a_person(recognising: Recognising) -> None:
    from portal.fulfilment.after_stop import record_done_by_hand

    queued = operation()
    recognising.found = NeedsPerson(code="differs", message="所属が異なります。")

    result = record_done_by_hand(NOW)

    queued.refresh_from_db()
    assert (queued.status, queued.error_code) == ("ATTENTION", "differs")
    assert (result.complete, result.detail["differing"]) == (True, 1)


def test_what_waits_for_its_date_is_left_alone(recognising: Recognising) -> None:
    from portal.fulfilment.after_stop import record_done_by_hand

    queued = operation(not_before=NOW + timedelta(days=30))
    recognising.found = Done(evidence={"guid": "1"})

    assert record_done_by_hand(NOW).detail["looked"] == 0
    assert status(queued) == "WAITING"


@pytest.mark.parametrize(
    ("found", "complete"), [(None, True), (NotKnown(code="no_answer", message=""), False)]
)
def test_what_cannot_be_told_stays_in_the_queue(recognising: Recognising, found: Any, complete: bool) -> None:
    from portal.fulfilment.after_stop import record_done_by_hand

    queued = operation()
    recognising.found = found

    result = record_done_by_hand(NOW)

    assert status(queued) == "WAITING"
    assert result.complete is complete
