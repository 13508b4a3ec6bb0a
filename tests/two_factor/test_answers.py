"""Acknowledgement files as they come in life: half-written, foreign, twice, reordered, malformed. Each has its answer."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from portal.fulfilment.models import OperationStatus
from portal.notices.models import Notice
from portal.orgs.permissions import Role
from portal.two_factor import acknowledgements, services
from portal.two_factor.acknowledgements import KnownFile
from portal.two_factor.models import AnswerFile, ExchangeRow, RowState
from tests import factories
from tests.two_factor.world import Counterpart, beat, drain, fresh, registered, state

pytestmark = pytest.mark.django_db

WAITS = (OperationStatus.WAITING, "waits_for_answer")


def problems() -> list[str]:
    """What operations are told about the newest file."""
    file = AnswerFile.objects.first()
    return [] if file is None else [text for _, text in file.problems]


def lies_in(other_side: Counterpart, folder: str) -> int:
    return len(list((other_side.folder / folder).iterdir()))


@pytest.fixture
def waiting(other_side: Counterpart) -> Any:
    """One operation whose row was handed over, and somebody who is told of problems."""
    factories.user(Role.OPERATOR, code="operations")
    [operation] = registered()
    drain()
    return operation


def test_a_file_that_is_still_being_written_is_left_alone(other_side: Counterpart, waiting: Any) -> None:
    text = f"照合番号,結果,理由\r\n{waiting.marker},O".encode("cp932")
    other_side.put("ack.csv", text)
    other_side.put("ack2.csv.tmp", b"x")
    other_side.answer([(str(waiting.marker), "OK", "")], name="young.csv", age=timedelta(0))

    beat()
    early = state(waiting)
    other_side.put("ack.csv", text + b"K\r\n")
    beat()

    assert early == WAITS
    assert fresh(waiting).status == OperationStatus.DONE


def test_a_file_without_a_last_line_end_is_read_after_ten_minutes(
    other_side: Counterpart, waiting: Any
) -> None:
    text = f"照合番号,結果,理由\r\n{waiting.marker},OK,".encode("cp932")
    other_side.put("ack.csv", text, age=timedelta(minutes=11))

    beat()

    assert fresh(waiting).status == OperationStatus.DONE


def test_a_row_that_is_not_ours_is_named_and_the_rest_counts(other_side: Counterpart, waiting: Any) -> None:
    other_side.answer([("0000-foreign", "OK", ""), (str(waiting.marker), "OK", "")])

    beat()

    assert fresh(waiting).status == OperationStatus.DONE
    assert AnswerFile.objects.get().problems == [[2, problems()[0]]]
    assert Notice.system.filter(template="exchange_problem").count() == 1


def test_the_same_file_twice_is_applied_once_and_said(other_side: Counterpart, waiting: Any) -> None:
    lines = [(str(waiting.marker), "OK", "")]
    other_side.answer(lines)
    beat()

    other_side.answer(lines, name="again.csv")
    beat()

    assert AnswerFile.objects.count() == 1
    assert "again.csv" in problems()[0]
    assert (lies_in(other_side, "read"), lies_in(other_side, "rejected")) == (1, 1)


def test_a_worker_that_dies_before_putting_a_file_away_leaves_no_problem(
    other_side: Counterpart, waiting: Any
) -> None:
    path = other_side.answer([(str(waiting.marker), "OK", "")])
    acknowledgements.apply(name=path.name, data=path.read_bytes(), now=timezone.now())

    beat()

    assert fresh(waiting).status == OperationStatus.DONE
    assert problems() == []
    assert (lies_in(other_side, "in"), lies_in(other_side, "read")) == (0, 1)


def test_a_second_file_with_the_same_result_changes_nothing(other_side: Counterpart, waiting: Any) -> None:
    other_side.answer([(str(waiting.marker), "OK", "")])
    beat()

    other_side.answer([(str(waiting.marker), "OK", "x")], name="ack-2.csv")
    beat()

    assert AnswerFile.objects.first().known_count == 1  # type: ignore[union-attr]
    assert problems() == []


def test_a_refusal_after_done_is_not_taken_over(other_side: Counterpart, waiting: Any) -> None:
    other_side.answer([(str(waiting.marker), "OK", "")])
    beat()

    other_side.answer([(str(waiting.marker), "NG", "x")], name="ack-2.csv")
    beat()

    assert ExchangeRow.system.get().state == RowState.DONE
    assert fresh(waiting).status == OperationStatus.DONE
    assert len(problems()) == 1


def test_done_after_a_refusal_counts_once_a_person_retries(other_side: Counterpart, waiting: Any) -> None:
    from portal.fulfilment import services as fulfilment

    other_side.answer([(str(waiting.marker), "NG", "x")])
    beat()
    other_side.answer([(str(waiting.marker), "OK", "")], name="ack-2.csv")
    beat()

    person = factories.user(Role.OPERATOR, code="operations")
    fulfilment.retry(operation_id=waiting.pk, actor=person, now=timezone.now())
    drain()

    assert fresh(waiting).status == OperationStatus.DONE
    assert len(other_side.references()) == 1


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x00\xff\xfe\x80",
        "照合番号,結果".encode("utf-16"),
        "番号,結果,理由\r\n1,OK,\r\n".encode("cp932"),
        "照合番号,結果,理由\r\n".encode("cp932"),
    ],
    ids=["empty", "binary", "encoding", "column", "no_rows"],
)
def test_a_malformed_file_is_put_aside_with_the_reason(
    other_side: Counterpart, waiting: Any, data: bytes
) -> None:
    other_side.put("bad.csv", data, age=timedelta(minutes=20))

    beat()

    assert AnswerFile.objects.get().is_rejected
    assert len(problems()) == 1
    assert (lies_in(other_side, "in"), lies_in(other_side, "rejected")) == (0, 1)
    assert state(waiting) == WAITS


def test_an_unknown_result_and_a_short_line_are_named_by_line(other_side: Counterpart, waiting: Any) -> None:
    other_side.answer([(str(waiting.marker), "MAYBE\x07", ""), ("short",), (str(waiting.marker), "", "")])

    beat()

    assert [line for line, _ in AnswerFile.objects.get().problems] == [2, 3, 4]
    assert "MAYBE" in problems()[0]
    assert state(waiting) == WAITS


def test_an_answer_before_the_file_was_handed_over_is_nobodys(other_side: Counterpart, settings: Any) -> None:
    settings.TWO_FACTOR = {**settings.TWO_FACTOR, "batch_seconds": 600}
    [operation] = registered()
    drain()

    other_side.answer([(str(operation.marker), "OK", "")])
    beat()

    assert state(operation) == WAITS
    assert len(problems()) == 1


def test_an_uploaded_file_is_applied_like_one_from_the_folder(other_side: Counterpart, waiting: Any) -> None:
    person = factories.user(Role.OPERATOR, code="operations")
    data = f"照合番号,結果,理由\r\n{waiting.marker},OK,\r\n".encode("cp932")

    file = services.upload_answer(actor=person, name="../../etc/ack.csv", data=data, now=timezone.now())
    beat()
    with pytest.raises(KnownFile):
        services.upload_answer(actor=person, name="ack.csv", data=data, now=timezone.now())

    assert (file.name, file.uploaded_by) == ("ack.csv", person)
    assert fresh(waiting).status == OperationStatus.DONE


def test_a_wake_that_was_missed_comes_with_the_next_minute(other_side: Counterpart, waiting: Any) -> None:
    data = f"照合番号,結果,理由\r\n{waiting.marker},OK,\r\n".encode("cp932")
    acknowledgements.apply(name="a.csv", data=data, now=timezone.now())
    type(waiting).system.filter(pk=waiting.pk).update(not_before=timezone.now() + timedelta(hours=9))

    beat()

    assert fresh(waiting).status == OperationStatus.DONE
