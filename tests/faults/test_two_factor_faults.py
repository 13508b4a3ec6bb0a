"""Fault case 17 and its neighbours: the second target fails or its worker dies. Nothing is undone, nothing is written twice."""

from __future__ import annotations

import os
import signal
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from portal.fulfilment import services
from portal.fulfilment.models import Operation, OperationStatus
from portal.gateways.two_factor import TARGET
from portal.notices.models import Notice
from portal.two_factor.models import BatchState, ExchangeBatch, ExchangeRow, RowState
from portal.workflow.models import Application, Status
from tests import journeys
from tests.faults import two_factor_worker, worker
from tests.lab import Lab
from tests.two_factor.world import Counterpart, beat, drain, use_exchange

pytestmark = pytest.mark.slow

KILLED_AT = ["before_row", "after_row", "after_stage", "after_publish", "before_record", "after_apply"]


@pytest.fixture
def other_side(lab: Lab, tmp_path: Path, settings: Any) -> Counterpart:
    return use_exchange(settings, tmp_path / "exchange")


def second(application: Application) -> Operation:
    """Its operation at the two-factor system."""
    return next(o for o in journeys.operations(application) if o.target == TARGET)


def go_on(lab: Lab, rounds: int = 4) -> None:
    """What beat and new workers do while time goes by, at both targets."""
    for number in range(rounds):
        moment = timezone.now() + timedelta(minutes=10 * (number + 1))
        services.sweep(moment)
        services.drain("directory", now_fn=lambda moment=moment: moment)  # type: ignore[misc]
        beat(moment)


def dies(point: str) -> None:
    """A worker that kills itself at a point of the exchange."""
    assert worker.fork(lambda: two_factor_worker.work(point)).wait() == -signal.SIGKILL


# fault case 17
def test_case_17_the_second_target_fails_after_ad_succeeded(lab: Lab, other_side: Counterpart) -> None:
    application = journeys.approved(lab.cast)
    other_side.folder.rename(other_side.folder.with_name("away"))

    services.drain("directory", now_fn=timezone.now)
    drain()
    application.refresh_from_db()
    partly, waiting = application.status, second(application)
    passwords = len(lab.passwords())
    other_side.folder.with_name("away").rename(other_side.folder)
    go_on(lab)
    other_side.acknowledge()
    go_on(lab)

    application.refresh_from_db()
    name = application.lines.get().payload["login_name"]
    assert partly == Status.PARTLY_COMPLETED, (
        "AD done, the two-factor system waiting: neither repeated nor rolled back"
    )
    assert (waiting.status, waiting.attempts) == (OperationStatus.WAITING, 0)
    assert lab.entry(name) is not None
    assert len(lab.passwords()) == passwords == 1
    assert application.status == Status.COMPLETED
    assert other_side.references() == [str(second(application).marker)]
    assert Notice.system.filter(template="application_completed").count() == 1


# fault case 17
def test_case_17_a_refusal_of_the_second_target_keeps_the_account(lab: Lab, other_side: Counterpart) -> None:
    application = journeys.approved(lab.cast)
    services.drain("directory", now_fn=timezone.now)
    drain()

    other_side.acknowledge("NG", "上限を超えています")
    beat()

    application.refresh_from_db()
    entry = lab.entry(application.lines.get().payload["login_name"])
    assert application.status == Status.NEEDS_ATTENTION
    assert entry is not None
    assert entry.enabled


# fault case 1
@pytest.mark.parametrize("point", KILLED_AT)
def test_a_worker_killed_at_any_point_writes_one_row(lab: Lab, other_side: Counterpart, point: str) -> None:
    application = journeys.approved(lab.cast)
    services.drain("directory", now_fn=timezone.now)
    if point == "after_apply":
        drain()
        other_side.acknowledge()

    dies(point)
    go_on(lab)
    if point != "after_apply":
        other_side.acknowledge()
        go_on(lab)

    application.refresh_from_db()
    assert application.status == Status.COMPLETED, second(application).error_message
    assert other_side.references() == [str(second(application).marker)]
    assert os.listdir(other_side.folder / ".staging") == []


# fault case 1
def test_a_file_that_was_taken_away_before_its_writer_died_is_not_written_again(
    lab: Lab, other_side: Counterpart
) -> None:
    application = journeys.approved(lab.cast)
    services.drain("directory", now_fn=timezone.now)
    dies("after_publish")
    taken = (other_side.folder / "out" / "kokuho-000001.csv").read_bytes()
    (other_side.folder / "out" / "kokuho-000001.csv").unlink()

    go_on(lab)

    assert str(second(application).marker).encode() in taken
    assert other_side.files() == []
    assert second(application).error_code == "waits_for_answer"


# fault case 4
def test_two_workers_at_once_write_one_row(lab: Lab, other_side: Counterpart) -> None:
    application = journeys.approved(lab.cast)
    services.drain("directory", now_fn=timezone.now)

    services.drain(TARGET, now_fn=timezone.now, hands=3)
    go_on(lab)

    assert other_side.references() == [str(second(application).marker)]


def restore(moment: str) -> None:
    """Put the ledger back to what last night's backup held of a file that was handed over since."""
    Operation.system.filter(target=TARGET).update(status=OperationStatus.WAITING, not_before=timezone.now())
    values: dict[str, Any] = {"state": RowState.PENDING, "batch": None, "position": 0, "sha256": ""}
    if moment == "batch being written":
        ExchangeBatch.objects.update(state=BatchState.PREPARING, staged_name="", sha256="", written_at=None)
        return
    ExchangeRow.system.update(**values)
    if moment == "operation queued":
        ExchangeRow.system.all().delete()
    ExchangeBatch.objects.all().delete()


# fault case 22
@pytest.mark.parametrize("moment", ["operation queued", "row pending", "batch being written"])
def test_case_22_what_was_handed_over_before_a_restore_is_not_handed_over_again(
    lab: Lab, other_side: Counterpart, moment: str
) -> None:
    application = journeys.approved(lab.cast)
    services.drain("directory", now_fn=timezone.now)
    drain()
    beat()
    (first,) = other_side.files()
    out = other_side.folder / "out"
    taken = out / first
    content = taken.read_bytes()
    taken.unlink()  # the other system has it

    restore(moment)
    later = journeys.approved(lab.cast)
    go_on(lab)

    (newer,) = other_side.files()
    assert newer != first
    assert other_side.references() == [str(second(later).marker)], "only what is new"
    assert second(application).status == OperationStatus.WAITING
    (out / newer).unlink()
    taken.write_bytes(content)  # for the counterpart, which answers what it finds
    other_side.acknowledge()
    go_on(lab)
    application.refresh_from_db()
    assert application.status == Status.COMPLETED, second(application).error_message
