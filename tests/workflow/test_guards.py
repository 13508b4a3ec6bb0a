"""What no code can get past: the table of moves and the guards of the database."""

from __future__ import annotations

import dataclasses
from itertools import product

import pytest
from django.db import IntegrityError, ProgrammingError, connection, transaction

from portal.workflow import kinds
from portal.workflow.errors import MoveNotAllowed
from portal.workflow.models import (
    EDITABLE,
    FINAL,
    OPEN,
    TRANSITIONS,
    Application,
    ApplicationEvent,
    Status,
)
from tests.workflow import cards


@pytest.mark.parametrize(("source", "target"), list(product(Status, Status)))
def test_only_moves_of_the_table_are_possible(source: Status, target: Status) -> None:
    application = Application(number="K-1", status=source)

    if target in TRANSITIONS.get(source, frozenset()):
        application.move_to(target)
        assert application.status == target
    else:
        with pytest.raises(MoveNotAllowed) as caught:
            application.move_to(target)
        assert (caught.value.status, caught.value.target) == (source, target)
        assert application.status == source


def test_the_table_of_moves_is_complete() -> None:
    assert set(TRANSITIONS) == set(OPEN)  # nothing leaves a final status, nothing open is a dead end
    assert all(TRANSITIONS[status] for status in OPEN)
    assert set(EDITABLE) < set(OPEN)
    reached = {target for targets in TRANSITIONS.values() for target in targets}
    assert reached == set(Status) - {Status.DRAFT}
    assert set(FINAL) | set(OPEN) == set(Status)


def test_approval_cannot_be_jumped_over() -> None:
    into_fulfilment = {source for source, targets in TRANSITIONS.items() if Status.COMPLETED in targets}

    assert into_fulfilment == {Status.FULFILLING, Status.PARTLY_COMPLETED, Status.NEEDS_ATTENTION}
    assert {s for s, targets in TRANSITIONS.items() if Status.FULFILLING in targets} - into_fulfilment == {
        Status.IN_REVIEW
    }


@pytest.mark.django_db
@pytest.mark.parametrize(
    "change",
    [
        lambda: ApplicationEvent.system.update(comment="x"),
        lambda: ApplicationEvent.system.all()._raw_delete("default"),
        # The pending checks of foreign keys would be refused first.
        lambda: connection.cursor().execute(
            "SET CONSTRAINTS ALL IMMEDIATE; TRUNCATE workflow_applicationevent CASCADE"
        ),
    ],
    ids=["update", "delete", "truncate"],
)
def test_the_history_is_insert_only(change: object, office: cards.Office) -> None:  # SEC-02
    cards.draft(office.applicant)

    with pytest.raises(ProgrammingError, match="insert-only"), transaction.atomic():
        change()  # type: ignore[operator]

    assert ApplicationEvent.system.count() == 1


@pytest.mark.django_db
def test_the_database_refuses_an_unknown_status(office: cards.Office) -> None:
    application = cards.draft(office.applicant)

    with pytest.raises(IntegrityError):
        Application.system.filter(pk=application.pk).update(status="LOST")


@pytest.mark.django_db
def test_the_database_refuses_two_open_stages(office: cards.Office) -> None:
    application = cards.submitted(office.applicant)

    with pytest.raises(IntegrityError):
        application.stages.update(status="OPEN")


def test_a_kind_is_registered_once_and_needs_an_approval(world: cards.World) -> None:

    with pytest.raises(ValueError, match="twice"):
        kinds.register(cards.KIND)
    with pytest.raises(ValueError, match="no approval"):
        kinds.register(dataclasses.replace(cards.KIND, code="tests.free", default_route=()))
