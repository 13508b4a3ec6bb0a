"""Making an account: once, as approved, and with the last mailed password the one that works (ACC-05, ACC-08, ACC-10)."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from accounts.models import DirectoryAccount
from portal.fulfilment.models import OperationStatus
from portal.gateways.directory import (
    AccessDenied,
    BindResult,
    ContainerMissing,
    DirectoryError,
    DirectoryUnavailable,
    InvalidValue,
    NameTaken,
    OutcomeUnknown,
    PolicyRefused,
    Privileged,
)
from portal.notices.secrets import AddressRefused, MailUnavailable
from tests import factories
from tests.accounts.world import PostOffice, attempt, registration, the_account
from tests.fakes import FakeDirectory, users_ou

pytestmark = pytest.mark.django_db


def test_account_is_written_mailed_and_entered(directory: FakeDirectory, post: PostOffice) -> None:
    recipient = factories.recipient()
    operation = registration(recipient)

    operation = attempt(operation)

    entry = the_account(directory)
    assert operation.status == OperationStatus.DONE
    assert (entry.login_name, entry.display_name, entry.kana) == (
        "tk0412-suzuki",
        "鈴木 美咲",
        "スズキ ミサキ",
    )
    assert entry.container_dn == users_ou("13")
    assert entry.company == factories.organisation("13").name
    assert entry.marker == str(operation.marker)
    assert entry.must_change_password
    assert post.delivered == [(recipient.email, directory.passwords[entry.guid])]
    account = DirectoryAccount.system.get()
    assert account.object_guid == entry.guid
    assert account.last_line_id == operation.line_id
    assert operation.evidence["object_guid"] == str(entry.guid)
    assert operation.evidence["initial_password"] == "mailed"


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (DirectoryUnavailable(code="down"), OperationStatus.WAITING, "down"),
        (OutcomeUnknown(code="lost"), OperationStatus.OUTCOME_UNKNOWN, "lost"),
        (NameTaken(attribute="userPrincipalName"), OperationStatus.ATTENTION, "name_taken"),
        (ContainerMissing(dn="OU=Users"), OperationStatus.ATTENTION, "container_missing"),
        (AccessDenied(code="50"), OperationStatus.ATTENTION, "access_denied"),
        (InvalidValue(code="21"), OperationStatus.ATTENTION, "invalid_value"),
        (Privileged(), OperationStatus.ATTENTION, "privileged"),
        (DirectoryError("odd", code="53"), OperationStatus.ATTENTION, "directory_error"),
    ],
)
def test_every_refusal_of_the_directory_has_its_consequence(
    directory: FakeDirectory, post: PostOffice, error: Exception, status: str, code: str
) -> None:
    operation = registration()
    directory.faults["create_account"] = [error]

    operation = attempt(operation)

    assert (operation.status, operation.error_code) == (status, code)
    assert operation.error_message
    assert not directory.entries
    assert not post.delivered


def test_a_directory_that_was_down_is_no_reason_to_give_up(
    directory: FakeDirectory, post: PostOffice
) -> None:
    operation = registration()
    directory.faults["create_account"] = [DirectoryUnavailable(code="down")]
    assert attempt(operation).status == OperationStatus.WAITING

    operation = attempt(operation)

    assert operation.status == OperationStatus.DONE


def test_a_lost_answer_never_makes_a_second_account(directory: FakeDirectory, post: PostOffice) -> None:
    operation = registration()
    directory.after["create_account"] = [OutcomeUnknown(code="lost")]
    assert attempt(operation).status == OperationStatus.OUTCOME_UNKNOWN
    first = directory.passwords[the_account(directory).guid]

    operation = attempt(operation)

    entry = the_account(directory)
    assert operation.status == OperationStatus.DONE
    assert post.last_password == directory.passwords[entry.guid] != first
    assert directory.calls.count("create_account") == 1


def test_an_add_that_arrives_after_we_looked_is_recognised(
    directory: FakeDirectory, post: PostOffice
) -> None:
    operation = registration()
    directory.add(
        "tk0412-suzuki",
        container_dn=users_ou("13"),
        marker=str(operation.marker),
        display_name="鈴木 美咲",
        family_name="鈴木",
        given_name="美咲",
        kana="スズキ ミサキ",
        department="審査第二課",
        company=factories.organisation("13").name,
        must_change_password=True,
        password_last_set=None,
    )
    looked = directory.find_by_login_name
    directory.find_by_login_name = lambda name: None  # type: ignore[method-assign]

    operation = attempt(operation)

    directory.find_by_login_name = looked  # type: ignore[method-assign]
    assert operation.status == OperationStatus.DONE
    assert post.last_password == directory.passwords[the_account(directory).guid]


def test_an_object_of_somebody_else_is_never_adopted(directory: FakeDirectory, post: PostOffice) -> None:
    stranger = directory.add("TK0412-Suzuki", container_dn=users_ou("13"))
    operation = registration()

    operation = attempt(operation)

    assert (operation.status, operation.error_code) == (OperationStatus.ATTENTION, "name_taken")
    assert directory.entries == {stranger.guid: stranger}
    assert not post.delivered


def test_our_account_is_found_although_it_was_renamed_meanwhile(
    directory: FakeDirectory, post: PostOffice
) -> None:
    operation = registration()
    directory.after["create_account"] = [OutcomeUnknown(code="lost")]
    attempt(operation)
    directory.rename(the_account(directory).guid, "someone-else")

    operation = attempt(operation)

    assert (operation.status, operation.error_code) == (OperationStatus.ATTENTION, "differs")
    assert len(directory.entries) == 1


def test_mail_that_cannot_be_sent_now_gets_a_new_password_later(
    directory: FakeDirectory, post: PostOffice
) -> None:
    operation = registration()
    post.errors = [MailUnavailable("421")]
    waiting = attempt(operation)
    first = directory.passwords[the_account(directory).guid]

    operation = attempt(operation)

    assert (waiting.status, waiting.error_code) == (OperationStatus.WAITING, "mail_unavailable")
    assert operation.status == OperationStatus.DONE
    assert post.last_password == directory.passwords[the_account(directory).guid] != first


def test_after_a_mail_that_perhaps_arrived_the_last_one_works(
    directory: FakeDirectory, post: PostOffice
) -> None:
    operation = registration()
    post.errors_after = [MailUnavailable("timeout", maybe_delivered=True)]
    attempt(operation)

    attempt(operation)

    assert len(post.delivered) == 2
    assert post.last_password == directory.passwords[the_account(directory).guid]
    assert directory.authenticate("tk0412-suzuki", post.last_password) == BindResult.MUST_CHANGE


def test_a_password_that_the_person_chose_is_never_replaced(
    directory: FakeDirectory, post: PostOffice
) -> None:
    operation = registration()
    post.errors_after = [MailUnavailable("timeout", maybe_delivered=True)]
    attempt(operation)
    guid = the_account(directory).guid
    directory.change_password(guid, old_password=post.last_password, new_password="Own-Choice-77")

    operation = attempt(operation)

    assert operation.status == OperationStatus.DONE
    assert operation.evidence["initial_password"] == "chosen_by_person"
    assert directory.passwords[guid] == "Own-Choice-77"
    assert len(post.delivered) == 1


def test_a_password_chosen_in_the_moment_of_replacing_stays(
    directory: FakeDirectory, post: PostOffice
) -> None:
    operation = registration()
    post.errors_after = [MailUnavailable("timeout", maybe_delivered=True)]
    attempt(operation)
    guid = the_account(directory).guid
    looked = directory.replace_initial_password

    def too_late(guid: uuid.UUID, *, new_password: str) -> None:
        directory.change_password(guid, old_password=post.last_password, new_password="Own-Choice-77")
        looked(guid, new_password=new_password)

    directory.replace_initial_password = too_late  # type: ignore[method-assign]

    operation = attempt(operation)

    assert operation.status == OperationStatus.DONE
    assert directory.passwords[guid] == "Own-Choice-77"


def test_a_chosen_password_stays_also_where_the_directory_does_not_compare(
    directory: FakeDirectory, post: PostOffice
) -> None:
    operation = registration()
    post.errors_after = [MailUnavailable("timeout", maybe_delivered=True)]
    attempt(operation)
    guid = the_account(directory).guid
    directory.change_password(guid, old_password=post.last_password, new_password="Own-Choice-77")
    directory.replace_initial_password = directory.reset_password  # type: ignore[method-assign]

    operation = attempt(operation)

    assert operation.status == OperationStatus.DONE
    assert directory.passwords[guid] == "Own-Choice-77"


def test_an_address_that_is_refused_waits_for_a_person_and_another_recipient(
    directory: FakeDirectory, post: PostOffice
) -> None:
    operation = registration()
    post.errors = [AddressRefused("550")]

    operation = attempt(operation)

    assert (operation.status, operation.error_code) == (OperationStatus.ATTENTION, "recipient_refused")
    assert len(directory.entries) == 1


@pytest.mark.parametrize("change", [{"is_active": False}, {"confirmed_at": None}])
def test_nothing_is_written_while_nobody_can_receive_the_password(  # ACC-09
    directory: FakeDirectory, post: PostOffice, change: dict[str, Any]
) -> None:
    recipient = factories.recipient(**change)

    operation = attempt(registration(recipient))

    assert (operation.status, operation.error_code) == (OperationStatus.ATTENTION, "recipient")
    assert not directory.entries


def test_an_address_that_two_people_share_gets_no_password(  # ACC-09
    directory: FakeDirectory, post: PostOffice
) -> None:
    recipient = factories.recipient(email="kyoyu@kokuho13.example.jp")
    factories.user(email="kyoyu@kokuho13.example.jp")
    factories.user(email="Kyoyu@kokuho13.example.jp")

    operation = attempt(registration(recipient))

    assert operation.error_code == "recipient"
    assert not directory.entries


def test_passwords_that_the_directory_refuses_are_drawn_again(
    directory: FakeDirectory, post: PostOffice
) -> None:
    directory.faults["create_account"] = [PolicyRefused(), PolicyRefused()]

    assert attempt(registration()).status == OperationStatus.DONE


def test_a_policy_that_no_draw_meets_is_told(directory: FakeDirectory, post: PostOffice) -> None:
    directory.minimum_length = 25

    operation = attempt(registration())

    assert (operation.status, operation.error_code) == (OperationStatus.ATTENTION, "password_policy")


def test_an_account_removed_by_hand_is_not_made_again(directory: FakeDirectory, post: PostOffice) -> None:
    operation = registration()
    post.errors = [MailUnavailable("421")]
    attempt(operation)
    directory.delete(the_account(directory).guid)

    operation = attempt(operation)

    assert (operation.status, operation.error_code) == (OperationStatus.ATTENTION, "account_vanished")
    assert not directory.entries


def test_what_was_changed_by_hand_is_told_with_both_values(
    directory: FakeDirectory, post: PostOffice
) -> None:
    operation = registration()
    post.errors = [MailUnavailable("421")]
    attempt(operation)
    directory.update_account(the_account(directory).guid, {"department": "別の課"})

    operation = attempt(operation)

    assert (operation.status, operation.error_code) == (OperationStatus.ATTENTION, "differs")
    assert "別の課" in operation.error_message
    assert "審査第二課" in operation.error_message
