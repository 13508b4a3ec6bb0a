"""Resetting a password: mailed once, never over a password that the person chose meanwhile (ACC-08, ACC-10)."""

from __future__ import annotations

import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from accounts.resetting import ResetHandler
from portal.fulfilment import services
from portal.fulfilment.models import Operation, OperationStatus
from portal.gateways.directory import (
    AccessDenied,
    BindResult,
    DirectoryEntry,
    DirectoryUnavailable,
    OutcomeUnknown,
)
from portal.notices.secrets import AddressRefused, MailUnavailable
from tests import factories
from tests.accounts.world import Killed, PostOffice, attempt, killed, reset, restart
from tests.fakes import FakeDirectory, users_ou

pytestmark = pytest.mark.django_db

LONG_AGO = datetime(2026, 1, 5, tzinfo=UTC)


def account(directory: FakeDirectory, **values: Any) -> DirectoryEntry:
    defaults = {"container_dn": users_ou("13"), "password": "Forgotten-11", "password_last_set": LONG_AGO}
    return directory.add("tk0412-suzuki", **(defaults | values))


def operation_for(entry: DirectoryEntry) -> Operation:
    return reset(entry.guid, entry.login_name)


def test_a_new_initial_password_is_set_and_mailed(directory: FakeDirectory, post: PostOffice) -> None:
    entry = account(directory, locked=True)

    operation = attempt(operation_for(entry))

    assert operation.status == OperationStatus.DONE
    assert post.last_password == directory.passwords[entry.guid]
    assert directory.entries[entry.guid].must_change_password
    assert not directory.entries[entry.guid].locked
    assert operation.evidence["initial_password"] == "mailed"


def test_an_unused_initial_password_is_replaced(directory: FakeDirectory, post: PostOffice) -> None:
    entry = account(directory, must_change_password=True, password_last_set=None)

    operation = attempt(operation_for(entry))

    assert operation.status == OperationStatus.DONE
    assert post.last_password == directory.passwords[entry.guid]


@pytest.mark.parametrize("lost", ["before it arrived", "after it was applied"])
def test_after_a_lost_answer_the_last_mailed_password_works(
    directory: FakeDirectory, post: PostOffice, lost: str
) -> None:
    entry = account(directory)
    queue = directory.faults if lost == "before it arrived" else directory.after
    queue["reset_password"] = [OutcomeUnknown(code="lost")]
    operation = operation_for(entry)
    assert attempt(operation).status == OperationStatus.OUTCOME_UNKNOWN

    operation = attempt(operation)

    assert operation.status == OperationStatus.DONE
    assert post.delivered[0][1] == directory.passwords[entry.guid]
    assert directory.authenticate("tk0412-suzuki", post.last_password) == BindResult.MUST_CHANGE


def test_a_password_chosen_after_the_mail_is_never_replaced(
    directory: FakeDirectory, post: PostOffice
) -> None:
    entry = account(directory)
    operation = operation_for(entry)
    post.errors_after = [MailUnavailable("timeout", maybe_delivered=True)]
    attempt(operation)
    directory.change_password(entry.guid, old_password=post.last_password, new_password="Own-Choice-77")

    operation = attempt(operation)

    assert operation.status == OperationStatus.DONE
    assert operation.evidence["initial_password"] == "chosen_by_person"
    assert directory.passwords[entry.guid] == "Own-Choice-77"
    assert len(post.delivered) == 1


def test_a_password_remembered_and_changed_while_the_reset_was_lost_stays(
    directory: FakeDirectory, post: PostOffice
) -> None:
    entry = account(directory)
    operation = operation_for(entry)
    directory.faults["reset_password"] = [OutcomeUnknown(code="lost")]
    attempt(operation)
    directory.change_password(entry.guid, old_password="Forgotten-11", new_password="Own-Choice-77")

    operation = attempt(operation)

    assert operation.status == OperationStatus.DONE
    assert directory.passwords[entry.guid] == "Own-Choice-77"
    assert not post.delivered


