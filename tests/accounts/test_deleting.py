"""A deletion disables and moves first; until the removal one application gives everything back (ACC-02, fault case 19)."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from accounts import due
from accounts.deleting import DeleteHandler, RemoveHandler, begin_removal
from accounts.kinds import DELETE, RESTORE
from accounts.models import DirectoryAccount
from accounts.provisioning import Stop
from accounts.restoring import RestoreHandler
from portal.common.time import JST, today
from portal.fulfilment.claiming import HeldRun
from portal.fulfilment.models import Operation, OperationStatus
from portal.fulfilment.registry import Done, NeedsPerson
from portal.gateways import clock
from portal.gateways.directory import OutcomeUnknown
from portal.workflow.errors import InvalidApplication
from portal.workflow.models import Status
from tests import journeys
from tests.accounts.life import GROUP, approved, employ
from tests.accounts.world import attempt
from tests.fakes import FakeDirectory, deleted_ou, users_ou
from tests.journeys import Cast
from tests.threads import at_once

pytestmark = pytest.mark.django_db

State = DirectoryAccount.State


@pytest.fixture
def cast() -> Cast:
    return Cast()


@pytest.fixture
def account(directory: FakeDirectory) -> DirectoryAccount:
    return employ(directory)


@pytest.fixture
def deleted(directory: FakeDirectory, account: DirectoryAccount, cast: Cast) -> DirectoryAccount:
    """The account after its deletion was carried out."""
    operation = attempt(journeys.operations(approved(cast, DELETE))[0])
    assert operation.status == OperationStatus.DONE, operation.error_message
    account.refresh_from_db()
    return account


def later(monkeypatch: pytest.MonkeyPatch, days: int) -> datetime:
    """Let so many days go by for the handlers; gives the moment."""
    moment = timezone.now() + timedelta(days=days)
    monkeypatch.setattr(clock, "now", lambda: moment)
    return moment


def removal(account: DirectoryAccount) -> Operation:
    return Operation.system.get(line_id=account.last_line_id, step="remove")


def test_a_deleted_account_is_disabled_moved_and_in_no_group(
    directory: FakeDirectory, deleted: DirectoryAccount, settings: Any
) -> None:
    entry = directory.entries[deleted.object_guid]

    assert (entry.enabled, entry.container_dn, entry.groups) == (False, deleted_ou("13"), ())
    assert deleted.state == State.DELETED
    assert deleted.remove_on == today(timezone.now()) + timedelta(days=settings.ACCOUNT_REMOVAL_DAYS)
    assert deleted.before_deletion == {"container": "Users", "groups": ["審査"]}


def test_its_name_is_held_and_its_login_is_refused(
    directory: FakeDirectory, deleted: DirectoryAccount
) -> None:
    assert directory.login_name_in_use("tk0412-suzuki")  # ACC-06
    assert directory.authenticate("tk0412-suzuki", "Jibun-de-3randa").name == "DISABLED"


@pytest.mark.parametrize("lost", ["disable", "move", "remove_from_group"])
@pytest.mark.parametrize("applied", [True, False])
def test_a_lost_answer_at_any_write_ends_deleted_and_restorable(
    directory: FakeDirectory, account: DirectoryAccount, cast: Cast, lost: str, applied: bool
) -> None:
    operation = journeys.operations(approved(cast, DELETE))[0]
    (directory.after if applied else directory.faults)[lost] = [OutcomeUnknown]

    first, second = attempt(operation), attempt(operation)

    assert (first.status, second.status) == (OperationStatus.OUTCOME_UNKNOWN, OperationStatus.DONE)
    account.refresh_from_db()
    assert account.before_deletion == {"container": "Users", "groups": ["審査"]}


def test_a_missing_unit_for_deleted_accounts_stops_with_the_account_locked_already(
    directory: FakeDirectory, account: DirectoryAccount, cast: Cast
) -> None:
    operation = journeys.operations(approved(cast, DELETE))[0]
    directory.containers.remove(deleted_ou("13"))

    stopped = attempt(operation)

    assert (stopped.status, stopped.error_code) == (OperationStatus.ATTENTION, "container_missing")
    assert not directory.entries[account.object_guid].enabled


def test_one_application_gives_everything_back(
    directory: FakeDirectory, deleted: DirectoryAccount, cast: Cast
) -> None:
    operation = attempt(journeys.operations(approved(cast, RESTORE))[0])

    assert operation.status == OperationStatus.DONE, operation.error_message
    entry = directory.entries[deleted.object_guid]
    assert (entry.enabled, entry.container_dn, entry.groups) == (True, users_ou("13"), (GROUP,))
    assert directory.authenticate("tk0412-suzuki", "Jibun-de-3randa").name == "OK"
    deleted.refresh_from_db()
    assert (deleted.state, deleted.remove_on, deleted.groups) == (State.ENABLED, None, ["審査"])


@pytest.mark.parametrize("lost", ["add_to_group", "move", "enable"])
@pytest.mark.parametrize("applied", [True, False])
def test_a_lost_answer_at_any_write_ends_restored(
    directory: FakeDirectory, deleted: DirectoryAccount, cast: Cast, lost: str, applied: bool
) -> None:
    operation = journeys.operations(approved(cast, RESTORE))[0]
    (directory.after if applied else directory.faults)[lost] = [OutcomeUnknown]

    first, second = attempt(operation), attempt(operation)

    assert (first.status, second.status) == (OperationStatus.OUTCOME_UNKNOWN, OperationStatus.DONE)
    assert directory.entries[deleted.object_guid].enabled


def test_a_group_that_is_gone_meanwhile_does_not_stop_the_restoration(
    directory: FakeDirectory, deleted: DirectoryAccount, cast: Cast
) -> None:
    operation = journeys.operations(approved(cast, RESTORE))[0]
    del directory.groups[GROUP]

    restored = attempt(operation)

    assert (restored.status, restored.evidence["groups_gone"]) == (OperationStatus.DONE, ["審査"])


def test_nothing_is_removed_before_its_day_and_everything_on_it(
    directory: FakeDirectory, deleted: DirectoryAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert deleted.remove_on is not None
    midnight = datetime(deleted.remove_on.year, deleted.remove_on.month, deleted.remove_on.day, tzinfo=JST)

    early = due.enqueue_removals(now=midnight - timedelta(seconds=1))
    on_the_day = due.enqueue_removals(now=midnight)
    again = due.enqueue_removals(now=midnight + timedelta(days=1))
    later(monkeypatch, 31)
    operation = attempt(removal(deleted))

    assert (early, on_the_day, again) == (0, 1, 0)
    assert (operation.status, operation.step_label) == (OperationStatus.DONE, "完全削除")
    assert directory.entries == {}
    deleted.refresh_from_db()
    assert deleted.state == State.REMOVED
    assert deleted.last_line.application.status == Status.COMPLETED, "a finished application stays as it is"


def test_a_lost_answer_of_the_removal_is_looked_up(
    directory: FakeDirectory, deleted: DirectoryAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    due.enqueue_removals(now=later(monkeypatch, 31))
    directory.after["delete"] = [OutcomeUnknown]

    first, second = attempt(removal(deleted)), attempt(removal(deleted))

    assert (first.status, second.status) == (OperationStatus.OUTCOME_UNKNOWN, OperationStatus.DONE)
    deleted.refresh_from_db()
    assert deleted.state == State.REMOVED


@pytest.mark.parametrize(
    "by_hand", [{"enabled": True}, {"dn": f"CN=tk0412-suzuki,{users_ou('13')}"}], ids=str
)
def test_what_is_no_longer_as_it_was_deleted_is_not_removed(
    directory: FakeDirectory,
    deleted: DirectoryAccount,
    monkeypatch: pytest.MonkeyPatch,
    by_hand: dict[str, Any],
) -> None:
    due.enqueue_removals(now=later(monkeypatch, 31))
    directory.put(directory.entries[deleted.object_guid], **by_hand)

    stopped = attempt(removal(deleted))

    assert (stopped.status, stopped.error_code) == (OperationStatus.ATTENTION, "not_as_deleted")
    assert deleted.object_guid in directory.entries


def test_an_open_restoration_keeps_the_removal_waiting_and_then_wins(
    directory: FakeDirectory, deleted: DirectoryAccount, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    line = deleted.last_line_id
    due.enqueue_removals(now=later(monkeypatch, 31))
    restoration = journeys.submitted(cast, {"login_name": "tk0412-suzuki"}, kind=RESTORE)

    waiting = attempt(Operation.system.get(line_id=line, step="remove"))
    Operation.system.filter(step="remove").update(not_before=timezone.now() + timedelta(days=1))
    journeys.approve(restoration, cast.approver)
    journeys.approve(restoration, cast.operator)
    restored = attempt(journeys.operations(restoration)[0])
    skipped = attempt(Operation.system.get(line_id=line, step="remove"))

    assert (waiting.status, waiting.error_code) == (OperationStatus.WAITING, "restoration_open")
    assert restored.status == OperationStatus.DONE
    assert (skipped.status, skipped.evidence) == (OperationStatus.DONE, {"nothing_to_do": "restored"})
    assert directory.entries[deleted.object_guid].enabled


def test_after_the_removal_a_restoration_is_refused_with_a_clear_sentence(
    directory: FakeDirectory, deleted: DirectoryAccount, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    due.enqueue_removals(now=later(monkeypatch, 31))
    attempt(removal(deleted))

    with pytest.raises(InvalidApplication) as refused:
        journeys.submitted(cast, {"login_name": "tk0412-suzuki"}, kind=RESTORE)

    assert "完全に削除された" in str(refused.value.errors["lines.0.login_name"])


def test_a_restoration_approved_too_late_is_refused_at_its_execution(
    directory: FakeDirectory, deleted: DirectoryAccount, cast: Cast
) -> None:
    restoration = journeys.operations(approved(cast, RESTORE))[0]
    DirectoryAccount.system.filter(pk=deleted.pk).update(removal_began_at=timezone.now())

    stopped = attempt(restoration)

    assert (stopped.status, stopped.error_code) == (OperationStatus.ATTENTION, "removed")
    assert not directory.entries[deleted.object_guid].enabled


@pytest.mark.django_db(transaction=True)
def test_of_removal_and_restoration_at_one_moment_the_lock_lets_one_begin(
    directory: FakeDirectory, deleted: DirectoryAccount, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = later(monkeypatch, 31)
    due.enqueue_removals(now=now)
    operation = removal(deleted)

    removed, _submitted = at_once(
        lambda: begin_removal(operation, now),
        lambda: journeys.submitted(cast, {"login_name": "tk0412-suzuki"}, kind=RESTORE),
        refusals=(Stop, InvalidApplication),
    )

    deleted.refresh_from_db()
    began = deleted.removal_began_at is not None
    # Both may have begun when the submission read before the removal claimed; then the execution refuses.
    assert began == (not isinstance(removed, Stop))


def test_a_deletion_for_another_federations_account_finds_nothing(
    directory: FakeDirectory, account: DirectoryAccount
) -> None:
    stranger = Cast("27")

    with pytest.raises(InvalidApplication) as refused:  # ORG-02
        journeys.submitted(stranger, {"login_name": "tk0412-suzuki"}, kind=DELETE)

    assert list(refused.value.errors) == ["lines.0.login_name"]


def test_each_step_done_by_hand_is_verified_and_has_a_work_sheet(
    directory: FakeDirectory, account: DirectoryAccount, cast: Cast
) -> None:
    operation = journeys.operations(approved(cast, DELETE))[0]
    run = HeldRun(operation, timezone.now)

    before = DeleteHandler().verify(run, {})
    directory.put(
        directory.entries[account.object_guid],
        enabled=False,
        groups=(),
        dn=f"CN=tk0412-suzuki,{deleted_ou('13')}",
    )
    after = DeleteHandler().verify(run, {})

    assert (type(before), type(after)) == (NeedsPerson, Done)
    account.refresh_from_db()
    assert account.before_deletion == {"container": "Users", "groups": ["審査"]}
    assert isinstance(RemoveHandler().verify(run, {}), NeedsPerson)
    for handler in (DeleteHandler(), RemoveHandler(), RestoreHandler()):
        assert ("objectGUID", str(account.object_guid)) in handler.work_sheet(operation)
