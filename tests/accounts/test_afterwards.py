"""Registration afterwards: what was made by hand on a day without the portal is matched, verified and approved (ACC-12)."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from django.utils import timezone

from accounts import afterwards
from accounts.afterwards import AfterwardsForm, RegisterAfterwards
from accounts.models import DirectoryAccount
from portal.continuity import reserve
from portal.continuity.models import EmergencyNumber
from portal.fulfilment.models import Operation, OperationStatus
from portal.orgs.models import Organisation
from portal.workflow.kinds import LineContext
from portal.workflow.models import Status
from tests import factories
from tests.accounts.world import LINE, attempt
from tests.fakes import FakeDirectory, users_ou

pytestmark = pytest.mark.django_db
NUMBER = "E-13-0001"
TYPED = {**LINE, "emergency_number": NUMBER, "written_by": "運用 太郎 11/20 10:30"}


@pytest.fixture(autouse=True)
def block() -> None:
    reserve.keep_reserve(timezone.now())


def by_hand(directory: FakeDirectory, code: str = "13", **changes: Any) -> Any:
    """What operations made in AD from the attribute table."""
    organisation = factories.organisation(code)
    values = {
        "container_dn": users_ou(organisation.ou_name),
        "display_name": "鈴木 美咲",
        "family_name": "鈴木",
        "given_name": "美咲",
        "kana": "スズキ ミサキ",
        "department": "審査第二課",
        "company": organisation.name,
        "mail": None,
        "marker": NUMBER,
        "must_change_password": True,
    } | changes
    return directory.add(values.pop("login_name", LINE["login_name"]), **values)


def context(code: str = "13") -> LineContext:
    organisation: Organisation = factories.organisation(code)
    return LineContext(organisation=organisation, actor=None, application=None, today=date(2026, 11, 25))


def payload(**changes: Any) -> RegisterAfterwards:
    form = AfterwardsForm({**TYPED, **changes}, context=context())
    assert form.is_valid(), form.errors
    return form.to_payload()


def approved(**changes: Any) -> Operation:
    paper = factories.application(kind=afterwards.CODE, status=Status.FULFILLING)
    data = {**TYPED, "recipient_id": 0, "staff_number": "", "expires_on": "", **changes}
    return factories.operation(factories.line(data, application=paper))


def test_an_account_made_by_hand_is_matched_by_its_emergency_number(directory: FakeDirectory) -> None:
    by_hand(directory)

    assert not afterwards.check(context(), payload())
    plan = afterwards.plan(context(), payload())
    assert not plan.is_blocked
    assert {check.code for check in plan.checks} == {"as_entered", "password_unused"}


def test_once_approved_it_is_in_the_register_and_nothing_was_written_to_ad(directory: FakeDirectory) -> None:
    entry = by_hand(directory)
    operation = approved()

    done = attempt(operation)

    assert done.status == OperationStatus.DONE, done.error_message
    account = DirectoryAccount.system.get(object_guid=entry.guid)
    assert (account.login_name, account.last_line_id) == (LINE["login_name"], operation.line_id)
    assert directory.entries[entry.guid] == entry
    number = EmergencyNumber.system.get(number=NUMBER)
    assert number.used_by_line_id == operation.line_id


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"department": "総務課"}, "department"),
        ({"family_name": "鈴本", "display_name": "鈴本 美咲"}, "family_name"),
        ({"kana": "スズキ"}, "family_kana"),
        ({"login_name": "tk0412-other"}, "login_name"),
        ({"company": "別の会社"}, ""),
    ],
)
def test_what_ad_holds_differently_is_named_at_its_entry(
    directory: FakeDirectory, changes: dict[str, Any], field: str
) -> None:
    by_hand(directory, **changes)

    errors = afterwards.check(context(), payload())

    assert field in errors


def test_without_the_number_in_ad_nothing_is_adopted(directory: FakeDirectory) -> None:
    by_hand(directory, marker="")  # same name and values, but it may be anybody's

    assert "emergency_number" in afterwards.check(context(), payload())
    assert attempt(approved()).error_code == "not_there"
    assert not DirectoryAccount.system.exists()


def test_a_number_of_another_federation_is_unknown(directory: FakeDirectory) -> None:  # ORG-02
    by_hand(directory, code="27", marker="E-27-0001")

    errors = afterwards.check(context(), payload(emergency_number="E-27-0001"))

    assert errors == {"emergency_number": [errors["emergency_number"][0]]}
    assert "渡されて" in errors["emergency_number"][0]


def test_an_object_in_another_federations_unit_is_unknown(directory: FakeDirectory) -> None:  # ORG-02
    by_hand(directory, container_dn=users_ou(factories.organisation("27").ou_name))

    assert "emergency_number" in afterwards.check(context(), payload())


def test_one_number_serves_once(directory: FakeDirectory) -> None:
    by_hand(directory)
    attempt(approved())

    assert "登録済み" in afterwards.check(context(), payload())["emergency_number"][0]


def test_a_password_in_use_is_told_to_the_approver(directory: FakeDirectory) -> None:
    by_hand(directory, must_change_password=False)

    assert "password_in_use" in {check.code for check in afterwards.plan(context(), payload()).checks}
