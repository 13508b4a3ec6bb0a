"""Fault cases 7 and 9: people leave, lose a role or were never allowed, in the middle of an application (ORG-04)."""

from __future__ import annotations

from typing import Any

import pytest
from django.db.models import ProtectedError
from django.utils import timezone

from accounts import asking
from accounts.administrators.kinds import CHANGE, DELETE
from portal.gateways import directory_factory
from portal.notices import secrets
from portal.orgs import people
from portal.orgs.models import User
from portal.orgs.permissions import Role
from portal.workflow import selectors, services
from portal.workflow.errors import NotAllowed
from portal.workflow.models import Application, StageStatus, Status
from portal.workflow.verbs import Verb
from tests import factories, journeys
from tests.accounts.administrators.world import LINE, Office, attempt, change_line
from tests.accounts.world import PostOffice
from tests.fakes import ROOT_OU, FakeDirectory, administrators_ou

pytestmark = pytest.mark.django_db


@pytest.fixture
def directory(monkeypatch: pytest.MonkeyPatch) -> FakeDirectory:
    fake = FakeDirectory()
    fake.containers += [administrators_ou("13"), f"OU=Deleted,OU=13,{ROOT_OU}"]
    monkeypatch.setattr(directory_factory, "get_directory", lambda: fake)
    monkeypatch.setattr(secrets, "deliver_initial_password", PostOffice().deliver)
    asking.forget()
    return fake


@pytest.fixture
def office(directory: FakeDirectory) -> Office:
    return Office()


@pytest.fixture
def person(office: Office) -> User:
    """An administrator who was registered by application."""
    office.carried_out(office.line())
    return User.objects.get(login_name=LINE["login_name"])


def cast_of(office: Office, applicant: User | None = None) -> journeys.Cast:
    cast = journeys.Cast.__new__(journeys.Cast)
    cast.code, cast.recipient, cast.applicant = office.code, office.recipient, applicant or office.applicant
    cast.approver, cast.operator = office.approver, office.operator
    return cast


def open_stage(paper: Application) -> Any:
    return paper.stages.get(status=StageStatus.OPEN)


def try_to_approve(paper: Application, by: User) -> None:
    """As from a page that was open since before."""
    stage = open_stage(paper)
    view = selectors.decision_view(User.objects.get(pk=by.pk), paper, timezone.now())
    services.approve(
        application_id=paper.pk,
        stage_id=stage.pk,
        actor=by,
        content_hash=paper.content_hash,
        plan_digest=view.plan_digest,
        comment="",
        now=timezone.now(),
    )


def leave(office: Office, person: User, how: str) -> None:
    """The ways in which an approver is lost."""
    manager = factories.user(Role.SECURITY_MANAGER)
    if how == "shut out":
        people.set_active(user_id=person.pk, actor=manager, active=False, now=timezone.now())
    elif how == "role ended by a manager":
        membership = person.memberships.get(role=Role.APPROVER)
        people.end_membership(membership_id=membership.pk, actor=manager, last_day=None, now=timezone.now())
    elif how == "role ended by application":
        attempt(office.approved(change_line(roles="利用者"), CHANGE))
    else:
        attempt(office.approved({"login_name": LINE["login_name"]}, DELETE))


# fault case 7
@pytest.mark.parametrize(
    "how", ["shut out", "role ended by a manager", "role ended by application", "account deleted"]
)
def test_case_7_an_approver_who_is_lost_decides_nothing_and_nobody_waits_for_them(
    office: Office, person: User, how: str
) -> None:
    waiting = journeys.submitted(cast_of(office))
    leave(office, person, how)

    with pytest.raises(NotAllowed):
        try_to_approve(waiting, person)

    office.approver.memberships.update(ended_at=timezone.now())
    services.check_open_stages(now=timezone.now())
    stage = open_stage(waiting)
    assert (stage.role, stage.is_fallback, stage.organisation.code) == (Role.OPERATOR, True, "operations")
    assert waiting.events.filter(verb=Verb.HANDED_TO_OPERATIONS).count() == 1
    # The fallback takes one operator, the acceptance another (ORG-04).
    journeys.approve(waiting, office.operator)
    assert journeys.approve(waiting, factories.operator()).status == Status.FULFILLING


# fault case 7
def test_case_7_a_decision_stays_although_its_decider_left(office: Office, person: User) -> None:
    waiting = journeys.submitted(cast_of(office))
    journeys.approve(waiting, person, comment="確認しました")
    name = person.display_name
    leave(office, person, "account deleted")

    journeys.approve(waiting, office.operator)

    decided = waiting.stages.get(position=1)
    waiting.refresh_from_db()
    assert waiting.status == Status.FULFILLING
    assert (decided.status, decided.decided_by, decided.comment) == (
        StageStatus.APPROVED,
        person,
        "確認しました",
    )
    assert waiting.events.filter(actor=person, actor_name=name, verb=Verb.APPROVED).count() == 1


# fault case 7
def test_case_7_a_delegate_of_the_applicant_does_not_decide(office: Office) -> None:
    both = factories.user(Role.APPLICANT, Role.APPROVER)
    stand_in = factories.user(Role.USER)
    waiting = journeys.submitted(cast_of(office, both))
    factories.deputy(both, stand_in, Role.APPROVER)

    with pytest.raises(NotAllowed):
        try_to_approve(waiting, stand_in)

    assert journeys.approve(waiting, office.approver).status == Status.IN_REVIEW


# fault case 7
def test_case_7_a_delegate_whose_principal_lost_the_role_does_not_decide(
    office: Office, person: User
) -> None:
    stand_in = factories.user(Role.USER)
    waiting = journeys.submitted(cast_of(office))
    factories.deputy(person, stand_in, Role.APPROVER)
    leave(office, person, "role ended by application")

    with pytest.raises(NotAllowed):
        try_to_approve(waiting, stand_in)


# fault case 9
def test_case_9_what_a_deleted_applicant_applied_for_goes_on_under_their_name(
    office: Office, person: User
) -> None:
    factories.membership(person, Role.APPLICANT)
    paper = journeys.submitted(cast_of(office, person))
    returned = journeys.submitted(cast_of(office, person))
    view = selectors.decision_view(office.approver, returned, timezone.now())
    services.return_(
        application_id=returned.pk,
        stage_id=open_stage(returned).pk,
        actor=office.approver,
        content_hash=returned.content_hash,
        plan_digest=view.plan_digest,
        comment="ご確認ください",
        now=timezone.now(),
    )
    name = person.display_name

    leave(office, person, "account deleted")

    journeys.approve(paper, office.approver)
    journeys.approve(paper, office.operator)
    attempt(paper)
    paper.refresh_from_db()
    assert paper.status == Status.COMPLETED
    assert paper.applicant == person
    assert paper.events.filter(actor_name=name, verb=Verb.SUBMITTED).count() == 1
    with pytest.raises(ProtectedError):
        person.delete()
    with pytest.raises(ProtectedError):  # nor does a federation go that was merged into another one
        paper.organisation.delete()
    # A colleague frees the name that the returned one still holds (ACC-06).
    withdrawn = services.withdraw(
        application_id=returned.pk, actor=office.applicant, comment="", now=timezone.now()
    )
    assert (withdrawn.status, withdrawn.lines.filter(is_open=True).exists()) == (Status.WITHDRAWN, False)
