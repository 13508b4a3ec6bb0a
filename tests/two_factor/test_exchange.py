"""ACC-05 at the exchange folder: written once, waited for honestly, done by the acknowledgement, refused with its reason."""

from __future__ import annotations

import stat
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from portal.fulfilment import services as fulfilment
from portal.fulfilment.models import OperationStatus, TargetState
from portal.gateways import clock
from portal.gateways.exchange_folder import ExchangeFolder
from portal.gateways.two_factor import TARGET, Unavailable
from portal.orgs.permissions import Role
from portal.two_factor import batches, factory, services
from portal.two_factor.models import BatchState, ExchangeBatch, ExchangeRow
from portal.workflow.models import Status
from tests import factories
from tests.two_factor.world import Counterpart, application_of, beat, drain, fresh, registered, state

pytestmark = pytest.mark.django_db

WAITS = (OperationStatus.WAITING, "waits_for_answer")


def operator() -> Any:
    return factories.user(Role.OPERATOR, code="operations")


def test_a_written_row_waits_for_its_acknowledgement_and_burns_no_attempt(other_side: Counterpart) -> None:
    [operation] = registered()

    drain()
    waiting = fresh(operation)

    assert state(operation) == WAITS
    assert waiting.attempts == 0
    assert "1" in waiting.error_message  # the batch
    assert waiting.not_before > timezone.now() + timedelta(hours=23)
    assert other_side.references() == [str(operation.marker)]
    assert TargetState.objects.filter(target=TARGET, failures__gt=0).count() == 0


def test_an_acknowledged_row_is_done_with_evidence(other_side: Counterpart) -> None:
    [operation] = registered()
    drain()

    other_side.acknowledge()
    beat()
    done = fresh(operation)

    assert done.status == OperationStatus.DONE
    assert done.evidence["batch"] == 1
    assert done.evidence["acknowledgement"] == "ack-1.csv"
    assert len(done.evidence["row_sha256"]) == 64
    assert done.evidence["acknowledged_at"]
    assert ExchangeBatch.objects.get().state == BatchState.ACKNOWLEDGED
    assert application_of(operation).status == Status.COMPLETED


def test_a_refused_row_goes_to_a_person_with_the_reason_and_a_retry_writes_a_new_row(
    other_side: Counterpart,
) -> None:
    [operation] = registered()
    drain()

    other_side.acknowledge("NG", "ログイン名が長すぎます")
    beat()
    refused = fresh(operation)
    fulfilment.retry(operation_id=operation.pk, actor=operator(), now=timezone.now())
    drain()

    assert (refused.status, refused.error_code) == (OperationStatus.ATTENTION, "refused")
    assert "ログイン名が長すぎます" in refused.error_message
    assert state(operation) == WAITS
    assert other_side.references() == [str(operation.marker), f"{operation.marker}-2"]


def test_an_interrupted_attempt_after_a_refusal_writes_nothing_without_a_person(
    other_side: Counterpart,
) -> None:
    [operation] = registered()
    drain()
    other_side.acknowledge("NG", "x")
    beat()

    type(operation).system.filter(pk=operation.pk).update(
        status="OUTCOME_UNKNOWN", not_before=timezone.now()
    )  # as after a lost lease
    drain()

    assert state(operation) == (OperationStatus.ATTENTION, "refused")
    assert ExchangeRow.system.count() == 1