def test_a_worker_that_slept_before_its_write_replaces_no_chosen_password(
    directory: FakeDirectory, post: PostOffice, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The lease ran out between the last look and the write, as with a frozen machine: another worker has done it all.
    entry = account(directory)
    operation = operation_for(entry)
    write = directory.reset_password

    def after_a_long_sleep(guid: uuid.UUID, **values: Any) -> None:
        monkeypatch.setattr(directory, "reset_password", write)
        services.sweep(timezone.now() + timedelta(hours=1))
        attempt(operation)
        directory.change_password(guid, old_password=post.last_password, new_password="Own-Choice-77")
        write(guid, **values)

    monkeypatch.setattr(directory, "reset_password", after_a_long_sleep)
    attempt(operation)

    assert directory.passwords[entry.guid] == "Own-Choice-77"
    assert len(post.delivered) == 1
    assert Operation.system.get(pk=operation.pk).status == OperationStatus.DONE


def test_mail_that_cannot_be_sent_gets_a_new_password_later(
    directory: FakeDirectory, post: PostOffice
) -> None:
    entry = account(directory)
    operation = operation_for(entry)
    post.errors = [MailUnavailable("421"), AddressRefused("550")]
    first, second = attempt(operation), attempt(operation)

    operation = attempt_after_retry(operation)

    assert (first.status, first.error_code) == (OperationStatus.WAITING, "mail_unavailable")
    assert (second.status, second.error_code) == (OperationStatus.ATTENTION, "recipient_refused")
    assert operation.status == OperationStatus.DONE
    assert post.last_password == directory.passwords[entry.guid]


def attempt_after_retry(operation: Operation) -> Operation:
    services.retry(operation_id=operation.pk, actor=factories.operator(), now=operation.created_at)
    return attempt(operation)


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({"enabled": False}, "not_resettable"),
        ({"privileged": True}, "not_resettable"),
        ({"container_dn": users_ou("27")}, "not_resettable"),
    ],
    ids=["disabled", "protected", "moved to another federation"],
)
def test_an_account_that_may_not_be_reset_waits_for_a_person(
    directory: FakeDirectory, post: PostOffice, values: dict[str, Any], code: str
) -> None:
    entry = account(directory, **values)

    operation = attempt(operation_for(entry))

    assert (operation.status, operation.error_code) == (OperationStatus.ATTENTION, code)
    assert directory.passwords[entry.guid] == "Forgotten-11"


def test_an_account_that_is_gone_waits_for_a_person(directory: FakeDirectory, post: PostOffice) -> None:
    entry = account(directory)
    directory.delete(entry.guid)

    operation = attempt(operation_for(entry))

    assert (operation.status, operation.error_code) == (OperationStatus.ATTENTION, "account_missing")


def test_a_reset_that_the_directory_did_not_keep_is_told(directory: FakeDirectory, post: PostOffice) -> None:
    entry = account(directory)
    directory.reset_password = lambda guid, **values: None  # type: ignore[method-assign]

    operation = attempt(operation_for(entry))

    assert (operation.status, operation.error_code) == (OperationStatus.ATTENTION, "not_read_back")
    assert not post.delivered


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (DirectoryUnavailable(code="down"), OperationStatus.WAITING),
        (AccessDenied(code="50"), OperationStatus.ATTENTION),
    ],
)
def test_refusals_of_the_directory_have_their_consequence(
    directory: FakeDirectory, post: PostOffice, error: Exception, status: str
) -> None:
    entry = account(directory)
    directory.faults["reset_password"] = [error]

    assert attempt(operation_for(entry)).status == status
    assert not post.delivered


@pytest.mark.parametrize(
    "place",
    [
        "accounts.provisioning.generate_initial_password",
        "tests.fakes.FakeDirectory.reset_password",
        "accounts.resetting.provisioning.mail_password",
        "accounts.resetting.provisioning.evidence_of",
        "portal.fulfilment.running.record",
    ],
)
def test_wherever_a_worker_dies_the_last_mailed_password_works(
    directory: FakeDirectory, post: PostOffice, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    entry = account(directory)
    operation = operation_for(entry)
    with monkeypatch.context() as patch:
        patch.setattr(place, killed)
        with pytest.raises(Killed):
            attempt(operation)
    restart(operation)

    operation = attempt(operation)

    assert operation.status == OperationStatus.DONE
    assert post.last_password == directory.passwords[entry.guid]
    assert len(post.delivered) == 1


def test_a_reset_by_hand_is_verified(directory: FakeDirectory, post: PostOffice) -> None:  # ACC-12
    entry = account(directory)
    operation, operator = operation_for(entry), factories.operator()
    services.take_by_hand(operation_id=operation.pk, actor=operator, now=operation.created_at)

    too_early = services.record_done(
        operation_id=operation.pk, actor=operator, note="済", now=operation.created_at
    )
    directory.entries[entry.guid] = replace(entry, must_change_password=True, password_last_set=None)
    operation = services.record_done(
        operation_id=operation.pk, actor=operator, note="済", now=operation.created_at
    )

    assert (too_early.status, too_early.error_code) == (OperationStatus.MANUAL, "not_reset")
    assert operation.status == OperationStatus.DONE


def test_a_reset_by_hand_counts_when_the_person_has_chosen_since(
    directory: FakeDirectory, post: PostOffice
) -> None:
    entry = account(directory)
    operation, operator = operation_for(entry), factories.operator()
    services.take_by_hand(operation_id=operation.pk, actor=operator, now=operation.created_at)
    chosen = operation.created_at + timedelta(minutes=5)
    directory.entries[entry.guid] = replace(entry, password_last_set=chosen)

    operation = services.record_done(operation_id=operation.pk, actor=operator, note="済", now=chosen)

    assert operation.status == OperationStatus.DONE


def test_the_work_sheet_names_the_account_and_no_password(directory: FakeDirectory) -> None:
    entry = account(directory)

    values = [value for _, value in ResetHandler().work_sheet(operation_for(entry))]

    assert {entry.login_name, str(entry.guid)} <= set(values)
    assert "Forgotten-11" not in values
