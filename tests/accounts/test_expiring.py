"""A temporary account ends on the day after its last day of use, unless a change moved the end (ACC-01, fault case 10)."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest
from django.utils import timezone

from accounts import due
from accounts.expiring import ExpireHandler
from accounts.kinds import CHANGE
from accounts.models import DirectoryAccount
from portal.common.time import JST
from portal.fulfilment.claiming import HeldRun
from portal.fulfilment.models import Operation, OperationStatus
from portal.fulfilment.registry import Done, NeedsPerson
from portal.gateways import clock
from tests import journeys
from tests.accounts.life import approved, employ
from tests.accounts.test_changing import wanted
from tests.accounts.world import LINE, attempt
from tests.fakes import FakeDirectory
from tests.journeys import Cast

pytestmark = pytest.mark.django_db

State = DirectoryAccount.State


@pytest.fixture
def cast() -> Cast:
    return Cast()


def ending(directory: FakeDirectory, last_day: date) -> DirectoryAccount:
    """An account whose last line carries its end."""
    account = employ(directory, expires_on=last_day)
    application = account.last_line.application
    application.kind = "accounts.register"
    application.save(update_fields=["kind"])
    account.last_line.payload = {**LINE, "recipient_id": 1}
    account.last_line.save(update_fields=["payload"])
    return account


def at(monkeypatch: pytest.MonkeyPatch, moment: datetime) -> datetime:
    monkeypatch.setattr(clock, "now", lambda: moment)
    return moment


@pytest.mark.parametrize("last_day", [date(2027, 3, 31), date(2028, 2, 29), date(2028, 2, 28)], ids=str)
def test_an_account_works_on_its_last_day_and_ends_at_midnight_in_japan(
    directory: FakeDirectory, monkeypatch: pytest.MonkeyPatch, last_day: date
) -> None:
    account = ending(directory, last_day)
    midnight = datetime.combine(last_day + timedelta(days=1), datetime.min.time(), JST)

    assert due.enqueue_ends(now=midnight - timedelta(seconds=1)) == 0
    assert due.enqueue_ends(now=midnight) == 1
    assert due.enqueue_ends(now=midnight + timedelta(days=3)) == 0, "once, however often the beat rings"
    at(monkeypatch, midnight)
    operation = attempt(Operation.system.get(step="expire"))

    assert operation.status == OperationStatus.DONE, operation.error_message
    assert not directory.entries[account.object_guid].enabled
    account.refresh_from_db()
    assert (account.state, account.expires_on) == (State.DISABLED, last_day)


def test_after_days_without_a_beat_everything_that_ended_since_is_found(directory: FakeDirectory) -> None:
    ending(directory, date(2027, 3, 31))

    assert due.enqueue_ends(now=datetime(2027, 4, 3, 9, 0, tzinfo=JST)) == 1


def test_a_change_that_moves_the_end_in_between_wins(
    directory: FakeDirectory, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = ending(directory, timezone.localdate())
    application = approved(cast, CHANGE, **wanted(expires_on="2099-03-31"))
    due.enqueue_ends(now=timezone.now() + timedelta(days=1))
    end = Operation.system.get(step="expire")
    Operation.system.filter(pk=end.pk).update(not_before=timezone.now() + timedelta(days=1))

    changed = attempt(journeys.operations(application)[0])
    at(monkeypatch, timezone.now() + timedelta(days=1))
    skipped = attempt(end)

    assert changed.status == OperationStatus.DONE
    assert (skipped.status, skipped.evidence) == (
        OperationStatus.DONE,
        {"nothing_to_do": "changed_meanwhile"},
    )
    entry = directory.entries[account.object_guid]
    assert (entry.enabled, entry.account_expires) == (True, date(2099, 3, 31))
    assert due.enqueue_ends(now=timezone.now() + timedelta(days=1)) == 0


def test_an_account_that_ended_works_again_when_its_end_is_moved(
    directory: FakeDirectory, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = ending(directory, timezone.localdate() - timedelta(days=1))
    due.enqueue_ends(now=timezone.now())
    attempt(Operation.system.get(step="expire"))

    application = journeys.submitted(cast, wanted(expires_on="2099-03-31"), kind=CHANGE)
    plan = application.lines.get().plan
    journeys.approve(application, cast.approver)
    journeys.approve(application, cast.operator)
    changed = attempt(journeys.operations(application)[0])

    assert plan is not None
    assert [c["attribute"] for c in plan["changes"]] == ["accountExpires", "userAccountControl"]
    assert changed.status == OperationStatus.DONE, changed.error_message
    assert directory.entries[account.object_guid].enabled
    account.refresh_from_db()
    assert account.state == State.ENABLED


def test_an_end_done_by_hand_is_verified(directory: FakeDirectory) -> None:
    account = ending(directory, timezone.localdate() - timedelta(days=1))
    due.enqueue_ends(now=timezone.now())
    run, handler = HeldRun(Operation.system.get(step="expire"), timezone.now), ExpireHandler()

    before = handler.verify(run, {})
    sheet = handler.work_sheet(run.operation)
    directory.put(directory.entries[account.object_guid], enabled=False)
    after = handler.verify(run, {})

    assert (type(before), type(after)) == (NeedsPerson, Done)
    assert ("objectGUID", str(account.object_guid)) in sheet
