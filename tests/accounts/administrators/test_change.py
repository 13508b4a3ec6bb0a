"""Changing administrator accounts: names and address as AD has them, roles before and after (ACC-01, ORG-03, ORG-04)."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.utils import timezone

from accounts.administrators import forms
from accounts.administrators.kinds import CHANGE
from accounts.models import DirectoryAccount
from portal.fulfilment.models import OperationStatus
from portal.gateways.directory import OutcomeUnknown
from portal.orgs import people
from portal.orgs.models import Membership, User
from portal.orgs.permissions import Role
from portal.trail.models import TrailEntry
from portal.workflow import services
from portal.workflow.errors import InvalidApplication, NotAllowed
from portal.workflow.kinds import LineContext
from portal.workflow.models import Application, StageStatus, Status
from tests import factories, journeys
from tests.accounts.administrators.world import LINE, Office, attempt, change_line, roles_of
from tests.fakes import FakeDirectory, administrators_ou

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("registered")]


def refused(office: Office, by: User | None = None, **changes: Any) -> dict[str, list[str]]:
    with pytest.raises(InvalidApplication) as error:
        office.submit(change_line(**changes), CHANGE, by)
    return dict(error.value.errors)


def changes_of(paper: Application) -> dict[str, tuple[list[str], list[str]]]:
    return {c["attribute"]: (c["before"], c["after"]) for c in paper.lines.get().plan["changes"]}


def checks_of(paper: Application) -> dict[str, str]:
    return {check["code"]: check["level"] for check in paper.lines.get().plan["checks"]}


def test_the_form_fills_in_the_roles_and_the_address(office: Office, person: User) -> None:
    context = LineContext(
        organisation=person.organisation, actor=office.applicant, application=None, today=timezone.localdate()
    )

    form = forms.ChangeAdministratorForm(initial={"login_name": LINE["login_name"]}, context=context)

    assert form["roles"].value() == f"APPROVER({timezone.localdate()}..)"
    assert form["email"].value() == LINE["email"]
    assert f'id="id_roles_{Role.APPROVER}" value="1" checked' in str(form["roles"])


def test_roles_are_given_ended_and_dated_with_before_and_after(office: Office, person: User) -> None:
    factories.approver()
    today, until = timezone.localdate(), timezone.localdate() + dt.timedelta(days=90)
    factories.membership(person, Role.APPLICANT)
    factories.membership(person, Role.SECURITY_OFFICER)

    paper = office.carried_out(
        change_line(roles=f"監査閲覧者;申請者({until}まで);情報セキュリティ担当者"), CHANGE
    )

    assert changes_of(paper) == {
        "portal: APPLICANT": ([f"{factories.LONG_AGO}.."], [f"..{until}"]),
        "portal: APPROVER": ([f"{today}.."], []),
        "portal: AUDITOR": ([], ["○"]),
    }
    assert paper.status == Status.COMPLETED
    assert roles_of(person) == {Role.AUDITOR, Role.APPLICANT, Role.SECURITY_OFFICER}
    applicant = Membership.system.get(user=person, role=Role.APPLICANT)
    assert (applicant.valid_from, applicant.valid_until) == (factories.LONG_AGO, until)
    changed = TrailEntry.objects.get(action="membership.change")
    assert changed.detail["before"]["valid_until"] == ""
    assert changed.detail["application"] == paper.number


def test_names_and_address_change_in_ad_and_at_once_in_the_portal(
    office: Office, person: User, directory: FakeDirectory
) -> None:
    paper = office.carried_out(
        change_line(family_name="田中", email="tanaka.misaki@kokuho13.example.jp"), CHANGE
    )

    (entry,) = directory.entries.values()
    person.refresh_from_db()
    assert changes_of(paper)["mail"] == ([LINE["email"]], ["tanaka.misaki@kokuho13.example.jp"])
    assert (entry.display_name, entry.mail) == ("田中 美咲", "tanaka.misaki@kokuho13.example.jp")
    assert (person.display_name, person.email) == ("田中 美咲", "tanaka.misaki@kokuho13.example.jp")
    assert roles_of(person) == {Role.APPROVER}
    account = DirectoryAccount.system.get()
    assert (account.family_name, account.account_type) == ("田中", "ADMINISTRATOR")


def test_a_role_the_application_does_not_speak_of_stays(office: Office, person: User) -> None:
    factories.membership(person, Role.PASSWORD_RECIPIENT)
    factories.approver()

    office.carried_out(change_line(roles="利用者"), CHANGE)

    assert roles_of(person) == {Role.USER, Role.PASSWORD_RECIPIENT}


def test_no_role_at_all_can_be_asked_for(office: Office, person: User) -> None:
    factories.approver()

    office.carried_out(change_line(roles="なし"), CHANGE)

    assert roles_of(person) == set()


def test_a_change_of_nothing_is_refused(office: Office, person: User) -> None:
    assert list(refused(office)) == ["lines.0"]
    assert list(refused(office, roles="承認者")) == ["lines.0"]


def test_nobody_applies_for_their_own_roles(office: Office, person: User) -> None:  # ORG-04
    factories.membership(person, Role.APPLICANT)

    own = refused(office, person, roles="承認者;申請者;情報セキュリティ管理者")

    assert "lines.0.roles" in own
    # A new address of one's own is no escalation.
    paper = office.submit(change_line(email="misaki.suzuki@kokuho13.example.jp"), CHANGE, person)
    assert paper.status == Status.IN_REVIEW


def test_the_roles_of_another_organisation_are_out_of_reach(office: Office, person: User) -> None:  # ORG-02
    other = Office("27")

    with pytest.raises(InvalidApplication) as error:
        other.submit(change_line(roles="利用者"), CHANGE)

    assert "lines.0.login_name" in error.value.errors


@pytest.mark.parametrize(
    "roles",
    ["運用担当者", "承認者(2020-01-01まで)", "承認者;申請者(2020-01-01から)", "承認者(2099-01-01から)"],
)
def test_days_and_roles_that_cannot_be(office: Office, person: User, roles: str) -> None:
    assert "lines.0.roles" in refused(office, roles=roles)


def test_an_address_of_somebody_else_is_refused(office: Office, person: User) -> None:  # ACC-09
    assert "lines.0.email" in refused(office, email=office.approver.email)


def test_the_last_approver_is_missed(office: Office, person: User) -> None:
    office.approver.memberships.update(ended_at=timezone.now())
    factories.operator()  # the person concerned does not decide: operations take both stages

    paper = office.submit(change_line(roles="利用者"), CHANGE)

    assert checks_of(paper)["last_approver"] == "warning"


def test_the_last_operator_stays(directory: FakeDirectory, office: Office) -> None:
    directory.containers.append(administrators_ou("operations"))
    ops = Office("operations")
    ops.operator.memberships.update(ended_at=timezone.now())
    office.operator.memberships.update(ended_at=timezone.now())
    last = factories.operator(login_name="unyo-last", display_name="運用 太郎", kana="ウンヨウ タロウ")
    entry = directory.add("unyo-last", container_dn=administrators_ou("operations"), mail=last.email)
    last.directory_guid = entry.guid
    last.save()

    with pytest.raises(InvalidApplication) as error:
        ops.submit(
            {
                **change_line(login_name="unyo-last", email=last.email, roles="利用者"),
            },
            CHANGE,
        )

    assert any("運用担当者" in text for text in error.value.errors["lines.0"])


def test_stages_that_nobody_else_decides_are_shown_and_handed_over_at_once(
    office: Office, person: User
) -> None:
    office.approver.memberships.update(ended_at=timezone.now())
    waiting = journeys.submitted(_cast(office))
    helper = factories.approver()
    other = factories.operator()
    paper = office.draft(change_line(roles="利用者"), CHANGE)
    helper.memberships.update(ended_at=timezone.now())
    paper = services.submit(application_id=paper.pk, actor=office.applicant, version=None, now=timezone.now())
    assert checks_of(paper)["stages_left_alone"] == "warning"
    journeys.approve(paper, office.operator)
    journeys.approve(paper, other)

    attempt(paper)

    stage = waiting.stages.get(status=StageStatus.OPEN)
    assert (stage.role, stage.is_fallback) == (Role.OPERATOR, True)


def _cast(office: Office) -> journeys.Cast:
    cast = journeys.Cast.__new__(journeys.Cast)
    cast.code, cast.recipient, cast.applicant = office.code, office.recipient, office.applicant
    cast.approver, cast.operator = office.approver, office.operator
    return cast


def test_roles_that_somebody_changed_meanwhile_are_not_overwritten(office: Office, person: User) -> None:
    factories.approver()
    paper = office.approved(change_line(family_name="田中", roles="利用者"), CHANGE)
    factories.membership(person, Role.SECURITY_MANAGER)

    operation = attempt(paper)

    assert (operation.status, operation.error_code) == (OperationStatus.ATTENTION, "roles_changed")
    assert roles_of(person) == {Role.APPROVER, Role.SECURITY_MANAGER}
    assert DirectoryAccount.system.get().family_name == "鈴木"


def test_roles_changed_while_it_is_decided_are_seen_by_the_approver(office: Office, person: User) -> None:
    factories.approver()
    paper = office.submit(change_line(roles="利用者"), CHANGE)
    factories.membership(person, Role.SECURITY_MANAGER)

    with pytest.raises(InvalidApplication):
        journeys.approve(paper, office.approver)


def test_an_interrupted_change_is_finished_once(
    office: Office, person: User, directory: FakeDirectory
) -> None:
    paper = office.approved(change_line(family_name="田中", roles="承認者;申請者"), CHANGE)
    directory.after["update_account"] = [OutcomeUnknown(code="lost")]
    assert attempt(paper).status == OperationStatus.OUTCOME_UNKNOWN

    assert attempt(paper).status == OperationStatus.DONE

    assert Membership.system.filter(user=person, role=Role.APPLICANT).count() == 1


def test_a_person_from_before_the_register_can_be_changed(
    office: Office, directory: FakeDirectory
) -> None:  # ACC-01
    manager = factories.user(Role.SECURITY_MANAGER)
    entry = directory.add(
        "kanri-9000",
        container_dn=administrators_ou("13"),
        display_name="佐藤 花子",
        family_name="佐藤",
        given_name="花子",
        kana="サトウ ハナコ",
    )
    today = timezone.localdate()
    given = people.add_person(
        actor=manager,
        organisation_id=manager.organisation_id,
        login_name="kanri-9000",
        role=Role.APPLICANT,
        valid_from=today,
        valid_until=None,
        now=timezone.now(),
    )
    line = {
        "login_name": "kanri-9000",
        "family_name": "佐藤",
        "given_name": "花子",
        "family_kana": "サトウ",
        "given_kana": "ハナコ",
        "department": "情報管理課",
        "email": entry.mail,
        "container": "Administrators",
        "groups": [],
        "roles": "承認者",
    }

    office.carried_out(line, CHANGE)

    assert roles_of(given.user) == {Role.APPROVER}
    account = DirectoryAccount.system.get(object_guid=entry.guid)
    assert (account.account_type, account.family_kana) == ("ADMINISTRATOR", "サトウ")


def test_roles_wait_for_the_effective_date(office: Office, person: User) -> None:
    from portal.fulfilment import services as fulfilment

    later = timezone.localdate() + dt.timedelta(days=10)
    paper = office.approved(change_line(roles="承認者;申請者"), CHANGE, desired_on=later)

    fulfilment.run_next(target="directory", now_fn=timezone.now)

    paper.refresh_from_db()
    assert paper.status == Status.FULFILLING
    assert roles_of(person) == {Role.APPROVER}


def test_nobody_approves_their_own_roles(office: Office, person: User) -> None:  # ORG-04
    paper = office.submit(change_line(roles="承認者;情報セキュリティ管理者"), CHANGE)
    stand_in = factories.user(Role.USER)
    factories.deputy(person, stand_in, Role.APPROVER)

    for decider in (person, stand_in):
        with pytest.raises(NotAllowed):
            services.approve(
                application_id=paper.pk,
                stage_id=paper.stages.get(status=StageStatus.OPEN).pk,
                actor=decider,
                content_hash=paper.content_hash,
                plan_digest="",
                comment="",
                now=timezone.now(),
            )

    assert journeys.approve(paper, office.approver).status == Status.IN_REVIEW


def test_a_change_that_only_the_person_concerned_could_decide_goes_to_operations(
    office: Office, person: User
) -> None:
    office.approver.memberships.update(ended_at=timezone.now())
    factories.operator()

    paper = office.submit(change_line(roles="承認者;情報セキュリティ管理者"), CHANGE)

    assert paper.stages.get(position=1).is_fallback
