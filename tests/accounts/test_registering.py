"""Making an account: once, as approved, and with the last mailed password the one that works (ACC-05, ACC-08, ACC-10)."""

from __future__ import annotations

import itertools
import uuid
from datetime import date
from typing import Any

import pytest

from accounts.models import DirectoryAccount
from accounts.registering import RegisterHandler
from portal.fulfilment import services
from portal.fulfilment.models import Operation, OperationStatus
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
from tests.accounts.world import PostOffice, attempt, registration
from tests.fakes import FakeDirectory, users_ou

pytestmark = pytest.mark.django_db


def the_account(directory: FakeDirectory) -> Any:
    (entry,) = directory.entries.values()
    return entry


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


class Killed(BaseException):
    """As SIGKILL: nothing of ours runs any more."""


def killed(*args: Any, **kwargs: Any) -> Any:
    raise Killed


def restart(operation: Operation) -> None:
    """What the sweeper does once the lease of a dead worker has run out."""
    Operation.system.filter(pk=operation.pk).update(status=OperationStatus.OUTCOME_UNKNOWN, lease_until=None)


@pytest.mark.parametrize(
    "place",
    [
        "accounts.provisioning.generate_initial_password",
        "tests.fakes.FakeDirectory.create_account",
        "accounts.registering.provisioning.mail_password",
        "accounts.provisioning.clock.now",
        "accounts.registering.enter_account",
        "portal.fulfilment.running._record",
    ],
)
def test_wherever_a_worker_dies_there_is_one_account_and_the_last_mailed_password_works(
    directory: FakeDirectory, post: PostOffice, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    operation = registration()
    with monkeypatch.context() as patch:
        patch.setattr(place, killed)
        with pytest.raises(Killed):
            attempt(operation)
    restart(operation)

    operation = attempt(operation)

    assert operation.status == OperationStatus.DONE
    assert post.last_password == directory.passwords[the_account(directory).guid]
    assert DirectoryAccount.system.count() == 1


def test_a_worker_killed_after_its_mail_and_before_noting_it_mails_a_new_password(
    directory: FakeDirectory, post: PostOffice, monkeypatch: pytest.MonkeyPatch
) -> None:
    operation = registration()
    post.errors_after = [Killed()]
    with pytest.raises(Killed):
        attempt(operation)
    restart(operation)

    operation = attempt(operation)

    assert operation.status == OperationStatus.DONE
    assert len(post.delivered) == 2
    assert post.last_password == directory.passwords[the_account(directory).guid]


def test_a_worker_killed_after_the_mail_was_noted_sends_no_second_one(
    directory: FakeDirectory, post: PostOffice, monkeypatch: pytest.MonkeyPatch
) -> None:
    operation = registration()
    with monkeypatch.context() as patch:
        patch.setattr("accounts.registering.enter_account", killed)
        with pytest.raises(Killed):
            attempt(operation)
    restart(operation)

    operation = attempt(operation)

    assert operation.status == OperationStatus.DONE
    assert len(post.delivered) == 1


def test_a_worker_that_lost_its_lease_writes_nothing(directory: FakeDirectory, post: PostOffice) -> None:
    operation = registration()
    asked = directory.serving

    def taken_meanwhile() -> Any:
        operator = factories.operator()
        services.take_by_hand(operation_id=operation.pk, actor=operator, now=operation.created_at)
        return asked()

    directory.serving = taken_meanwhile  # type: ignore[method-assign]

    operation = attempt(operation)

    assert operation.status == OperationStatus.MANUAL
    assert not directory.entries
    assert not post.delivered


def test_a_password_set_by_a_late_worker_during_our_mail_is_followed_by_a_new_mail(
    directory: FakeDirectory, post: PostOffice
) -> None:
    operation = registration()
    post.errors = [MailUnavailable("421")]
    attempt(operation)
    counter = itertools.count(100)

    def late_worker() -> None:
        entry = the_account(directory)
        directory.replace_initial_password(entry.guid, new_password="Late-Worker-99")
        directory.entries[entry.guid] = type(entry)(**{**vars(entry), "usn_changed": next(counter)})

    post.meanwhile = late_worker
    again = attempt(operation)
    operation = attempt(operation)

    assert again.error_code == "password_replaced"
    assert operation.status == OperationStatus.DONE
    assert post.last_password == directory.passwords[the_account(directory).guid]


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
