"""Two people at the same moment, with real threads on PostgreSQL: exactly one wins, the other is told."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.utils import timezone

from portal.orgs import deputies, errors, people, recipients, tokens
from portal.orgs.models import ApiToken, Deputy, Membership, PasswordRecipient, User
from portal.orgs.permissions import Role
from portal.trail.models import TrailEntry
from portal.workflow import kinds, route_changes
from portal.workflow.errors import ContentChanged
from portal.workflow.kinds import StageSpec
from portal.workflow.models import RouteStage
from tests import factories, threads
from tests.fakes import FakeDirectory

pytestmark = pytest.mark.django_db(transaction=True)
ROUNDS = pytest.mark.parametrize("turn", range(5))


def at_once(*calls: Callable[[], Any]) -> list[Any]:
    """Results or refusals, in order."""
    return threads.at_once(*calls, refusals=(errors.OrgsError, ContentChanged))


def refused(results: list[Any]) -> int:
    return sum(isinstance(result, Exception) for result in results)


@ROUNDS
def test_of_two_clicks_on_one_link_one_confirms(directory: FakeDirectory, turn: int) -> None:
    manager, now = factories.user(Role.SECURITY_MANAGER), timezone.now()
    recipient = recipients.register(
        actor=manager,
        organisation_id=manager.organisation_id,
        name="鈴木 花子",
        department="",
        phone="",
        email="hanako@kokuho13.example.jp",
        now=now,
    )
    token = recipients.confirmation_url(recipient.pk).rstrip("/").rpartition("/")[2]

    results = at_once(*[lambda: recipients.confirm(token=token, now=now)] * 4)

    assert refused(results) == 3
    assert TrailEntry.objects.filter(action="recipient.confirm", object_id=recipient.pk).count() == 1


@ROUNDS
def test_two_managers_register_one_address_once(directory: FakeDirectory, turn: int) -> None:
    managers = [factories.user(Role.SECURITY_MANAGER, code=code) for code in ("13", "27")]

    def register(manager: User) -> PasswordRecipient:
        return recipients.register(
            actor=manager,
            organisation_id=manager.organisation_id,
            name="鈴木 花子",
            department="",
            phone="",
            email="hanako@kokuho.example.jp",
            now=timezone.now(),
        )

    results = at_once(lambda: register(managers[0]), lambda: register(managers[1]))

    assert refused(results) == 1
    assert PasswordRecipient.system.filter(email="hanako@kokuho.example.jp").count() == 1


@ROUNDS
def test_two_managers_give_one_role_once(turn: int) -> None:
    person = factories.applicant()
    managers = [factories.user(Role.SECURITY_MANAGER) for _n in range(2)]

    def give(manager: User) -> Membership:
        return people.add_membership(
            actor=manager,
            user_id=person.pk,
            organisation_id=person.organisation_id,
            role=Role.APPROVER,
            valid_from=timezone.localdate(),
            valid_until=timezone.localdate(),  # not open-ended: no constraint helps, only the lock
            now=timezone.now(),
        )

    results = at_once(lambda: give(managers[0]), lambda: give(managers[1]))

    assert refused(results) == 1
    assert Membership.system.filter(user=person, role=Role.APPROVER).count() == 1


@ROUNDS
def test_a_double_click_makes_a_new_person_known_once(directory: FakeDirectory, turn: int) -> None:
    manager = factories.user(Role.SECURITY_MANAGER)
    directory.add("kanri-0777")

    def give() -> Membership:
        return people.add_person(
            actor=manager,
            organisation_id=manager.organisation_id,
            login_name="kanri-0777",
            role=Role.APPROVER,
            valid_from=timezone.localdate(),
            valid_until=None,
            now=timezone.now(),
        )

    results = at_once(give, give)

    assert refused(results) == 1
    assert Membership.system.filter(user__login_name="kanri-0777").count() == 1


@ROUNDS
def test_a_double_click_names_a_deputy_once(turn: int) -> None:
    principal, stand_in, today = factories.approver(), factories.user(Role.USER), timezone.localdate()

    def name() -> Deputy:
        return deputies.add_deputy(
            actor=principal,
            principal_id=principal.pk,
            deputy_id=stand_in.pk,
            organisation_id=principal.organisation_id,
            role=Role.APPROVER,
            valid_from=today,
            valid_until=today,
            now=timezone.now(),
        )

    results = at_once(name, name)

    assert refused(results) == 1
    assert Deputy.system.filter(principal=principal).count() == 1


@ROUNDS
def test_two_managers_end_one_role_once(turn: int) -> None:
    membership = factories.approver().memberships.get()
    managers = [factories.user(Role.SECURITY_MANAGER) for _n in range(2)]

    def end(manager: User) -> Membership:
        return people.end_membership(
            membership_id=membership.pk, actor=manager, last_day=None, now=timezone.now()
        )

    results = at_once(lambda: end(managers[0]), lambda: end(managers[1]))

    assert refused(results) == 1


@ROUNDS
def test_token_limit_holds_at_the_same_moment(turn: int) -> None:
    person = factories.applicant()
    for _n in range(tokens.PER_PERSON - 1):
        factories.token(person)

    def make() -> Any:
        return tokens.create_token(
            actor=person, name="x", scope="EVERYTHING", days=1, second_factor=True, now=timezone.now()
        )

    results = at_once(make, make, make)

    assert refused(results) == 2
    assert ApiToken.objects.filter(user=person).count() == tokens.PER_PERSON


@ROUNDS
@pytest.mark.parametrize("there_before", [False, True])
def test_of_two_editors_of_a_route_one_is_told(there_before: bool, turn: int) -> None:
    operators, kind = [factories.operator(), factories.operator()], kinds.get("accounts.register")
    before = [StageSpec(label="前", role=Role.APPROVER)] if there_before else []
    for position, stage in enumerate(before, start=1):
        RouteStage.objects.create(
            kind=kind.code,
            position=position,
            label=stage.label,
            role=stage.role,
            decided_in=stage.decided_in,
            business_days=stage.business_days,
        )

    def change(actor: User, label: str) -> None:
        route_changes.set_route(
            actor=actor,
            kind=kind,
            organisation=None,
            stages=[StageSpec(label=label, role=Role.APPROVER)],
            seen=before,
            now=timezone.now(),
        )

    results = at_once(lambda: change(operators[0], "一"), lambda: change(operators[1], "二"))

    assert refused(results) == 1
    assert RouteStage.objects.filter(kind=kind.code).count() == 1
