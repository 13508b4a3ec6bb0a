"""Who gives and ends roles, to whom (ORG-03), and what that does at once."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from portal.gateways.directory import DirectoryUnavailable
from portal.orgs import errors, people
from portal.orgs.models import Membership, User
from portal.orgs.permissions import Role
from portal.trail.models import TrailEntry
from tests import factories
from tests.fakes import FakeDirectory, administrators_ou, users_ou
from tests.roles import client_of

pytestmark = pytest.mark.django_db
TODAY = timezone.localdate


def manager(code: str = "13") -> User:
    return factories.user(Role.SECURITY_MANAGER, code=code)


def add(client: Client, code: str = "13", **values: str) -> Any:
    data = {
        "login_name": "kanri-0500",
        "role": Role.APPROVER,
        "valid_from": str(TODAY()),
        "valid_until": "",
    } | values
    return client.post(reverse("member_add", kwargs={"code": code}), data)


def test_manager_gives_the_owner_of_an_administrator_account_a_role(directory: FakeDirectory) -> None:
    entry = directory.add("kanri-0500", display_name="鈴木 美咲", container_dn=administrators_ou("13"))

    response = add(client_of(manager()), login_name="ＫＡＮＲＩ-0500")

    assert response.status_code == 302
    made = User.objects.get(directory_guid=entry.guid)
    assert (made.display_name, made.organisation.code, made.has_usable_password()) == (
        "鈴木 美咲",
        "13",
        True,
    )
    assert made.holds(Role.APPROVER, made.organisation_id)
    assert TrailEntry.objects.filter(action="membership.add", object_organisation=made.organisation).exists()


def test_person_who_is_known_by_guid_gets_a_second_role_and_no_second_row(directory: FakeDirectory) -> None:
    client = client_of(manager())
    entry = directory.add("kanri-0500", container_dn=administrators_ou("13"))
    add(client)

    add(client, role=Role.APPLICANT)

    person = User.objects.get(directory_guid=entry.guid)
    assert {m.role for m in Membership.system.filter(user=person)} == {Role.APPROVER, Role.APPLICANT}


@pytest.mark.parametrize(
    ("account", "values"),
    [
        ({"container_dn": administrators_ou("27")}, {}),
        ({"container_dn": users_ou("13")}, {}),
        ({"container_dn": administrators_ou("13"), "privileged": True}, {}),
        ({"container_dn": administrators_ou("13"), "enabled": False}, {}),
        ({"container_dn": administrators_ou("13")}, {"login_name": "nobody"}),
        ({"container_dn": administrators_ou("13")}, {"login_name": "a b*)("}),
        ({"container_dn": administrators_ou("13")}, {"role": Role.OPERATOR}),
        ({"container_dn": administrators_ou("13")}, {"role": "KING"}),
        ({"container_dn": administrators_ou("13")}, {"valid_from": "2020-01-01"}),
        ({"container_dn": administrators_ou("13")}, {"valid_until": "2020-01-01"}),
        ({"container_dn": administrators_ou("13")}, {"valid_from": "tomorrow"}),
    ],
)
def test_what_cannot_be_given_is_refused_at_its_field(
    directory: FakeDirectory, account: dict[str, Any], values: dict[str, str]
) -> None:
    directory.add("kanri-0500", **account)

    response = add(client_of(manager()), **values)

    assert response.status_code == 422
    assert response.context["form"].errors
    assert not User.objects.filter(login_name="kanri-0500").exists()


def test_silent_directory_keeps_the_entries_and_saves_nothing(directory: FakeDirectory) -> None:
    directory.faults["find_by_login_name"] = [DirectoryUnavailable()]

    response = add(client_of(manager()))

    assert response.status_code == 422
    assert "Active Directory" in str(response.context["form"].non_field_errors())
    assert 'value="kanri-0500"' in response.content.decode()


@pytest.mark.parametrize(
    ("role", "code", "status"),
    [
        (Role.APPLICANT, "13", 403),
        (Role.APPROVER, "13", 403),
        (Role.AUDITOR, "13", 403),
        (Role.SECURITY_MANAGER, "27", 404),
        (Role.AUDIT_REVIEWER, "central", 403),
        (Role.OPERATOR, "operations", 302),
    ],
)
def test_only_managers_of_the_organisation_and_operations_give_roles(
    directory: FakeDirectory, role: str, code: str, status: int
) -> None:
    directory.add("kanri-0500", container_dn=administrators_ou("13"))

    assert add(client_of(factories.user(role, code=code))).status_code == status


def test_nobody_changes_their_own_roles() -> None:
    own = manager()
    membership = own.memberships.get()
    now = timezone.now()

    with pytest.raises(errors.NotAllowed):
        people.end_membership(membership_id=membership.pk, actor=own, last_day=None, now=now)
    with pytest.raises(errors.NotAllowed):
        people.add_membership(
            actor=own,
            user_id=own.pk,
            organisation_id=own.organisation_id,
            role=Role.APPROVER,
            valid_from=TODAY(),
            valid_until=None,
            now=now,
        )
    with pytest.raises(errors.NotAllowed):
        people.set_active(user_id=own.pk, actor=own, active=False, now=now)


def test_ended_role_counts_no_more_at_once_and_stays_in_the_records() -> None:
    person = factories.approver()
    membership = person.memberships.get()

    response = client_of(manager()).post(
        reverse("membership_end", kwargs={"pk": membership.pk}), {"last_day": ""}
    )

    assert response.status_code == 302
    assert not User.objects.get(pk=person.pk).holds(Role.APPROVER, person.organisation_id)
    assert not User.objects.get(pk=person.pk).scope.organisation_ids
    assert User.objects.get(pk=person.pk).holds(
        Role.APPROVER, person.organisation_id, TODAY() - dt.timedelta(days=1)
    )
    assert Membership.system.filter(pk=membership.pk).exists()


def test_role_with_a_last_day_counts_until_that_day() -> None:
    person, last_day = factories.approver(), TODAY() + dt.timedelta(days=3)
    people.end_membership(
        membership_id=person.memberships.get().pk, actor=manager(), last_day=last_day, now=timezone.now()
    )

    fresh = User.objects.get(pk=person.pk)
    assert fresh.holds(Role.APPROVER, person.organisation_id)
    assert fresh.holds(Role.APPROVER, person.organisation_id, last_day)
    assert not fresh.holds(Role.APPROVER, person.organisation_id, last_day + dt.timedelta(days=1))


def test_ending_a_role_never_makes_it_longer() -> None:
    last_day = TODAY() + dt.timedelta(days=3)
    person = factories.user()
    membership = factories.membership(person, Role.APPROVER, valid_until=last_day)

    with pytest.raises(errors.Refused) as refused:
        people.end_membership(
            membership_id=membership.pk,
            actor=manager(),
            last_day=last_day + dt.timedelta(days=1),
            now=timezone.now(),
        )

    assert refused.value.field == "last_day"


def test_role_can_be_given_again_after_its_end() -> None:
    person, boss, now = factories.approver(), manager(), timezone.now()
    people.end_membership(membership_id=person.memberships.get().pk, actor=boss, last_day=None, now=now)
    values = {"valid_from": TODAY(), "valid_until": None, "role": Role.APPROVER, "now": now}

    people.add_membership(actor=boss, user_id=person.pk, organisation_id=person.organisation_id, **values)

    assert User.objects.get(pk=person.pk).holds(Role.APPROVER, person.organisation_id)
    with pytest.raises(errors.Refused):
        people.add_membership(actor=boss, user_id=person.pk, organisation_id=person.organisation_id, **values)


def test_ended_role_ends_once_only() -> None:
    person, boss, now = factories.approver(), manager(), timezone.now()
    membership = person.memberships.get()
    people.end_membership(membership_id=membership.pk, actor=boss, last_day=None, now=now)

    with pytest.raises(errors.Refused):
        people.end_membership(membership_id=membership.pk, actor=boss, last_day=None, now=now)


def test_person_who_is_shut_out_loses_session_and_tokens_at_once() -> None:
    person = factories.approver()
    token, _value = factories.token(person)
    running = client_of(person)

    client_of(manager()).post(reverse("person_shut_out", kwargs={"uid": person.uid}))

    assert running.get(reverse("profile")).status_code == 302
    token.refresh_from_db()
    assert token.revoked_at is not None


def test_person_of_another_federation_is_unknown() -> None:
    person = factories.approver(code="27")
    client = client_of(manager("13"))

    assert client.post(reverse("person_shut_out", kwargs={"uid": person.uid})).status_code == 404
    assert (
        client.get(reverse("membership_end", kwargs={"pk": person.memberships.get().pk})).status_code == 404
    )
    assert client.get(reverse("organisation_detail", kwargs={"code": "27"})).status_code == 404


def test_list_shows_the_organisations_of_the_scope_only() -> None:
    own = client_of(manager("13")).get(reverse("organisation_list")).context["organisations"]
    every = client_of(factories.operator()).get(reverse("organisation_list")).context["organisations"]

    assert [o.code for o in own] == ["13"]
    assert len(every) == 51


def test_reading_who_works_where_is_recorded() -> None:
    reader = factories.approver()

    client_of(reader).get(reverse("organisation_detail", kwargs={"code": "13"}))

    assert TrailEntry.objects.filter(action="organisation.view", actor=reader).exists()


def test_user_without_a_reading_role_does_not_see_the_people() -> None:
    client = client_of(factories.user(Role.USER))

    assert client.get(reverse("organisation_detail", kwargs={"code": "13"})).status_code == 403


def test_list_of_people_costs_the_same_for_thirty_as_for_one(django_assert_max_num_queries: Any) -> None:
    client = client_of(manager())
    url = reverse("organisation_detail", kwargs={"code": "13"})
    client.get(url)

    def statements() -> int:
        with django_assert_max_num_queries(40) as captured:
            client.get(url)
        return len(captured)

    few = statements()
    for _n in range(30):
        factories.approver()
    assert statements() == few
