"""Accounts that operations made by hand, and what the register says of those that were written (ACC-12)."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from accounts.models import DirectoryAccount
from accounts.registering import RegisterHandler
from portal.fulfilment import services
from portal.fulfilment.models import Operation, OperationStatus
from tests import factories
from tests.accounts.world import PostOffice, attempt, registration
from tests.fakes import FakeDirectory, users_ou

pytestmark = pytest.mark.django_db


def by_hand(operation: Operation, operator: Any) -> None:
    services.take_by_hand(operation_id=operation.pk, actor=operator, now=operation.created_at)


def record(operation: Operation, operator: Any) -> Operation:
    return services.record_done(
        operation_id=operation.pk, actor=operator, note="手作業で登録", now=operation.created_at
    )


def test_work_done_by_hand_is_verified_and_entered(
    directory: FakeDirectory, post: PostOffice
) -> None:  # ACC-12
    operation, operator = registration(), factories.operator()
    by_hand(operation, operator)
    made = directory.add(
        "tk0412-suzuki",
        container_dn=users_ou("13"),
        display_name="鈴木 美咲",
        family_name="鈴木",
        given_name="美咲",
        kana="スズキ ミサキ",
        department="審査第二課",
        company=factories.organisation("13").name,
    )

    operation = record(operation, operator)

    assert operation.status == OperationStatus.DONE
    assert DirectoryAccount.system.get().object_guid == made.guid
    assert not post.delivered


def test_work_done_otherwise_than_approved_stays_open(directory: FakeDirectory, post: PostOffice) -> None:
    operation, operator = registration(), factories.operator()
    by_hand(operation, operator)
    directory.add("tk0412-suzuki", container_dn=users_ou("27"))

    operation = record(operation, operator)

    assert (operation.status, operation.error_code) == (OperationStatus.MANUAL, "differs")
    assert not DirectoryAccount.system.exists()


def test_work_that_was_not_done_stays_open(directory: FakeDirectory, post: PostOffice) -> None:
    operation, operator = registration(), factories.operator()
    by_hand(operation, operator)

    operation = record(operation, operator)

    assert (operation.status, operation.error_code) == (OperationStatus.MANUAL, "not_there")


def test_the_work_sheet_has_every_attribute_and_no_password(
    directory: FakeDirectory,
) -> None:  # ACC-10, ACC-12
    operation = registration()

    sheet = dict(RegisterHandler().work_sheet(operation))

    values = set(sheet.values())
    assert {"tk0412-suzuki", "鈴木 美咲", "スズキ ミサキ", "審査第二課", users_ou("13")} <= values
    assert str(operation.marker) in values
    assert not any("unicodePwd" in label for label in sheet)


def test_a_name_that_the_register_has_for_another_object_is_told(
    directory: FakeDirectory, post: PostOffice
) -> None:
    factories.directory_account(login_name="tk0412-suzuki")

    operation = attempt(registration())

    assert (operation.status, operation.error_code) == (OperationStatus.ATTENTION, "register_conflict")


def test_staff_number_and_last_day_go_to_ad_and_into_the_register(
    directory: FakeDirectory, post: PostOffice
) -> None:
    # ACC-01: a temporary account; AD's own accountExpires is the second lock.
    operation = attempt(registration(staff_number="0012345", expires_on="2027-03-31"))

    assert operation.status == OperationStatus.DONE
    (entry,) = directory.entries.values()
    account = DirectoryAccount.system.get(object_guid=entry.guid)
    assert (entry.staff_number, entry.account_expires) == ("0012345", date(2027, 3, 31))
    assert (account.staff_number, account.expires_on) == ("0012345", date(2027, 3, 31))
    assert "0012345" in account.search_text


def test_a_registration_stored_before_staff_numbers_is_still_carried_out(
    directory: FakeDirectory, post: PostOffice
) -> None:
    operation = registration()
    assert operation.line.payload_version == 1

    assert attempt(operation).status == OperationStatus.DONE
