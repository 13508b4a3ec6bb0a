"""POST login-names/: free names by the rule, held for a draft (ACC-06)."""

from __future__ import annotations

from typing import Any

import pytest

from accounts.naming.models import NameReservation
from portal.orgs.permissions import Role
from tests import factories, journeys
from tests.accounts.conftest import directory
from tests.api.client import Api
from tests.fakes import FakeDirectory

__all__ = ["directory"]  # a fixture
pytestmark = pytest.mark.django_db

SUZUKI = {"family_kana": "すずき", "given_kana": "ｲﾁﾛｳ"}


def body(*people: dict[str, Any], **values: Any) -> dict[str, Any]:
    return {"organisation": "13", "people": list(people) or [SUZUKI]} | values


def test_each_person_gets_a_free_name_and_nothing_is_held(directory: FakeDirectory) -> None:
    directory.add("k13-suzuki-i")
    api = Api(factories.applicant())

    found = api.post("login-names/", body(SUZUKI, SUZUKI))

    assert found == {"login_names": ["k13-suzuki-i2", "k13-suzuki-i3"]}
    assert not NameReservation.system.exists()


def test_for_an_own_draft_they_are_held(directory: FakeDirectory) -> None:
    cast = journeys.Cast()
    draft = journeys.draft(cast)

    api = Api(cast.applicant)
    first = api.post("login-names/", body(application=draft.number))
    again = Api(factories.applicant()).post("login-names/", body())

    assert first["login_names"] == ["k13-suzuki-i"]
    assert again["login_names"] == ["k13-suzuki-i2"]
    assert NameReservation.system.get().application == draft


def test_other_organisations_and_other_peoples_drafts_are_unknown(directory: FakeDirectory) -> None:  # ORG-02
    draft = journeys.draft(journeys.Cast())
    api = Api(factories.applicant())

    api.post("login-names/", body(organisation="27"), check=404)
    api.post("login-names/", body(application=draft.number), check=404)
    api.post("login-names/", body(application="A-1999-000001"), check=404)
    api.post("login-names/", body({"family_kana": "スズキ"}), check=400)
    api.post("login-names/", {"organisation": "13", "people": []}, check=400)
    Api(factories.user(Role.AUDITOR)).post("login-names/", body(), check=403)
