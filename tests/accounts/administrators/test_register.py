"""Registering administrator accounts: an account in AD, a person of the portal, roles (ACC-01, ORG-03)."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.utils import timezone

from accounts.administrators import entering
from accounts.administrators.kinds import REGISTER
from accounts.models import DirectoryAccount
from portal.fulfilment.models import OperationStatus
from portal.gateways.directory import DirectoryUnavailable, OutcomeUnknown
from portal.orgs.models import Membership, User
from portal.orgs.permissions import Role
from portal.trail.models import TrailEntry
from portal.workflow.errors import InvalidApplication
from portal.workflow.models import Status
from tests import factories
from tests.accounts.administrators.world import LINE, Office, attempt, roles_of
from tests.accounts.world import PostOffice
from tests.fakes import FakeDirectory, administrators_ou, users_ou

pytestmark = pytest.mark.django_db


def refused(office: Office, **changes: Any) -> dict[str, list[str]]:
    with pytest.raises(InvalidApplication) as error:
        office.submit(office.line(**changes))
    return dict(error.value.errors)


def test_the_account_lies_with_the_administrators_and_its_owner_has_the_roles(  # ACC-01
    directory: FakeDirectory, post: PostOffice
) -> None:
    office = Office()
    until = timezone.localdate() + dt.timedelta(days=30)

    paper = office.carried_out(office.line(roles=f"承認者;申請者({until}まで)"))

    (entry,) = directory.entries.values()
    assert paper.status == Status.COMPLETED
    assert entry.container_dn == administrators_ou("13")
    assert (entry.mail, entry.must_change_password) == (LINE["email"], True)
    account = DirectoryAccount.system.get()
    assert (account.account_type, account.object_guid) == ("ADMINISTRATOR", entry.guid)
    person = User.objects.get(login_name=LINE["login_name"])
    assert (person.directory_guid, person.email, person.password[:1]) == (entry.guid, LINE["email"], "!")
    assert (person.display_name, person.department) == ("鈴木 美咲", "情報管理課")
    assert roles_of(person) == {Role.APPROVER, Role.APPLICANT}
    assert Membership.system.get(user=person, role=Role.APPLICANT).valid_until == until
    assert post.delivered == [(office.recipient.email, directory.passwords[entry.guid])]
    given = TrailEntry.objects.filter(action="membership.add", object_organisation__code="13")
    assert {row.detail["application"] for row in given} == {paper.number}


def test_the_plan_shows_every_role_with_its_days(directory: FakeDirectory) -> None:
    office = Office()
    day = timezone.localdate() + dt.timedelta(days=3)

    paper = office.submit(office.line(roles=f"承認者;申請者({day}から)"))

    changes = {change["attribute"]: change for change in paper.lines.get().plan["changes"]}
    assert changes["portal: APPROVER"]["after"] == ["○"]
    assert changes["portal: APPLICANT"]["after"] == [f"{day}.."]
    assert changes["mail"]["after"] == [LINE["email"]]
    assert changes["distinguishedName"]["after"] == [administrators_ou("13")]


def test_a_name_that_a_person_of_the_portal_has_is_refused_at_entry(directory: FakeDirectory) -> None:
    office = Office()
    factories.user(login_name="Kanri-0412", code="27", is_active=False)

    assert "lines.0.login_name" in refused(office)


@pytest.mark.parametrize(
    "address",
    ["info@kokuho13.example.jp", "soumu-ml@kokuho13.example.jp", "taken@kokuho13.example.jp", "kein-at"],
)
def test_the_address_is_that_of_one_person(directory: FakeDirectory, address: str) -> None:  # ACC-09
    office = Office()
    factories.user(email="Taken@kokuho13.example.jp", code="27")

    assert list(refused(office, email=address)) == ["lines.0.email"]


def test_a_mailing_list_that_ad_knows_is_refused(directory: FakeDirectory) -> None:  # ACC-09
    office = Office()
    directory.group_mails.add(LINE["email"])

    assert list(refused(office)) == ["lines.0.email"]


def test_a_recipient_may_have_an_administrator_account_with_their_own_address(
    directory: FakeDirectory,
) -> None:
    office = Office()
    factories.recipient(name="鈴木　美咲", email=LINE["email"])
    factories.recipient(name="別人", email="other.person@kokuho13.example.jp")

    assert office.submit(office.line()).status == Status.IN_REVIEW
    assert list(refused(office, login_name="kanri-2", email="other.person@kokuho13.example.jp"))


@pytest.mark.parametrize("roles", ["", "なし", "運用担当者", "初期パスワード受信担当者", "監査確認者"])
def test_only_roles_of_the_organisation_that_are_applied_for(  # ORG-03
    directory: FakeDirectory, roles: str
) -> None:
    assert list(refused(Office(), roles=roles)) == ["lines.0.roles"]


@pytest.mark.parametrize("days", ["(2020-04-01から)", "(2020-04-01まで)"])
def test_roles_do_not_begin_in_the_past(directory: FakeDirectory, days: str) -> None:
    assert list(refused(Office(), roles=f"承認者{days}")) == ["lines.0.roles"]


def test_roles_do_not_begin_or_end_before_the_effective_date(directory: FakeDirectory) -> None:
    office = Office()
    today = timezone.localdate()

    with pytest.raises(InvalidApplication) as error:
        office.submit(office.line(roles=f"承認者({today}から)"), desired_on=today + dt.timedelta(days=7))

    assert list(error.value.errors) == ["lines.0.roles"]


def test_the_applicant_does_not_get_the_password_of_an_approver(directory: FakeDirectory) -> None:  # ORG-04
    office = Office()
    own = factories.recipient(email=office.applicant.email)

    assert list(refused(office, recipient_id=own.pk)) == ["lines.0.recipient_id"]


def test_a_recipient_who_decides_as_well_is_pointed_out(directory: FakeDirectory) -> None:  # ORG-04
    office = Office()
    own = factories.recipient(email=office.approver.email)

    paper = office.submit(office.line(recipient_id=own.pk))

    levels = {check["code"]: check["level"] for check in paper.lines.get().plan["checks"]}
    assert levels["decider_gets_in"] == "warning"


def test_nothing_is_given_twice_after_any_interruption(
    directory: FakeDirectory, post: PostOffice, monkeypatch: pytest.MonkeyPatch
) -> None:
    office = Office()
    paper = office.approved(office.line())
    directory.after["create_account"] = [OutcomeUnknown(code="lost")]
    assert attempt(paper).status == OperationStatus.OUTCOME_UNKNOWN
    directory.faults["find_by_login_name"] = [DirectoryUnavailable(code="down")]
    assert attempt(paper).status == OperationStatus.WAITING
    monkeypatch.setattr(entering, "clock", None)  # dies when it enters the account
    assert attempt(paper).status == OperationStatus.OUTCOME_UNKNOWN
    monkeypatch.undo()
    assert not User.objects.filter(login_name=LINE["login_name"]).exists()


def test_what_was_entered_is_not_entered_again(directory: FakeDirectory, post: PostOffice) -> None:
    office = Office()
    paper = office.carried_out(office.line())
    person = User.objects.get(login_name=LINE["login_name"])
    role = Membership.system.get(user=person)
    Membership.system.filter(pk=role.pk).update(ended_at=timezone.now())  # a manager, in the very next moment
    operation = attempt_again(paper)

    assert operation.status == OperationStatus.DONE
    assert roles_of(person) == set()
    assert User.objects.filter(directory_guid=person.directory_guid).count() == 1
    assert len(post.delivered) == 1


def attempt_again(paper: Any) -> Any:
    """As when the worker died before it recorded the outcome."""
    from portal.fulfilment.models import Operation

    Operation.system.filter(line__application=paper, target="directory").update(
        status=OperationStatus.OUTCOME_UNKNOWN, settled_at=None
    )
    return attempt(paper)


def test_somebody_who_took_the_name_meanwhile_is_a_matter_for_a_person(
    directory: FakeDirectory, post: PostOffice
) -> None:
    office = Office()
    paper = office.approved(office.line())
    factories.user(login_name="kanri-0412")

    operation = attempt(paper)

    assert (operation.status, operation.error_code) == (OperationStatus.ATTENTION, "person_conflict")
    assert not DirectoryAccount.system.exists()


def test_a_role_whose_time_is_over_when_it_is_carried_out_is_not_given(
    directory: FakeDirectory, post: PostOffice, monkeypatch: pytest.MonkeyPatch
) -> None:
    office = Office()
    today = timezone.localdate()
    paper = office.approved(office.line(roles=f"承認者;申請者({today}まで)"))
    later = timezone.now() + dt.timedelta(days=2)
    monkeypatch.setattr("accounts.administrators.entering.clock.now", lambda: later)

    attempt(paper)

    person = User.objects.get(login_name=LINE["login_name"])
    assert {row.role for row in Membership.system.filter(user=person)} == {Role.APPROVER}


def test_a_windows_account_goes_on_living_with_the_users(directory: FakeDirectory, post: PostOffice) -> None:
    from tests.accounts.world import attempt as carry_out
    from tests.accounts.world import registration

    carry_out(registration())

    (entry,) = directory.entries.values()
    assert entry.container_dn == users_ou("13")
    assert entry.mail is None
    assert DirectoryAccount.system.get().account_type == "WINDOWS"
    assert not User.objects.filter(login_name=entry.login_name).exists()


def test_the_kind_has_its_own_numbers(directory: FakeDirectory) -> None:
    assert Office().draft({}, REGISTER).number.startswith("B-")


def test_no_account_is_made_whose_password_the_applicant_would_get(  # ORG-04
    directory: FakeDirectory, post: PostOffice
) -> None:
    office = Office()
    paper = office.approved(office.line())
    office.applicant.email = office.recipient.email
    office.applicant.save()

    operation = attempt(paper)

    assert (operation.status, operation.error_code) == (OperationStatus.ATTENTION, "recipient")
    assert (directory.entries, post.delivered) == ({}, [])
