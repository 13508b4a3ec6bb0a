"""A freeze holds back what is due, says so to the applicant, and lets go by itself."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.db import DatabaseError, transaction
from django.utils import timezone

from portal.common.time import JST
from portal.fulfilment import running
from portal.fulfilment.errors import MoveNotAllowed, NotAllowed
from portal.fulfilment.freezes import services
from portal.fulfilment.freezes.models import FreezeException, FreezePeriod
from portal.fulfilment.freezes.services import FreezeRefused, NewFreeze
from portal.fulfilment.models import Operation
from portal.workflow import content
from portal.workflow import services as workflow
from portal.workflow.errors import InvalidApplication
from portal.workflow.models import Application
from tests import factories
from tests.roles import client_of
from tests.workflow import cards

pytestmark = pytest.mark.django_db

NOW = timezone.now()
HOUR = dt.timedelta(hours=1)


@pytest.fixture
def office(monkeypatch: pytest.MonkeyPatch) -> cards.Office:
    cards.use_kind(monkeypatch)
    return cards.Office()


@pytest.fixture
def operation(office: cards.Office) -> Operation:
    cards.approved(office.applicant, office.approver, office.operator, names=("sato",))
    return Operation.system.get()


def freeze(operator: Any, **values: Any) -> FreezePeriod:
    defaults = {"starts_at": NOW - HOUR, "ends_at": NOW + HOUR, "effect": "REFUSE", "reason": "年末の凍結"}
    return services.enter(NewFreeze(**defaults | values), actor=operator, now=NOW)


def work(at: dt.datetime) -> Operation:
    """One round of a worker; the cards have no handler, so what is let go asks for a person."""
    running.drain("paper", now_fn=lambda: at)
    return Operation.system.get()


def test_what_is_due_in_a_freeze_waits_says_so_and_goes_on_by_itself(
    operation: Operation, office: cards.Office
) -> None:
    held = freeze(office.operator)

    waiting = work(NOW + HOUR / 2)
    assert (waiting.status, waiting.error_code, waiting.attempts) == ("WAITING", "waits_for_freeze", 0)
    assert "年末の凍結" in waiting.waits_for
    assert waiting.not_before == held.ends_at
    assert Application.system.get().status == "FULFILLING"

    assert work(NOW + HOUR).error_code == "no_handler"


@pytest.mark.parametrize(
    ("values", "holds"),
    [
        ({"effect": "WARN"}, False),
        ({"starts_at": NOW + HOUR / 4 * 3}, False),
        ({"kind": cards.CODE}, True),
        ({"kind": "accounts.register"}, False),
        ({"target": "paper"}, True),
        ({"target": "directory"}, False),
        ({"organisation": "13"}, True),
        ({"organisation": "27"}, False),
    ],
)
def test_a_freeze_holds_only_what_it_names(
    operation: Operation, office: cards.Office, values: dict[str, Any], holds: bool
) -> None:
    if "organisation" in values:
        values = values | {"organisation": factories.organisation(values["organisation"])}
    freeze(office.operator, **values)

    assert (work(NOW + HOUR / 2).error_code == "waits_for_freeze") is holds


def test_what_began_before_the_freeze_is_found_out(operation: Operation, office: cards.Office) -> None:
    Operation.system.update(status="OUTCOME_UNKNOWN", attempts=1)
    freeze(office.operator)

    assert work(NOW + HOUR / 2).error_code == "no_handler"


def test_ending_a_freeze_wakes_what_waited(operation: Operation, office: cards.Office) -> None:
    held = freeze(office.operator)
    work(NOW + HOUR / 2)
    services.end(freeze_id=held.pk, actor=office.operator, now=NOW + HOUR / 2)

    assert work(NOW + HOUR / 2).error_code == "no_handler"
    with pytest.raises(MoveNotAllowed):
        services.end(freeze_id=held.pk, actor=office.operator, now=NOW + HOUR)


def test_operations_let_one_change_through_with_a_reason_where_the_freeze_allows_it(
    operation: Operation, office: cards.Office
) -> None:
    strict = freeze(office.operator)
    work(NOW + HOUR / 2)
    call = {"operation_id": operation.pk, "reason": "監査のため", "now": NOW + HOUR / 2}
    with pytest.raises(MoveNotAllowed):
        services.let_through(actor=office.operator, **call)
    services.end(freeze_id=strict.pk, actor=office.operator, now=NOW + HOUR / 2)
    freeze(office.operator, may_override=True, ends_at=NOW + 2 * HOUR)
    work(NOW + HOUR / 2)
    with pytest.raises(NotAllowed):
        services.let_through(actor=office.approver, **call)

    page = client_of(office.operator).get(f"/operations/{operation.pk}/").content.decode()
    assert "let-through" in page
    services.let_through(actor=office.operator, **call)

    assert work(NOW + HOUR / 2).error_code == "no_handler"
    with pytest.raises(DatabaseError), transaction.atomic():
        FreezeException.system.update(reason="")


@pytest.mark.parametrize(("may_override", "refused"), [(False, True), (True, False)])
def test_a_date_in_a_freeze_is_refused_at_entry_or_told(
    office: cards.Office, may_override: bool, refused: bool
) -> None:
    day = timezone.localdate() + dt.timedelta(days=3)
    midnight = dt.datetime.combine(day, dt.time(), JST)
    freeze(office.operator, starts_at=midnight - HOUR, ends_at=midnight + HOUR, may_override=may_override)
    made = cards.draft(office.applicant, "sato", desired_on=day)

    if refused:
        with pytest.raises(InvalidApplication) as error:
            cards.submit(made)
        assert "年末の凍結" in error.value.errors["desired_on"][0]
        later = content.Content(
            reason=made.reason,
            desired_on=day + dt.timedelta(days=1),
            lines=tuple(line.payload for line in made.lines.all()),
        )
        workflow.save_draft(
            application_id=made.pk, actor=office.applicant, content=later, version=None, now=NOW
        )
    assert cards.submit(made).status == "IN_REVIEW"


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"ends_at": NOW - 2 * HOUR}, "ends_at"),
        ({"starts_at": NOW - 3 * HOUR, "ends_at": NOW - HOUR}, "ends_at"),
        ({"ends_at": NOW + dt.timedelta(days=100)}, "ends_at"),
    ],
)
def test_times_that_make_no_sense_are_refused(
    office: cards.Office, values: dict[str, Any], field: str
) -> None:
    with pytest.raises(FreezeRefused) as refused:
        freeze(office.operator, **values)

    assert refused.value.field == field
