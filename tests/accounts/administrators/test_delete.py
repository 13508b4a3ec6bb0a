"""Deleting administrator accounts: the person is out at that moment, stages do not wait for them (ACC-01, ORG-03)."""

from __future__ import annotations

import datetime as dt

import pytest
from django.utils import timezone

from accounts.administrators.kinds import CHANGE, DELETE, RESTORE
from accounts.models import DirectoryAccount
from portal.fulfilment.models import OperationStatus
from portal.gateways.directory import DirectoryUnavailable
from portal.orgs import people
from portal.orgs.models import ApiToken, Deputy, Membership, User
from portal.orgs.permissions import Role
from portal.trail.models import TrailEntry
from portal.workflow.errors import InvalidApplication
from portal.workflow.models import StageStatus, Status
from tests import factories, journeys
from tests.accounts.administrators.world import LINE, Office, attempt, change_line, roles_of
from tests.fakes import ROOT_OU, FakeDirectory, administrators_ou
from tests.roles import client_of

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("registered")]
NAMED = {"login_name": LINE["login_name"]}


def test_roles_deputies_tokens_and_sessions_end_at_that_moment(
    office: Office, person: User, directory: FakeDirectory
) -> None:
    factories.deputy(person, office.approver, Role.APPROVER)
    factories.deputy(office.approver, person, Role.APPROVER)
    factories.membership(
        person, Role.AUDITOR, code="27", valid_from=timezone.localdate() + dt.timedelta(days=9)
    )
    factories.token(person)
    browser = client_of(person)
    assert browser.get("/profile/").status_code == 200

    paper = office.carried_out(NAMED, DELETE)

    person.refresh_from_db()
    (entry,) = directory.entries.values()
    assert paper.status == Status.COMPLETED
    assert not person.is_active
    assert not Membership.system.filter(user=person, ended_at=None).exists()
    assert not Deputy.system.filter(ended_at=None).exists()
    assert not ApiToken.objects.filter(user=person, revoked_at=None).exists()
    assert browser.get("/profile/").status_code == 302
    assert (entry.enabled, entry.container_dn) == (False, f"OU=Deleted,OU=13,{ROOT_OU}")
    assert DirectoryAccount.system.get().state == "DELETED"
    said = TrailEntry.objects.filter(action__in=("person.deactivate", "membership.end", "deputy.end"))
    assert {row.detail["application"] for row in said} == {paper.number}


def test_the_plan_shows_every_role_that_ends(office: Office, person: User) -> None:
    factories.membership(person, Role.AUDITOR, code="27")

    paper = office.submit(NAMED, DELETE)

    before = {c["attribute"]: c["before"] for c in paper.lines.get().plan["changes"]}
    assert before["portal: APPROVER"] == [f"{timezone.localdate()}.."]
    assert any(name.startswith("portal: AUDITOR (") for name in before)


def test_nobody_waits_for_somebody_who_was_deleted(office: Office, person: User) -> None:
    cast = journeys.Cast()
    waiting = journeys.submitted(cast)
    for other in (cast.approver, office.approver):
        other.memberships.update(ended_at=timezone.now())
    paper = office.submit(NAMED, DELETE)
    levels = {check["code"]: check["level"] for check in paper.lines.get().plan["checks"]}
    assert (levels["last_approver"], levels["stages_left_alone"]) == ("warning", "warning")
    journeys.approve(paper, person)
    journeys.approve(paper, office.operator)

    attempt(paper)

    stage = waiting.stages.get(status=StageStatus.OPEN)
    assert (stage.role, stage.is_fallback) == (Role.OPERATOR, True)


def test_the_portal_shuts_out_while_ad_is_away(
    office: Office, person: User, directory: FakeDirectory
) -> None:  # ACC-12
    paper = office.approved(NAMED, DELETE)
    directory.faults["find_by_guid"] = [DirectoryUnavailable(code="down")]

    assert attempt(paper).status == OperationStatus.WAITING

    person.refresh_from_db()
    assert not person.is_active
    assert attempt(paper).status == OperationStatus.DONE


@pytest.mark.parametrize("role", [Role.SECURITY_MANAGER])
def test_the_last_security_manager_stays(office: Office, person: User, role: str) -> None:
    factories.membership(person, role)

    with pytest.raises(InvalidApplication) as error:
        office.submit(NAMED, DELETE)

    assert any("情報セキュリティ管理者" in text for text in error.value.errors["lines.0"])
    factories.user(role)
    assert office.submit(NAMED, DELETE).status == Status.IN_REVIEW


def test_who_became_the_last_one_meanwhile_stays_too(office: Office, person: User) -> None:
    factories.membership(person, Role.SECURITY_MANAGER)
    other = factories.user(Role.SECURITY_MANAGER)
    paper = office.approved(NAMED, DELETE)
    other.memberships.update(ended_at=timezone.now())

    operation = attempt(paper)

    person.refresh_from_db()
    assert (operation.status, operation.error_code) == (OperationStatus.ATTENTION, "last_one")
    assert person.is_active


def test_nobody_deletes_themself(office: Office, person: User) -> None:
    factories.membership(person, Role.APPLICANT)

    with pytest.raises(InvalidApplication) as error:
        office.submit(NAMED, DELETE, person)

    assert "lines.0.login_name" in error.value.errors


def test_a_break_glass_account_is_nobody_here(office: Office) -> None:
    factories.user(login_name="break-glass", is_break_glass=True)

    with pytest.raises(InvalidApplication) as error:
        office.submit({"login_name": "break-glass"}, DELETE)

    assert "lines.0.login_name" in error.value.errors


def test_a_restored_person_comes_in_again_and_gets_roles_anew(
    office: Office, person: User, directory: FakeDirectory
) -> None:
    office.carried_out(NAMED, DELETE)

    office.carried_out(NAMED, RESTORE)

    person.refresh_from_db()
    (entry,) = directory.entries.values()
    assert (person.is_active, entry.enabled, entry.container_dn) == (True, True, administrators_ou("13"))
    assert roles_of(person) == set()
    office.carried_out(change_line(roles="承認者"), CHANGE)
    assert roles_of(person) == {Role.APPROVER}


def test_the_name_of_a_deleted_person_is_not_given_again(office: Office, person: User) -> None:  # ACC-06
    office.carried_out(NAMED, DELETE)

    with pytest.raises(InvalidApplication) as error:
        office.submit(office.line(email="other.person@kokuho13.example.jp"))

    assert "lines.0.login_name" in error.value.errors


def test_a_person_from_before_the_register_can_be_deleted(office: Office, directory: FakeDirectory) -> None:
    manager = factories.user(Role.SECURITY_MANAGER)
    directory.add("kanri-9000", container_dn=administrators_ou("13"), display_name="佐藤 花子")
    given = people.add_person(
        actor=manager,
        organisation_id=manager.organisation_id,
        login_name="kanri-9000",
        role=Role.APPLICANT,
        valid_from=timezone.localdate(),
        valid_until=None,
        now=timezone.now(),
    )

    paper = office.carried_out({"login_name": "kanri-9000"}, DELETE)

    assert paper.status == Status.COMPLETED
    assert DirectoryAccount.system.get(login_name="kanri-9000").state == "DELETED"
    assert not User.objects.get(pk=given.user_id).is_active
