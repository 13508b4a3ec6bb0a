"""What must be true before an application about accounts goes on, and what its plan shows (ACC-06, ACC-09, ACC-12)."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from accounts import asking, checks, planning
from accounts.models import DirectoryAccount
from accounts.payloads import RegisterAccount, ResetPassword
from portal.gateways.directory import DirectoryUnavailable
from portal.orgs.models import PasswordRecipient, User
from portal.workflow import plans
from portal.workflow.kinds import LineContext
from portal.workflow.models import Application, Status
from tests import factories
from tests.accounts.world import LINE
from tests.fakes import FakeDirectory, users_ou

pytestmark = pytest.mark.django_db


def context(application: Application | None = None, actor: User | None = None) -> LineContext:
    return LineContext(
        organisation=factories.organisation("13"),
        actor=actor,
        application=application,
        today=dt.date(2026, 11, 20),
    )


def new_person(recipient: PasswordRecipient | None = None, **changes: Any) -> RegisterAccount:
    recipient = recipient or factories.recipient()
    return RegisterAccount(**{**LINE, "recipient_id": recipient.pk, **changes})


def forgotten(guid: Any, recipient: PasswordRecipient | None = None) -> ResetPassword:
    recipient = recipient or factories.recipient()
    return ResetPassword(login_name="tk0412-suzuki", account_guid=str(guid), recipient_id=recipient.pk)


def levels(plan: plans.Plan) -> dict[str, str]:
    return {check.code: check.level for check in plan.checks}


def test_a_free_name_and_a_usable_recipient_pass(directory: FakeDirectory) -> None:
    assert checks.check_register(context(), new_person()) == {}


def test_a_name_in_the_directory_is_refused_in_any_case(directory: FakeDirectory) -> None:
    directory.add("TK0412-SUZUKI", container_dn=users_ou("27"))

    assert list(checks.check_register(context(), new_person())) == ["login_name"]


def test_plans_of_many_lines_cost_as_many_statements_as_one(
    directory: FakeDirectory, django_assert_num_queries: Any
) -> None:
    recipient, page = factories.recipient(), context()

    with django_assert_num_queries(3):
        for number in range(30):
            planning.plan_register(page, new_person(recipient, login_name=f"tk{number:04}"))


@pytest.mark.parametrize("state", DirectoryAccount.State.values)
def test_a_name_in_the_register_is_refused_also_when_deleted(directory: FakeDirectory, state: str) -> None:
    factories.directory_account(login_name="Tk0412-Suzuki", state=state)

    assert list(checks.check_register(context(), new_person())) == ["login_name"]


def reserved(code: str) -> Application:
    paper = factories.application(code, status=Status.IN_REVIEW)
    factories.line(LINE, application=paper, is_open=True, reservation_key="login:tk0412-suzuki")
    return paper


def test_a_name_in_an_open_application_of_the_own_organisation_is_named(directory: FakeDirectory) -> None:
    paper = reserved("13")

    (text,) = checks.check_register(context(), new_person())["login_name"]

    assert paper.number in text


def test_nothing_is_told_about_an_open_application_of_another_federation(  # ORG-02
    directory: FakeDirectory,
) -> None:
    paper = reserved("27")

    (text,) = checks.check_register(context(), new_person())["login_name"]

    assert paper.number not in text
    assert text == checks.name_taken()


def test_an_application_does_not_stand_in_its_own_way(directory: FakeDirectory) -> None:
    paper = reserved("13")

    assert checks.check_register(context(paper), new_person()) == {}


def test_a_mailing_list_is_refused_as_recipient(directory: FakeDirectory) -> None:  # ACC-09
    recipient = factories.recipient()
    directory.group_mails.add(recipient.email)

    assert list(checks.check_register(context(), new_person(recipient))) == ["recipient_id"]
    assert (
        levels(planning.plan_register(context(), new_person(recipient)))["recipient_is_group"]
        == plans.BLOCKED
    )


def test_an_address_of_two_people_is_refused_as_recipient(directory: FakeDirectory) -> None:  # ACC-09
    recipient = factories.recipient(email="kyoyu@kokuho13.example.jp")
    factories.user(email="kyoyu@kokuho13.example.jp")
    factories.user(email="KYOYU@kokuho13.example.jp")

    assert list(checks.check_register(context(), new_person(recipient))) == ["recipient_id"]


def test_an_unreachable_directory_is_no_error_of_the_applicant(directory: FakeDirectory) -> None:  # ACC-12
    directory.faults["container_exists"] = [DirectoryUnavailable(code="down")]
    assert checks.check_register(context(), new_person()) == {}

    plan = planning.plan_register(context(), new_person())

    assert plan.unavailable
    assert not plan.is_blocked
    assert plan.changes == planning.plan_offline(context(), new_person()).changes


def test_a_directory_that_is_down_is_asked_once_for_many_lines(directory: FakeDirectory) -> None:
    directory.faults["container_exists"] = [DirectoryUnavailable(code="down")] * 50

    for _ in range(50):
        planning.plan_register(context(), new_person(PasswordRecipient.system.first()))

    assert directory.calls == ["container_exists"]


def test_a_directory_that_is_back_is_asked_again(directory: FakeDirectory) -> None:
    directory.faults["container_exists"] = [DirectoryUnavailable(code="down")]
    planning.plan_register(context(), new_person())
    asking.forget()

    assert not planning.plan_register(context(), new_person()).unavailable


def test_plan_of_a_registration_shows_every_attribute(directory: FakeDirectory) -> None:
    plan = planning.plan_register(context(), new_person(description="臨時"))

    after = {change.attribute: change.after for change in plan.changes}
    assert after == {
        "sAMAccountName": ("tk0412-suzuki",),
        "userPrincipalName": ("tk0412-suzuki@kokuho.pr",),
        "displayName": ("鈴木 美咲",),
        "sn": ("鈴木",),
        "givenName": ("美咲",),
        "msDS-PhoneticDisplayName": ("スズキ ミサキ",),
        "department": ("審査第二課",),
        "company": (factories.organisation("13").name,),
        "description": ("臨時",),
        "distinguishedName": (users_ou("13"),),
        "pwdLastSet": ("0",),
    }
    assert set(levels(plan).values()) == {plans.PASSED}


def test_plan_is_blocked_by_what_would_fail_when_written(directory: FakeDirectory) -> None:
    directory.add("tk0412-suzuki", container_dn=users_ou("27"))
    directory.missing_containers.add(users_ou("13"))

    found = levels(planning.plan_register(context(), new_person()))

    assert found["name_free"] == plans.BLOCKED
    assert found["container"] == plans.BLOCKED


def test_plan_is_blocked_when_the_recipient_has_left(directory: FakeDirectory) -> None:
    recipient = factories.recipient(is_active=False)

    assert levels(planning.plan_register(context(), new_person(recipient)))["recipient"] == plans.BLOCKED


def test_namesakes_and_an_applicant_who_is_the_recipient_are_warnings(directory: FakeDirectory) -> None:
    directory.add("tk0001-suzuki", container_dn=users_ou("13"), display_name="鈴木 美咲")
    directory.add("tk0002-suzuki", container_dn=users_ou("27"), display_name="鈴木 美咲")
    applicant = factories.applicant()
    recipient = factories.recipient(email=applicant.email)

    plan = planning.plan_register(context(actor=applicant), new_person(recipient))

    namesakes = next(check for check in plan.checks if check.code == "namesakes")
    assert (namesakes.level, namesakes.values) == (plans.WARNING, {"count": "1"})
    assert levels(plan)["applicant_is_recipient"] == plans.WARNING
    assert not plan.is_blocked


@pytest.mark.parametrize(
    "values",
    [{"enabled": False}, {"privileged": True}, {"container_dn": users_ou("27")}],
    ids=["disabled", "protected", "of another federation"],
)
def test_some_accounts_cannot_be_reset(directory: FakeDirectory, values: dict[str, Any]) -> None:
    entry = directory.add("tk0412-suzuki", **({"container_dn": users_ou("13")} | values))

    assert list(checks.check_reset(context(), forgotten(entry.guid))) == ["login_name"]
    assert planning.plan_reset(context(), forgotten(entry.guid)).is_blocked


def test_an_account_that_is_gone_cannot_be_reset(directory: FakeDirectory) -> None:
    gone = "6f1c1c8e-7d1f-4f53-9d55-0d7a5d3a9f10"

    assert list(checks.check_reset(context(), forgotten(gone))) == ["login_name"]


def test_plan_of_a_reset_shows_state_and_never_a_password(directory: FakeDirectory) -> None:  # ACC-10
    entry = directory.add("tk0412-suzuki", container_dn=users_ou("13"), locked=True, password="Secret-Word-1")

    plan = planning.plan_reset(context(), forgotten(entry.guid))

    assert {change.attribute for change in plan.changes} == {"unicodePwd", "pwdLastSet", "lockoutTime"}
    assert "Secret-Word-1" not in str(plan.to_json())
    assert not plan.is_blocked


def test_plans_survive_their_json(directory: FakeDirectory) -> None:
    plan = planning.plan_register(context(), new_person())

    assert plans.Plan.from_json(plan.to_json()) == plan
