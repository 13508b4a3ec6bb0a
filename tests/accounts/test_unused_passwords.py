"""Initial passwords that nobody uses: reminder after a week, account disabled after two, in use again by a reset (ACC-10)."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts import checks
from accounts.delivery import unused
from accounts.delivery.models import InitialPassword
from accounts.models import DirectoryAccount
from portal.fulfilment.models import Operation, OperationStatus
from portal.gateways.directory import DirectoryEntry, DirectoryUnavailable, OutcomeUnknown
from portal.notices.models import Notice
from portal.workflow.models import Status
from tests import factories
from tests.accounts.world import PostOffice, attempt, registration, reset
from tests.fakes import FakeDirectory
from tests.roles import client_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def row(directory: FakeDirectory, post: PostOffice) -> InitialPassword:
    """An account whose initial password was mailed now."""
    operation = attempt(registration())
    assert operation.status == OperationStatus.DONE
    return InitialPassword.system.get()


def after(days: float) -> dt.datetime:
    return timezone.now() + dt.timedelta(days=days)


def entry_of(directory: FakeDirectory) -> DirectoryEntry:
    (entry,) = directory.entries.values()
    return entry


def notices(template: str) -> list[str]:
    return list(Notice.system.filter(template=template).values_list("to_address", flat=True))


def step() -> Operation | None:
    found: Operation | None = Operation.system.filter(step=unused.STEP).first()
    return found


def disable(days: float = 14) -> Operation:
    unused.check(now=after(days))
    operation = step()
    assert operation is not None
    return attempt(operation)


def test_mailed_password_is_watched(row: InitialPassword) -> None:
    assert (row.state, row.mode) == ("DELIVERED", "MAIL")


@pytest.mark.parametrize(("days", "reminded", "queued"), [(6.9, 0, 0), (7, 2, 0), (13.9, 2, 0), (14, 0, 1)])
def test_reminder_after_seven_days_and_the_end_after_fourteen(
    row: InitialPassword, days: float, reminded: int, queued: int
) -> None:
    now = row.since + dt.timedelta(days=days)

    unused.check(now=now)
    unused.check(now=now)  # a job that runs twice

    assert len(notices("initial_password_unused")) == reminded
    assert Operation.system.filter(step=unused.STEP).count() == queued


def test_reminder_goes_to_applicant_and_recipient(row: InitialPassword) -> None:
    unused.check(now=after(8))

    assert row.recipient is not None
    applicant = row.operation.line.application.applicant
    assert set(notices("initial_password_unused")) == {row.recipient.email, applicant.email}


def test_unused_account_is_disabled_and_the_applicant_told(
    row: InitialPassword, directory: FakeDirectory
) -> None:
    operation = disable()

    assert operation.status == OperationStatus.DONE
    assert operation.evidence["outcome"] == "disabled"
    assert not entry_of(directory).enabled
    assert DirectoryAccount.system.get().state == DirectoryAccount.State.DISABLED
    application = row.operation.line.application
    assert notices("initial_password_disabled") == [application.applicant.email]
    row.refresh_from_db()
    assert row.state == "UNUSED_DISABLED"


def test_finished_application_stays_as_it_is(row: InitialPassword) -> None:
    application = row.operation.line.application
    assert application.status == Status.COMPLETED

    disable()

    application.refresh_from_db()
    assert application.status == Status.COMPLETED


def test_register_says_why_and_offers_the_reset(row: InitialPassword, directory: FakeDirectory) -> None:
    disable()
    account = DirectoryAccount.system.get()
    client = client_of(factories.applicant())

    page = client.get(reverse("account_detail", args=[account.object_guid])).content.decode()

    assert "初期パスワードが使われなかった" in page
    assert reverse("application_create", args=["accounts.password_reset"]) in page


def test_password_that_is_used_ends_the_watching(row: InitialPassword, directory: FakeDirectory) -> None:
    entry = entry_of(directory)
    directory.entries[entry.guid] = replace(entry, must_change_password=False)

    unused.check(now=after(15))

    row.refresh_from_db()
    assert row.state == "IN_USE"
    assert step() is None


def test_whoever_logs_on_before_the_worker_comes_keeps_the_account(
    row: InitialPassword, directory: FakeDirectory
) -> None:
    unused.check(now=after(15))
    entry = entry_of(directory)
    directory.entries[entry.guid] = replace(entry, must_change_password=False)
    operation = step()
    assert operation is not None

    operation = attempt(operation)

    assert operation.evidence["outcome"] == "in_use"
    assert entry_of(directory).enabled
    assert notices("initial_password_disabled") == []


def test_whoever_logs_on_at_the_moment_of_writing_keeps_the_account(
    row: InitialPassword, directory: FakeDirectory
) -> None:
    kept = directory.disable

    def logged_on_first(guid: Any, **options: Any) -> None:
        directory.entries[guid] = replace(directory.entries[guid], must_change_password=False)
        kept(guid, **options)

    directory.disable = logged_on_first  # type: ignore[method-assign]

    waiting = disable()
    done = attempt(waiting)

    assert waiting.status == OperationStatus.WAITING
    assert done.evidence["outcome"] == "in_use"
    assert entry_of(directory).enabled


def test_lost_answer_is_unknown_first_and_told_once_in_the_end(
    row: InitialPassword, directory: FakeDirectory
) -> None:
    kept = directory.disable

    def lose(guid: Any, **options: Any) -> None:
        kept(guid, **options)
        directory.disable = kept  # type: ignore[method-assign]
        raise OutcomeUnknown

    directory.disable = lose  # type: ignore[method-assign]

    first = disable()
    second = attempt(first)

    assert first.status == OperationStatus.OUTCOME_UNKNOWN
    assert (second.status, second.evidence["outcome"]) == (OperationStatus.DONE, "disabled")
    assert len(notices("initial_password_disabled")) == 1


def test_account_that_somebody_else_disabled_stays_out_of_it(
    row: InitialPassword, directory: FakeDirectory
) -> None:
    unused.check(now=after(15))
    directory.disable(entry_of(directory).guid)
    operation = step()
    assert operation is not None

    operation = attempt(operation)

    assert operation.evidence["outcome"] == "disabled_before"
    problem = checks.reset_problem(entry_of(directory), factories.organisation())
    assert problem, "a reset must not enable what a person disabled for another reason"


def test_later_reset_starts_the_days_anew(
    row: InitialPassword, directory: FakeDirectory, post: PostOffice
) -> None:
    entry = entry_of(directory)
    unused.check(now=after(15))
    attempt(reset(entry.guid, entry.login_name))
    operation = step()
    assert operation is not None

    operation = attempt(operation)

    assert operation.evidence["outcome"] == "replaced"
    assert entry_of(directory).enabled


def test_one_reset_enables_the_account_again(
    row: InitialPassword, directory: FakeDirectory, post: PostOffice
) -> None:
    disable()
    entry = entry_of(directory)
    assert checks.reset_problem(entry, factories.organisation()) == ""

    operation = attempt(reset(entry.guid, entry.login_name))

    assert operation.status == OperationStatus.DONE, operation.error_message
    entry = entry_of(directory)
    assert (entry.enabled, entry.must_change_password) == (True, True)
    assert post.last_password == directory.passwords[entry.guid]
    assert DirectoryAccount.system.get().state == DirectoryAccount.State.ENABLED
    row.refresh_from_db()
    assert row.enabled_again_at is not None
    # And the new one is watched like the first.
    unused.check(now=after(15))
    assert Operation.system.filter(step=unused.STEP).count() == 2


def test_account_that_a_person_disabled_is_not_enabled_by_a_reset(directory: FakeDirectory) -> None:
    entry = directory.add("tk0412-suzuki", enabled=False)

    assert checks.reset_problem(entry, factories.organisation())


def test_directory_that_is_down_fails_the_job_so_that_it_is_tried_again(
    row: InitialPassword, directory: FakeDirectory
) -> None:
    directory.faults["search_accounts"] = [DirectoryUnavailable]

    with pytest.raises(DirectoryUnavailable):
        unused.check(now=after(15))

    assert step() is None


def test_directory_is_read_once_for_an_organisation_however_many_wait(
    directory: FakeDirectory, post: PostOffice
) -> None:
    def looks_and_statements() -> tuple[int, int]:
        directory.calls.clear()
        with CaptureQueriesContext(connection) as captured:
            unused.check(now=timezone.now())
        return directory.calls.count("search_accounts"), len(captured)

    attempt(registration())
    one = looks_and_statements()
    for number in range(29):
        attempt(registration(login_name=f"tk{number:04}-abe"))
    thirty = looks_and_statements()

    assert one == thirty
    assert one[0] == 1
