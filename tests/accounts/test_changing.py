"""A change goes from the approved values before to those after, by objectGUID, and never over somebody else's (ACC-02, ACC-06)."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from django.utils import timezone

from accounts.kinds import CHANGE, CHANGE_KIND
from accounts.life_forms import ChangeForm
from accounts.models import DirectoryAccount
from portal.fulfilment.models import OperationStatus
from portal.gateways.directory import DirectoryUnavailable, OutcomeUnknown
from portal.workflow.errors import InvalidApplication
from portal.workflow.kinds import LineContext
from portal.workflow.models import Application
from tests import factories, journeys
from tests.accounts.life import SECTION, employ
from tests.accounts.world import attempt
from tests.fakes import ROOT_OU, FakeDirectory, groups_ou, users_ou
from tests.journeys import Cast

pytestmark = pytest.mark.django_db


@pytest.fixture
def cast() -> Cast:
    return Cast()


@pytest.fixture
def account(directory: FakeDirectory) -> DirectoryAccount:
    """An account in AD and in the register."""
    return employ(directory)


def wanted(**changes: Any) -> dict[str, Any]:
    """The whole state that a form sends."""
    return {
        "login_name": "tk0412-suzuki",
        "new_login_name": "",
        "family_name": "鈴木",
        "given_name": "美咲",
        "family_kana": "スズキ",
        "given_kana": "ミサキ",
        "department": "審査第二課",
        "staff_number": "",
        "description": "",
        "expires_on": "",
        "container": "Users",
        "groups": ["審査"],
    } | changes


def approved(cast: Cast, **changes: Any) -> Application:
    """A change that waits to be carried out."""
    application = journeys.submitted(cast, wanted(**changes), kind=CHANGE)
    journeys.approve(application, cast.approver)
    return journeys.approve(application, cast.operator)


EVERYTHING = {
    "new_login_name": "tk0412-sato",
    "family_name": "佐藤",
    "family_kana": "サトウ",
    "department": "審査第一課",
    "staff_number": "0012",
    "description": "改姓",
    "expires_on": "2099-03-31",
    "container": "Users/審査第一課",
    "groups": ["会計"],
}


def expect_everything(directory: FakeDirectory, account: DirectoryAccount) -> None:
    now = directory.entries[account.object_guid]
    assert now.dn == f"CN=tk0412-sato,{SECTION}"
    assert (now.login_name, now.display_name, now.kana) == ("tk0412-sato", "佐藤 美咲", "サトウ ミサキ")
    assert (now.department, now.staff_number, now.description) == ("審査第一課", "0012", "改姓")
    assert now.account_expires == date(2099, 3, 31)
    assert now.groups == (f"CN=会計,{groups_ou('13')}",)
    account.refresh_from_db()
    assert (account.login_name, account.family_name, account.family_kana) == ("tk0412-sato", "佐藤", "サトウ")
    assert (account.container_dn, account.groups) == (SECTION, ["会計"])
    assert (account.expires_on, account.staff_number) == (date(2099, 3, 31), "0012")


def test_the_plan_shows_only_what_differs_before_and_after(
    directory: FakeDirectory, account: DirectoryAccount, cast: Cast
) -> None:
    application = journeys.submitted(
        cast,
        wanted(department="審査第一課", container="Users/審査第一課", groups=["審査", "会計"]),
        kind=CHANGE,
    )

    plan = application.lines.get().plan
    assert plan is not None
    assert {c["attribute"]: (c["before"], c["after"]) for c in plan["changes"]} == {
        "department": (["審査第二課"], ["審査第一課"]),
        "distinguishedName": (["Users"], ["Users/審査第一課"]),
        "memberOf": (["審査"], ["会計", "審査"]),
    }


def test_everything_is_changed_and_read_back(
    directory: FakeDirectory, account: DirectoryAccount, cast: Cast
) -> None:
    application = approved(cast, **EVERYTHING)

    operation = attempt(journeys.operations(application)[0])

    assert operation.status == OperationStatus.DONE, operation.error_message
    expect_everything(directory, account)
    account.refresh_from_db()
    assert account.last_line_id == application.lines.get().pk


def test_a_change_of_nothing_is_refused_at_entry(
    directory: FakeDirectory, account: DirectoryAccount, cast: Cast
) -> None:
    with pytest.raises(InvalidApplication) as refused:
        journeys.submitted(cast, wanted(), kind=CHANGE)

    assert list(refused.value.errors) == ["lines.0"]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"container": "Administrators"}, "container"),
        ({"container": "Users/nowhere"}, "container"),
        ({"groups": ["保守"]}, "groups"),
        ({"groups": ["局所"]}, "groups"),
        ({"new_login_name": "tk0413-taken"}, "new_login_name"),
        ({"new_login_name": "-suzuki"}, "new_login_name"),
        ({"login_name": "os0001-foreign"}, "login_name"),
        ({"expires_on": "2020-01-01"}, "expires_on"),
    ],
    ids=str,
)
def test_what_cannot_be_is_refused_at_its_field(
    directory: FakeDirectory, account: DirectoryAccount, cast: Cast, changes: dict[str, Any], field: str
) -> None:
    # ORG-02: an account of another federation is as unknown as none; ORG-02, ACC-06 for the rest.
    directory.add("tk0413-taken", container_dn=users_ou("13"))
    factories.directory_account("27", login_name="os0001-foreign")

    with pytest.raises(InvalidApplication) as refused:
        journeys.submitted(cast, wanted(department="審査第一課", **changes), kind=CHANGE)

    assert list(refused.value.errors) == [f"lines.0.{field}"]


def test_a_second_open_application_about_the_account_is_refused(
    directory: FakeDirectory, account: DirectoryAccount, cast: Cast
) -> None:
    journeys.submitted(cast, wanted(new_login_name="tk0412-sato"), kind=CHANGE)

    with pytest.raises(InvalidApplication):
        journeys.submitted(cast, wanted(department="審査第一課"), kind=CHANGE)


@pytest.mark.parametrize("lost", ["rename", "update_account", "move", "add_to_group", "remove_from_group"])
@pytest.mark.parametrize("applied", [True, False])
def test_a_lost_answer_at_any_write_ends_in_the_approved_state(
    directory: FakeDirectory, account: DirectoryAccount, cast: Cast, lost: str, applied: bool
) -> None:
    operation = journeys.operations(approved(cast, **EVERYTHING))[0]
    (directory.after if applied else directory.faults)[lost] = [OutcomeUnknown]

    first = attempt(operation)
    second = attempt(operation)

    assert (first.status, second.status) == (OperationStatus.OUTCOME_UNKNOWN, OperationStatus.DONE)
    expect_everything(directory, account)


@pytest.mark.parametrize(
    "by_hand",
    [
        {"department": "総務課"},
        {"login_name": "somebody-else"},
        {"dn": f"CN=tk0412-suzuki,OU=Deleted,OU=13,{ROOT_OU}"},
        {"groups": (f"CN=審査,{groups_ou('13')}", f"CN=局所,{groups_ou('13')}")},
    ],
    ids=str,
)
def test_what_somebody_changed_since_the_approval_is_never_overwritten(
    directory: FakeDirectory, account: DirectoryAccount, cast: Cast, by_hand: dict[str, Any]
) -> None:
    operation = journeys.operations(approved(cast, **EVERYTHING))[0]
    changed = directory.put(directory.entries[account.object_guid], **by_hand)

    stopped = attempt(operation)

    assert (stopped.status, stopped.error_code) == (OperationStatus.ATTENTION, "differs")
    assert directory.entries[account.object_guid] == changed


def test_an_attribute_that_the_application_does_not_change_is_left_alone(
    directory: FakeDirectory, account: DirectoryAccount, cast: Cast
) -> None:
    operation = journeys.operations(approved(cast, department="審査第一課"))[0]
    directory.put(directory.entries[account.object_guid], description="手で書いた")

    assert attempt(operation).status == OperationStatus.DONE
    assert directory.entries[account.object_guid].description == "手で書いた"


def test_an_account_deleted_by_hand_is_not_made_again(
    directory: FakeDirectory, account: DirectoryAccount, cast: Cast
) -> None:
    operation = journeys.operations(approved(cast, department="審査第一課"))[0]
    del directory.entries[account.object_guid]

    stopped = attempt(operation)

    assert (stopped.status, stopped.error_code) == (OperationStatus.ATTENTION, "account_missing")
    assert directory.entries == {}


def test_a_name_taken_since_the_approval_goes_back_to_a_person_before_anything_changes(
    directory: FakeDirectory, account: DirectoryAccount, cast: Cast
) -> None:
    operation = journeys.operations(approved(cast, **EVERYTHING))[0]
    directory.add("tk0412-SATO", container_dn=users_ou("27"))
    before = directory.entries[account.object_guid]

    stopped = attempt(operation)

    assert (stopped.status, stopped.error_code) == (OperationStatus.ATTENTION, "name_taken")
    assert directory.entries[account.object_guid] == before


def test_what_was_changed_since_the_submission_blocks_the_approval(
    directory: FakeDirectory, account: DirectoryAccount, cast: Cast
) -> None:
    application = journeys.submitted(cast, wanted(department="審査第一課"), kind=CHANGE)
    directory.put(directory.entries[account.object_guid], department="総務課")

    with pytest.raises(InvalidApplication):
        journeys.approve(application, cast.approver)


def test_applications_run_while_ad_is_down_and_the_values_before_come_from_the_register(
    directory: FakeDirectory, account: DirectoryAccount, cast: Cast
) -> None:  # ACC-12
    reads = ("find_by_guid", "find_containers", "find_groups")
    directory.faults = {name: [DirectoryUnavailable] * 50 for name in reads}

    application = approved(cast, department="審査第一課")
    directory.faults.clear()

    assert attempt(journeys.operations(application)[0]).status == OperationStatus.DONE
    assert directory.entries[account.object_guid].department == "審査第一課"


def test_work_done_by_hand_is_verified(
    directory: FakeDirectory, account: DirectoryAccount, cast: Cast
) -> None:
    from accounts.changing import ChangeHandler
    from portal.fulfilment.claiming import HeldRun
    from portal.fulfilment.registry import Done, NeedsPerson

    operation = journeys.operations(approved(cast, department="審査第一課"))[0]
    run, handler = HeldRun(operation, timezone.now), ChangeHandler()

    before = handler.verify(run, {})
    directory.put(directory.entries[account.object_guid], department="審査第一課")
    after = handler.verify(run, {})

    assert isinstance(before, NeedsPerson)
    assert isinstance(after, Done)
    assert any("審査第二課 → 審査第一課" in value for _label, value in handler.work_sheet(operation))


def test_the_form_fills_in_what_the_account_has_now(
    directory: FakeDirectory, account: DirectoryAccount
) -> None:
    context = LineContext(
        organisation=account.organisation, actor=None, application=None, today=timezone.localdate()
    )

    shown = ChangeForm(initial={"login_name": "TK0412-suzuki"}, context=context)
    sent = ChangeForm(data={"login_name": "tk0412-suzuki", "family_name": ""}, context=context)

    assert shown["family_kana"].value() == "スズキ"
    assert shown["groups"].value() == ["審査"]
    assert [choice[0] for choice in shown.fields["groups"].choices] == ["会計", "審査"]  # type: ignore[attr-defined]
    assert list(sent.errors) == ["login_name"]
    assert sent["department"].value() == "審査第二課"


def test_a_stored_change_round_trips(directory: FakeDirectory, account: DirectoryAccount, cast: Cast) -> None:
    line = journeys.submitted(cast, wanted(**EVERYTHING), kind=CHANGE).lines.get()

    payload = CHANGE_KIND.load(line.payload, line.payload_version)

    assert CHANGE_KIND.dump(payload) == line.payload
    assert payload.guid == account.object_guid
