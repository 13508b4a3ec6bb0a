"""Changes, deletions and restorations that are interrupted anywhere end as approved, on the same object (fault cases 1, 2, 12, 19)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from accounts import due
from accounts.kinds import CHANGE, DELETE, RESTORE
from accounts.models import DirectoryAccount
from portal.embedded.directory.faults import Fault
from portal.fulfilment import services
from portal.fulfilment.models import Operation, OperationStatus
from portal.gateways import clock
from portal.gateways.directory_names import path_below
from portal.workflow.models import Application, Status
from tests import journeys
from tests.lab import Lab, admin

pytestmark = pytest.mark.slow


@pytest.fixture
def lab(either_lab: Lab) -> Lab:
    """Against the demo directory and against Samba."""
    return either_lab


CHANGES = {
    "family_name": "佐藤",
    "family_kana": "サトウ",
    "department": "審査第一課",
    "expires_on": "2099-03-31",
    "container": "Users/審査第一課",
    "groups": ["会計"],
}


def prepare(lab: Lab) -> DirectoryAccount:
    """An account that was registered the usual way, a unit and two groups of its federation, of which it is in one."""
    application = journeys.approved(lab.cast)
    services.drain("directory", now_fn=timezone.now)
    account = DirectoryAccount.system.get(login_name=application.lines.get().payload["login_name"])
    env = lab.directory_server.env
    root = f"OU=13,{env['AD_ROOT_OU']}"
    connection = admin(lab)
    classes = {"unit": ["top", "organizationalUnit"], "group": ["top", "group"]}
    connection.add(f"OU=審査第一課,OU=Users,{root}", classes["unit"])
    for name in ("審査", "会計"):
        dn = f"CN={name},OU=Groups,{root}"
        connection.add(dn, classes["group"], {"sAMAccountName": name, "groupType": "-2147483646"})
    connection.unbind()
    lab.directory.add_to_group(f"CN=審査,OU=Groups,{root}", account.object_guid)
    DirectoryAccount.system.filter(pk=account.pk).update(groups=["審査"])
    return account


def change(lab: Lab, account: DirectoryAccount) -> Application:
    """An approved change of everything."""
    line = {
        "login_name": account.login_name,
        "new_login_name": f"{account.login_name}-2"[:20],
        "given_name": account.given_name,
        "given_kana": account.given_kana,
        "staff_number": "0012",
        "description": "改姓",
    }
    return approved(lab, CHANGE, line | CHANGES)


def approved(lab: Lab, kind: str, line: dict[str, Any]) -> Application:
    application = journeys.submitted(lab.cast, line, kind=kind)
    journeys.approve(application, lab.cast.approver)
    return journeys.approve(application, lab.cast.operator)


def expect_changed(lab: Lab, account: DirectoryAccount, application: Application) -> None:
    (operation,) = journeys.operations(application)
    application.refresh_from_db()
    assert (operation.status, application.status) == (OperationStatus.DONE, Status.COMPLETED), (
        operation.error_message
    )
    entry = lab.directory.find_by_guid(account.object_guid)
    assert entry is not None
    assert (entry.family_name, entry.kana, entry.department) == ("佐藤", "サトウ ミサキ", "審査第一課")
    assert (entry.staff_number, str(entry.account_expires)) == ("0012", "2099-03-31")
    assert path_below(entry.container_dn, lab.directory_server.env["AD_ROOT_OU"]) == "13/Users/審査第一課"
    assert [path_below(dn, lab.directory_server.env["AD_ROOT_OU"]) for dn in entry.groups] == [
        "13/Groups/会計"
    ]
    found = [lab.directory.find_by_login_name(name) for name in (account.login_name, entry.login_name)]
    assert [each and each.guid for each in found] == [None, account.object_guid], "no second account"
    account.refresh_from_db()
    assert (account.login_name, account.family_kana) == (entry.login_name, "サトウ")


# fault case 1
@pytest.mark.parametrize(
    "point",
    [
        "before_rename",
        "after_rename",
        "after_update_account",
        "after_move",
        "after_add_to_group",
        "after_remove_from_group",
        "after_commit",
    ],
)
def test_a_worker_killed_at_any_point_of_a_change_ends_as_approved(lab: Lab, point: str) -> None:
    account = prepare(lab)
    application = change(lab, account)

    lab.worker_dies_at(point)
    lab.go_on()

    expect_changed(lab, account, application)


# fault case 2
@pytest.mark.parametrize("operation", ["modify", "modify_dn"])
@pytest.mark.parametrize("action", ["lose_reply", "lose_request", "hang"])
def test_a_lost_reply_during_a_change_is_unknown_first_and_as_approved_in_the_end(
    lab: Lab, operation: str, action: str
) -> None:
    account = prepare(lab)
    application = change(lab, account)
    lab.directory_server.faults.add(Fault(operation=operation, action=action))  # type: ignore[arg-type]

    services.drain("directory", now_fn=timezone.now)
    first = journeys.operations(application)[0].status
    lab.go_on()

    assert first == OperationStatus.OUTCOME_UNKNOWN
    expect_changed(lab, account, application)


# fault case 1, 19
@pytest.mark.parametrize("point", ["after_disable", "after_move", "after_remove_from_group", "after_commit"])
def test_a_deletion_killed_anywhere_is_restored_whole_by_one_application(lab: Lab, point: str) -> None:
    account = prepare(lab)
    before = lab.directory.find_by_guid(account.object_guid)
    deletion = approved(lab, DELETE, {"login_name": account.login_name})

    lab.worker_dies_at(point)
    lab.go_on()
    account.refresh_from_db()
    deleted_state, deleted = account.state, lab.directory.find_by_guid(account.object_guid)
    restoration = approved(lab, RESTORE, {"login_name": account.login_name})
    services.drain("directory", now_fn=timezone.now)

    assert journeys.operations(deletion)[0].status == OperationStatus.DONE
    assert (deleted_state, deleted and deleted.enabled) == (DirectoryAccount.State.DELETED, False)
    assert journeys.operations(restoration)[0].status == OperationStatus.DONE
    after = lab.directory.find_by_guid(account.object_guid)
    assert before is not None
    assert after is not None
    assert (after.dn, after.groups, after.enabled) == (before.dn, before.groups, True)


# fault case 1, 19
@pytest.mark.parametrize("point", ["after_add_to_group", "after_move", "after_enable"])
def test_a_restoration_killed_anywhere_ends_restored(lab: Lab, point: str) -> None:
    account = prepare(lab)
    approved(lab, DELETE, {"login_name": account.login_name})
    services.drain("directory", now_fn=timezone.now)
    restoration = approved(lab, RESTORE, {"login_name": account.login_name})

    lab.worker_dies_at(point)
    lab.go_on()

    assert journeys.operations(restoration)[0].status == OperationStatus.DONE
    entry = lab.directory.find_by_guid(account.object_guid)
    assert entry is not None
    assert (entry.enabled, len(entry.groups)) == (True, 1)


# fault case 2
def test_a_lost_reply_of_the_final_removal_is_looked_up(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    account = prepare(lab)
    approved(lab, DELETE, {"login_name": account.login_name})
    services.drain("directory", now_fn=timezone.now)
    moment = timezone.now() + timedelta(days=31)
    monkeypatch.setattr(clock, "now", lambda: moment)
    due.enqueue_removals(now=moment)
    lab.directory_server.faults.add(Fault(operation="delete", action="lose_reply"))

    services.drain("directory", now_fn=lambda: moment)
    first = Operation.system.get(step="remove").status
    services.drain("directory", now_fn=lambda: moment + timedelta(hours=1))

    account.refresh_from_db()
    assert first == OperationStatus.OUTCOME_UNKNOWN
    assert Operation.system.get(step="remove").status == OperationStatus.DONE
    assert account.state == DirectoryAccount.State.REMOVED
    assert lab.directory.find_by_guid(account.object_guid) is None


# fault case 12
def test_an_account_moved_and_renamed_by_hand_is_found_by_its_guid_and_told(
    lab: Lab,
) -> None:
    account = prepare(lab)
    deletion = approved(lab, DELETE, {"login_name": account.login_name})
    connection = admin(lab)
    connection.modify_dn(account.distinguished_name, "CN=by-hand", new_superior=None)
    connection.unbind()

    services.drain("directory", now_fn=timezone.now)

    entry = lab.directory.find_by_guid(account.object_guid)
    assert journeys.operations(deletion)[0].status == OperationStatus.DONE
    assert entry is not None
    assert (entry.enabled, entry.dn.startswith("CN=by-hand,OU=Deleted")) == (False, True)


# fault case 12
def test_an_account_deleted_by_hand_is_told_and_not_made_again(lab: Lab) -> None:
    account = prepare(lab)
    application = change(lab, account)
    lab.directory.delete(account.object_guid)

    services.drain("directory", now_fn=timezone.now)

    (operation,) = journeys.operations(application)
    assert (operation.status, operation.error_code) == (OperationStatus.ATTENTION, "account_missing")
    assert lab.directory.find_by_login_name(account.login_name) is None
