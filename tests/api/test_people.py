"""GET me/ and GET organisations/: own data, own scope (ORG-02)."""

from __future__ import annotations

import pytest

from portal.orgs.permissions import Role
from tests import factories
from tests.api.client import Api

pytestmark = pytest.mark.django_db


def test_me_shows_todays_roles_and_no_secret() -> None:
    person = factories.user(Role.APPLICANT, Role.USER)

    me = Api(person).get("me/")

    assert me["login_name"] == person.login_name
    assert {m["role"] for m in me["memberships"]} == {"APPLICANT", "USER"}
    assert not {"password", "is_superuser", "directory_guid", "id"} & set(me)  # hole class 3


@pytest.mark.parametrize(
    ("code", "seen"), [("13", 1), ("maintenance", 1), ("central", 51), ("operations", 51)]
)
def test_organisations_are_those_of_the_scope(code: str, seen: int) -> None:
    rows = Api(factories.user(Role.USER, code=code)).get("organisations/")

    assert len(rows) == seen


def test_nobody_without_a_role_sees_an_organisation() -> None:
    assert Api(factories.user()).get("organisations/") == []


def test_a_deactivated_person_is_out_at_once() -> None:
    person = factories.applicant()
    api = Api(person)
    api.get("me/")

    person.is_active = False
    person.save()

    api.get("me/", check=401)  # hole class 18
