"""A new password ends what the old one let in: other sessions and the tokens of the REST interface (ACC-11, SEC)."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from accounts.reminder.models import ConfirmedAddress
from portal.orgs import tokens
from portal.orgs.models import ApiToken, User
from portal.trail.models import TrailEntry
from tests import factories
from tests.accounts.reminder import support as reminder
from tests.accounts.world import PostOffice, attempt, reset
from tests.fakes import FakeDirectory
from tests.orgs.conftest import PASSWORD, with_account
from tests.orgs.test_second_factor import give_app
from tests.roles import client_of

pytestmark = pytest.mark.django_db

NEW = "Ringo-Gohan-52"
CHANGE, WITHOUT_LOGIN = "/profile/password/", "/password/change/"


@pytest.fixture
def person(directory: FakeDirectory) -> User:
    user = factories.approver(login_name="kanri-0412", email="kanri@kokuho13.example.jp")
    with_account(directory, user, password_last_set=timezone.now() - timedelta(days=30))
    return user


@pytest.fixture
def elsewhere(person: User) -> Client:
    """A session in another browser; and a token."""
    tokens.create_token(
        actor=person, name="集計", scope="READ", days=90, second_factor=True, now=timezone.now()
    )
    return client_of(person)


def is_in(client: Client) -> bool:
    return client.get("/").status_code == 200


def live_tokens(person: User) -> int:
    return tokens.usable(person, timezone.now()).count()


def change(client: Client, old: str = PASSWORD, new: str = NEW) -> int:
    data = {"old_password": old, "new_password": new, "again": new}
    return client.post(CHANGE, data).status_code


def test_the_session_that_changed_it_goes_on_and_no_other(person: User, elsewhere: Client) -> None:
    here = client_of(person)
    stranger = client_of(factories.applicant())
    assert (is_in(here), is_in(elsewhere), live_tokens(person)) == (True, True, 1)

    answer = change(here)

    assert answer == 302
    assert (is_in(here), is_in(elsewhere), live_tokens(person)) == (True, False, 0)
    assert is_in(stranger)
    entry = TrailEntry.objects.get(action="token.revoke")
    assert (entry.object_label, entry.detail["reason"]) == ("集計", "password_changed")


def test_a_change_that_was_refused_ends_nothing(person: User, elsewhere: Client) -> None:
    assert change(client_of(person), old="Chigau-Mono-99") == 422

    assert (is_in(elsewhere), live_tokens(person)) == (True, 1)


def test_a_forgotten_password_ends_every_session(
    directory: FakeDirectory, person: User, elsewhere: Client
) -> None:
    ConfirmedAddress.objects.create(user=person, address=person.email, confirmed_at=timezone.now())
    browser = reminder.proven(Client(), person, give_app(person))

    assert browser.post(reminder.NEW, {"new_password": NEW, "again": NEW}).status_code == 302

    assert (is_in(elsewhere), live_tokens(person)) == (False, 0)


def test_a_change_without_login_ends_every_session(person: User, elsewhere: Client) -> None:
    data = {"login_name": person.login_name, "old_password": PASSWORD, "new_password": NEW, "again": NEW}

    assert Client().post(WITHOUT_LOGIN, data).status_code == 302

    assert (is_in(elsewhere), live_tokens(person)) == (False, 0)


def test_a_reset_by_application_ends_every_session(person: User, elsewhere: Client, post: PostOffice) -> None:
    assert person.directory_guid is not None

    assert attempt(reset(person.directory_guid, person.login_name)).status == "DONE"

    assert (is_in(elsewhere), live_tokens(person)) == (False, 0)
    assert ApiToken.objects.exclude(revoked_at=None).count() == 1
