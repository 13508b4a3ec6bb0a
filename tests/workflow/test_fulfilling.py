"""From operations back to the application (ACC-05): what their statuses make of it."""

from __future__ import annotations

import dataclasses
from itertools import combinations_with_replacement

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from portal.fulfilment import registry
from portal.fulfilment.models import Operation, OperationStatus
from portal.notices.models import Notice
from portal.workflow import fulfilling, kinds
from portal.workflow.fulfilling import result_text, status_of
from portal.workflow.models import TRANSITIONS, Application, Status
from portal.workflow.verbs import Verb
from tests.workflow import cards

WAITING, RUNNING, UNKNOWN = OperationStatus.WAITING, OperationStatus.RUNNING, OperationStatus.OUTCOME_UNKNOWN
ATTENTION, MANUAL = OperationStatus.ATTENTION, OperationStatus.MANUAL
DONE, CLOSED = OperationStatus.DONE, OperationStatus.CLOSED


@pytest.mark.parametrize(
    ("statuses", "expected"),
    [
        ((DONE, DONE), Status.COMPLETED),
        ((DONE, CLOSED), Status.COMPLETED),
        ((CLOSED, CLOSED), Status.NOT_DONE),
        ((DONE, WAITING), Status.PARTLY_COMPLETED),
        ((DONE, UNKNOWN, CLOSED), Status.PARTLY_COMPLETED),
        ((WAITING, RUNNING, UNKNOWN), Status.FULFILLING),
        ((CLOSED, WAITING), Status.FULFILLING),
        ((DONE, ATTENTION), Status.NEEDS_ATTENTION),
        ((WAITING, MANUAL), Status.NEEDS_ATTENTION),
    ],
)
def test_the_operations_decide_the_status(statuses: tuple[str, ...], expected: Status) -> None:
    assert status_of(statuses) == expected


def test_every_mix_of_operations_can_be_reached_from_every_open_status() -> None:
    for mix in combinations_with_replacement(OperationStatus.values, 3):
        target = status_of(mix)
        for status in (Status.FULFILLING, Status.PARTLY_COMPLETED, Status.NEEDS_ATTENTION):
            assert target == status or target in TRANSITIONS[status]


@pytest.fixture
def application(office: cards.Office) -> Application:
    return cards.approved(office.applicant, office.approver, office.operator, names=("sato", "ito"))


def change(application: Application, position: int, status: str, **fields: object) -> Application:
    operation = Operation.system.get(line__application=application, line__position=position)
    Operation.system.filter(pk=operation.pk).update(status=status, **fields)
    operation.refresh_from_db()
    fulfilling.operations_settled([operation], timezone.now())
    return Application.system.get(pk=application.pk)


@pytest.mark.django_db
def test_all_done_completes_it_frees_the_names_and_mails_the_applicant(
    application: Application,
) -> None:  # ACC-04
    assert change(application, 0, DONE).status == Status.PARTLY_COMPLETED
    done = change(application, 1, DONE)

    assert done.status == Status.COMPLETED
    assert done.completed_at is not None
    assert not done.lines.filter(is_open=True).exists()
    mail = Notice.system.get(template="application_completed")
    assert (mail.to_user, mail.context["not_done"]) == (application.applicant, 0)
    assert [e.verb for e in done.events.all()][-2:] == [Verb.PARTLY_COMPLETED, Verb.COMPLETED]


@pytest.mark.django_db
def test_the_last_operation_costs_the_same_for_two_lines_and_for_five(office: cards.Office) -> None:
    counts = []
    for names in (("sato", "ito"), ("kato", "mori", "ueda", "oda", "abe")):
        made = cards.approved(office.applicant, office.approver, office.operator, names=names)
        for position in range(len(names) - 1):
            change(made, position, DONE)
        with CaptureQueriesContext(connection) as captured:
            assert change(made, len(names) - 1, DONE).status == Status.COMPLETED
        counts.append(len(captured))

    assert counts[0] == counts[1]


@pytest.mark.django_db
def test_a_name_is_free_as_soon_as_its_line_is_settled(application: Application) -> None:  # ACC-06
    change(application, 0, DONE)

    assert [line.is_open for line in application.lines.all()] == [False, True]


@pytest.mark.django_db
def test_done_and_closed_completes_it_and_says_which_was_not_done(application: Application) -> None:
    change(application, 0, CLOSED, manual_note="すでに存在します")
    done = change(application, 1, DONE)

    assert done.status == Status.COMPLETED
    assert Notice.system.get(template="application_completed").context["not_done"] == 1
    first, second = done.lines.all()
    assert "すでに存在します" in result_text(first)
    assert result_text(second)


@pytest.mark.django_db
def test_all_closed_is_not_done(application: Application) -> None:
    change(application, 0, CLOSED)

    assert change(application, 1, CLOSED).status == Status.NOT_DONE


@pytest.mark.django_db
def test_attention_calls_operations_once_and_going_on_is_recorded(
    application: Application, office: cards.Office
) -> None:
    assert change(application, 0, ATTENTION).status == Status.NEEDS_ATTENTION
    change(application, 0, MANUAL)
    again = change(application, 0, WAITING)

    assert again.status == Status.FULFILLING
    assert again.events.last().verb == Verb.CONTINUED  # type: ignore[union-attr]
    assert Notice.system.get(template="application_needs_attention").to_user == office.operator


@pytest.mark.django_db
def test_a_claim_changes_nothing(application: Application) -> None:
    version = application.version

    assert change(application, 0, RUNNING).version == version


@pytest.mark.django_db
def test_a_kind_without_targets_is_complete_with_its_last_approval(
    office: cards.Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(kinds._kinds, cards.CODE, dataclasses.replace(cards.KIND, targets=()))

    application = cards.approved(office.applicant, office.approver, office.operator, names=("sato",))

    assert application.status == Status.COMPLETED
    assert not application.lines.filter(is_open=True).exists()


@pytest.mark.django_db
def test_fulfilment_calls_the_engine_when_an_operation_changes(application: Application) -> None:
    operation = Operation.system.filter(line__application=application).first()
    assert operation is not None
    operation.status = DONE
    operation.save()

    registry.tell_settled([operation], timezone.now())

    assert Application.system.get(pk=application.pk).status == Status.PARTLY_COMPLETED