def test_an_overdue_acknowledgement_goes_to_a_person_who_may_wait_on(
    other_side: Counterpart, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.TWO_FACTOR = {**settings.TWO_FACTOR, "answer_hours": 2}
    [operation] = registered()
    drain()

    later = timezone.now() + timedelta(hours=2, minutes=1)
    monkeypatch.setattr(clock, "now", lambda: later)
    drain(later)
    overdue = state(operation)
    fulfilment.retry(operation_id=operation.pk, actor=operator(), now=later)
    drain(later)

    assert overdue == (OperationStatus.ATTENTION, "answer_overdue")
    assert state(operation) == WAITS
    assert fresh(operation).not_before > later + timedelta(hours=1)
    assert len(other_side.references()) == 1, "waiting on is not writing again"


def test_many_operations_of_one_drain_make_one_file(other_side: Counterpart) -> None:
    operations = registered(30)

    drain()

    assert other_side.files() == ["kokuho-000001.csv"]
    assert other_side.references() == [str(operation.marker) for operation in operations]
    assert {state(operation) for operation in operations} == {WAITS}


def test_a_batch_closes_after_its_seconds_or_its_rows(other_side: Counterpart, settings: Any) -> None:
    settings.TWO_FACTOR = {**settings.TWO_FACTOR, "batch_seconds": 30, "batch_rows": 2}
    registered(1)
    drain()
    after_one = other_side.files()
    registered(2)
    drain()
    after_three = other_side.files()

    services.exchange(timezone.now() + timedelta(seconds=31))

    assert after_one == []
    assert after_three == ["kokuho-000001.csv"]
    assert [len(other_side.rows(name)) for name in other_side.files()] == [2, 1]


def test_each_row_is_an_operation_of_its_own(other_side: Counterpart) -> None:
    first, second, third = registered(3)
    drain()

    references = other_side.references()
    other_side.answer([(references[2], "NG", "重複"), (references[0], "OK", "")])  # reordered, one missing
    beat()

    assert fresh(first).status == OperationStatus.DONE
    assert state(second) == WAITS
    assert state(third) == (OperationStatus.ATTENTION, "refused")
    assert ExchangeBatch.objects.get().state == BatchState.WRITTEN


def test_what_cannot_be_encoded_is_named_and_the_other_rows_go_out(other_side: Counterpart) -> None:
    strange, plain = registered(2)
    from accounts.models import DirectoryAccount

    DirectoryAccount.system.filter(last_line=strange.line).update(family_name="𠮷田")
    drain()
    beat()

    assert state(strange) == (OperationStatus.ATTENTION, "unwritable")
    assert "𠮷" in fresh(strange).error_message
    assert other_side.references() == [str(plain.marker)]


def test_files_are_readable_by_their_owner_only_and_go_after_their_days(other_side: Counterpart) -> None:
    registered(2)
    drain()
    mode = stat.S_IMODE((other_side.folder / "out" / "kokuho-000001.csv").stat().st_mode)
    other_side.acknowledge()
    beat()

    kept = services.remove_old_files(timezone.now() + timedelta(days=6))
    removed = services.remove_old_files(timezone.now() + timedelta(days=8))

    assert mode == 0o600
    assert (kept, removed) == (0, 2)
    assert other_side.files() == []
    assert list((other_side.folder / "read").iterdir()) == []
    assert batches.content_of(ExchangeBatch.objects.get()).count(b"\r\n") == 3, (
        "the ledger still knows the rows"
    )


@pytest.mark.parametrize("trouble", ["missing", "read_only", "full"])
def test_a_folder_that_cannot_be_used_is_a_target_that_is_down(
    other_side: Counterpart, monkeypatch: pytest.MonkeyPatch, trouble: str
) -> None:
    operations = registered(2)
    _break(other_side, trouble, monkeypatch)

    for minute in range(4):
        drain(timezone.now() + timedelta(minutes=minute))
        services.exchange(timezone.now() + timedelta(minutes=minute, seconds=30))
    down = TargetState.objects.get(target=TARGET)
    waiting = {(fresh(o).status, fresh(o).attempts) for o in operations}
    _mend(other_side, trouble, monkeypatch)
    for minute in range(20, 60, 10):
        beat(timezone.now() + timedelta(minutes=minute))

    assert down.opened_at is not None
    assert waiting == {(OperationStatus.WAITING, 0)}
    assert sorted(other_side.references()) == sorted(str(operation.marker) for operation in operations)


def _break(other_side: Counterpart, trouble: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if trouble == "missing":
        other_side.folder.rename(other_side.folder.with_name("away"))
        return
    code = {"read_only": 30, "full": 28}[trouble]

    def fail(*args: Any, **kwargs: Any) -> None:
        raise OSError(code, "no")

    # The tests may run as root, whom no permission stops.
    monkeypatch.setattr("portal.gateways.exchange_folder._write", fail)


def _mend(other_side: Counterpart, trouble: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if trouble == "missing":
        other_side.folder.with_name("away").rename(other_side.folder)
        return
    monkeypatch.undo()


def test_while_the_target_is_paused_nothing_is_handed_over(other_side: Counterpart) -> None:
    [operation] = registered()
    person = operator()
    fulfilment.pause_target(target=TARGET, actor=person, now=timezone.now())
    ExchangeRow.system.create(
        organisation=operation.organisation,
        operation=operation,
        reference=str(operation.marker),
        action="add",
        values=_values(operation),
        created_at=timezone.now(),
    )

    services.exchange(timezone.now())
    paused = other_side.files()
    fulfilment.resume_target(target=TARGET, actor=person, now=timezone.now())
    services.exchange(timezone.now())

    assert paused == []
    assert other_side.references() == [str(operation.marker)]


def _values(operation: Any) -> dict[str, Any]:
    from dataclasses import asdict

    from accounts.models import DirectoryAccount
    from accounts.two_factor import person_of

    return asdict(person_of(DirectoryAccount.system.get(last_line=operation.line), enabled=True))


def test_a_file_of_the_same_name_that_others_put_there_is_never_overwritten(other_side: Counterpart) -> None:
    foreign = other_side.folder / "out" / "kokuho-000001.csv"
    foreign.write_bytes(b"foreign")
    registered()

    drain()
    stuck = ExchangeBatch.objects.get()
    untouched = foreign.read_bytes()
    foreign.unlink()
    services.exchange(timezone.now())

    assert "kokuho-000001.csv" in stuck.problem
    assert untouched == b"foreign"
    assert len(other_side.references()) == 1


def test_done_by_hand_is_verified_by_the_acknowledgement(other_side: Counterpart) -> None:
    [operation] = registered()
    drain()
    person = operator()
    fulfilment.take_by_hand(operation_id=operation.pk, actor=person, now=timezone.now())
    other_side.acknowledge()
    services.exchange(timezone.now())

    done = fulfilment.record_done(
        operation_id=operation.pk, actor=person, note="画面で登録", now=timezone.now()
    )

    assert (done.status, done.evidence["batch"]) == (OperationStatus.DONE, 1)


def test_done_by_hand_without_acknowledgement_needs_a_second_person(other_side: Counterpart) -> None:
    [operation] = registered()
    first, second = operator(), operator()
    fulfilment.take_by_hand(operation_id=operation.pk, actor=first, now=timezone.now())

    def record(actor: Any) -> Any:
        return fulfilment.record_done(
            operation_id=operation.pk, actor=actor, note="画面で登録", now=timezone.now()
        )

    alone = record(first).status
    again = record(first)
    confirmed = record(second)

    assert alone == OperationStatus.MANUAL
    assert again.error_code == "second_person"
    assert confirmed.status == OperationStatus.DONE
    assert confirmed.evidence["verified_by"] == "second_person"
    assert (confirmed.evidence["done_by"], confirmed.evidence["person"]) == (first.pk, second.pk)


def test_what_a_person_took_by_hand_goes_into_no_file(other_side: Counterpart, settings: Any) -> None:
    settings.TWO_FACTOR = {**settings.TWO_FACTOR, "batch_seconds": 30}
    [operation] = registered()
    drain()
    fulfilment.take_by_hand(operation_id=operation.pk, actor=operator(), now=timezone.now())

    services.exchange(timezone.now() + timedelta(minutes=1))

    assert other_side.files() == []


def test_a_worker_late_by_a_whole_batch_puts_nothing_back(other_side: Counterpart) -> None:
    registered()
    folder = factory.exchange_folder()
    batches_of_two = []
    original = ExchangeFolder.stage

    def stage(self: ExchangeFolder, staged: str, data: bytes) -> None:
        original(self, staged, data)
        if not batches_of_two:  # meanwhile another worker does the whole batch, and the file is taken away
            batches_of_two.append(staged)
            assert batches.publish(ExchangeBatch.objects.get(), folder, timezone.now())
            (other_side.folder / "out" / "kokuho-000001.csv").unlink()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ExchangeFolder, "stage", stage)
        drain()
    services.exchange(timezone.now())

    assert other_side.files() == []
    assert list((other_side.folder / ".staging").iterdir()) == []


def test_the_ping_of_a_missing_folder_says_so(other_side: Counterpart) -> None:
    other_side.folder.rename(other_side.folder.with_name("away"))

    with pytest.raises(Unavailable):
        factory.exchange_folder().ping()
