"""Making an account by workers that die or come late: one account, and the last mailed password works (ACC-08)."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from accounts.models import DirectoryAccount
from portal.fulfilment import services
from portal.fulfilment.models import OperationStatus
from portal.notices.secrets import MailUnavailable
from tests import factories
from tests.accounts.world import Killed, PostOffice, attempt, killed, registration, restart, the_account
from tests.fakes import FakeDirectory

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    "place",
    [
        "accounts.provisioning.generate_initial_password",
        "tests.fakes.FakeDirectory.create_account",
        "accounts.registering.provisioning.mail_password",
        "accounts.provisioning.clock.now",
        "accounts.registering.enter_account",
        "portal.fulfilment.running.record",
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
