"""ACC-05: Active Directory first, the two-factor system after it; one waiting is shown as partly completed (一部完了)."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils import timezone

from accounts.kinds import PASSWORD_RESET, REGISTER
from accounts.models import DirectoryAccount
from portal.fulfilment import selectors
from portal.fulfilment.models import Operation, OperationStatus
from portal.gateways.two_factor import TARGET
from portal.notices.models import Notice
from portal.two_factor import services
from portal.workflow import fulfilling, kinds
from portal.workflow.models import Status
from tests import factories
from tests.two_factor.world import (
    Counterpart,
    application_of,
    beat,
    drain,
    fresh,
    registered,
    settle_directory,
    state,
)

pytestmark = pytest.mark.django_db(transaction=True)


def queued(application: Any) -> list[str]:
    fulfilling.start(application, timezone.now())
    return list(Operation.system.filter(line__application=application).values_list("target", flat=True))


def test_without_a_two_factor_system_a_registration_has_one_operation(settings: Any) -> None:
    paper = factories.application(kind=REGISTER, status=Status.FULFILLING)
    factories.line({}, application=paper)

    assert queued(paper) == ["directory"]


def test_with_one_a_registration_has_two_and_a_reset_one(other_side: Counterpart) -> None:
    paper = factories.application(kind=REGISTER, status=Status.FULFILLING)
    factories.line({}, application=paper)
    reset = factories.application(kind=PASSWORD_RESET, status=Status.FULFILLING)
    factories.line({}, application=reset)

    assert queued(paper) == ["directory", "two_factor"]
    assert queued(reset) == ["directory"]
    assert fulfilling.targets_of(kinds.get(REGISTER)) == ("directory", "two_factor")


def test_the_second_target_waits_until_the_first_is_done(other_side: Counterpart) -> None:
    [operation] = registered(directory=OperationStatus.RUNNING)

    drain()
    waiting = fresh(operation)
    settle_directory(operation, OperationStatus.DONE)
    drain()

    assert (waiting.status, waiting.error_code) == (OperationStatus.WAITING, "waits_for_directory")
    assert waiting.attempts == 0
    assert state(operation) == (OperationStatus.WAITING, "waits_for_answer")
    assert other_side.references() == [str(operation.marker)]


def test_before_the_account_is_there_the_work_sheet_says_so(other_side: Counterpart) -> None:
    [operation] = registered(directory=OperationStatus.ATTENTION)
    DirectoryAccount.system.all().delete()

    [(_label, text)] = selectors.work_sheet(
        fresh(operation)
    )  # ACC-12: the page and the continuity pack show it

    assert "Active Directory" in text


def test_a_follower_that_nobody_woke_is_found_by_the_minute(other_side: Counterpart) -> None:
    [operation] = registered(directory=OperationStatus.RUNNING)
    drain()
    Operation.system.filter(line=operation.line, target="directory").update(status=OperationStatus.DONE)

    services.exchange(timezone.now())
    drain()

    assert state(operation) == (OperationStatus.WAITING, "waits_for_answer")


def test_the_history_says_once_what_it_waits_for(other_side: Counterpart) -> None:
    [operation] = registered(directory=OperationStatus.RUNNING)

    for _ in range(3):
        Operation.system.filter(pk=operation.pk).update(not_before=timezone.now())
        drain()

    assert list(operation.events.values_list("verb", flat=True)).count("awaits") == 1


def test_closed_in_active_directory_closes_the_second_target_too(other_side: Counterpart) -> None:
    [operation] = registered(directory=OperationStatus.CLOSED)

    drain()
    closed = fresh(operation)

    assert closed.status == OperationStatus.CLOSED
    assert closed.manual_note
    assert other_side.files() == []
    assert application_of(operation).status == Status.NOT_DONE


def test_done_in_one_and_waiting_in_the_other_is_partly_completed_and_told_once_at_the_end(
    other_side: Counterpart,
) -> None:
    [operation] = registered(directory=OperationStatus.RUNNING)
    settle_directory(operation, OperationStatus.DONE)
    partly = application_of(operation).status
    mails_between = Notice.system.filter(template="application_completed").count()

    drain()
    other_side.acknowledge()
    beat()

    assert partly == Status.PARTLY_COMPLETED
    assert mails_between == 0
    assert application_of(operation).status == Status.COMPLETED
    assert Notice.system.filter(template="application_completed").count() == 1


def test_an_account_deleted_meanwhile_is_not_added(other_side: Counterpart) -> None:
    [operation] = registered()
    DirectoryAccount.system.filter(last_line=operation.line).update(state=DirectoryAccount.State.DELETED)

    drain()

    assert fresh(operation).status == OperationStatus.CLOSED
    assert other_side.files() == []


def test_the_order_follows_the_register(other_side: Counterpart) -> None:
    [operation] = registered()
    DirectoryAccount.system.filter(last_line=operation.line).update(department="総務課")

    drain()
    [row] = other_side.rows("kokuho-000001.csv")

    assert row["所属"] == "総務課"
    assert row["処理区分"] == "A"
    assert row["有効"] == "1"
    assert operation.target == TARGET
