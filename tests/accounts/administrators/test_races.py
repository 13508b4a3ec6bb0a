"""Two at the same moment, with real threads on PostgreSQL: one role set wins, nothing is half done (ORG-03)."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
from django.utils import timezone

from accounts.administrators.kinds import CHANGE
from portal.orgs import assignments, errors
from portal.orgs.assignments import Term
from portal.orgs.models import Membership
from portal.orgs.permissions import Role
from portal.workflow import services
from portal.workflow.errors import InvalidApplication
from portal.workflow.models import Application, Status
from tests import factories
from tests.accounts.administrators.world import LINE, Office, change_line
from tests.fakes import FakeDirectory, administrators_ou
from tests.threads import at_once

pytestmark = pytest.mark.django_db(transaction=True)
AMONG = [Role.APPLICANT, Role.APPROVER, Role.AUDITOR]


def test_two_applications_never_change_one_persons_roles_at_once(directory: FakeDirectory) -> None:
    directory.containers.append(administrators_ou("13"))
    office = Office()
    person = factories.approver(
        login_name=LINE["login_name"], display_name="鈴木 美咲", kana="スズキ ミサキ", email=LINE["email"]
    )
    entry = directory.add(
        LINE["login_name"],
        container_dn=administrators_ou("13"),
        display_name="鈴木 美咲",
        family_name="鈴木",
        given_name="美咲",
        kana="スズキ ミサキ",
        mail=LINE["email"],
    )
    person.directory_guid = entry.guid
    person.save()
    papers = [
        office.draft(change_line(roles="利用者"), CHANGE),
        office.draft(change_line(roles="申請者;承認者"), CHANGE, factories.applicant()),
    ]

    def submit(paper: Application) -> Any:
        return services.submit(
            application_id=paper.pk, actor=paper.applicant, version=None, now=timezone.now()
        )

    results = at_once(*(partial(submit, paper) for paper in papers), refusals=(InvalidApplication,))

    assert sum(isinstance(result, InvalidApplication) for result in results) == 1, results
    assert Application.system.filter(status=Status.IN_REVIEW).count() == 1


@pytest.mark.parametrize("turn", range(5))
def test_of_two_role_sets_that_started_from_the_same_one_wins_whole(turn: int) -> None:
    person = factories.user(Role.APPLICANT)
    expected = [Term(role=Role.APPLICANT, valid_from=factories.LONG_AGO)]
    wanted = [[Role.APPROVER], [Role.AUDITOR]]

    def bring(roles: list[Role]) -> Any:
        return assignments.bring_to(
            user_id=person.pk,
            organisation=person.organisation,
            wanted=[Term(role=role) for role in roles],
            among=AMONG,
            expected=expected,
            now=timezone.now(),
            detail={},
        )

    results = at_once(*(partial(bring, roles) for roles in wanted), refusals=(errors.ChangedMeanwhile,))

    assert sum(isinstance(result, errors.ChangedMeanwhile) for result in results) == 1, results
    winner = next(n for n, result in enumerate(results) if isinstance(result, list))
    held = Membership.system.filter(user=person, ended_at=None).values_list("role", flat=True)
    assert list(held) == wanted[winner]


@pytest.mark.parametrize("turn", range(5))
def test_two_last_operators_never_leave_at_once(turn: int) -> None:
    people = [factories.operator(), factories.operator()]

    def close(place: int) -> Any:
        return assignments.close_person(user_id=people[place].pk, now=timezone.now(), detail={})

    results = at_once(lambda: close(0), lambda: close(1), refusals=(errors.LastOne,))

    assert sum(isinstance(result, errors.LastOne) for result in results) == 1, results
    assert Membership.system.filter(role=Role.OPERATOR, ended_at=None).count() == 1
