"""Whoever logs in with an initial or expired password chooses a new one before the session exists (ACC-07, ACC-10)."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import Any

import pytest
from django.core import signing
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from portal.gateways.directory import BindResult, DirectoryUnavailable, OutcomeUnknown, PolicyRefused
from portal.orgs import half_login
from portal.orgs.models import User
from portal.trail.models import TrailEntry
from tests import factories
from tests.fakes import FakeDirectory
from tests.orgs.conftest import PASSWORD, with_account
from tests.orgs.test_login import is_in, try_login
from tests.orgs.test_second_factor import give_app, now_code
from tests.roles import client_of

pytestmark = pytest.mark.django_db
NEW = "Sakura-Mochi-31"


@pytest.fixture
def newcomer(directory: FakeDirectory, db: Any) -> User:
    """A person who was given an initial password."""
    person = factories.approver(login_name="kanri-0412")
    return with_account(directory, person, must_change_password=True, password_last_set=None)


def choose(client: Client, old: str = PASSWORD, new: str = NEW, again: str = "") -> Any:
    data = {"old_password": old, "new_password": new, "again": again or new}
    return client.post(reverse("initial_password_change"), data)


def test_initial_password_leads_to_the_page_and_opens_no_session(client: Client, newcomer: User) -> None:
    response = try_login(client, newcomer.login_name)

    assert response["Location"] == reverse("initial_password_change")
    assert client.get(response["Location"]).status_code == 200
    assert not is_in(client)
    assert client.get(reverse("home")).status_code == 302


def test_after_the_change_the_person_is_logged_in_where_they_wanted_to_go(
    client: Client, newcomer: User, directory: FakeDirectory
) -> None:
    try_login(client, newcomer.login_name, next=reverse("token_list"))

    response = choose(client)

    assert response["Location"] == reverse("token_list")
    assert is_in(client)
    assert directory.authenticate(newcomer.login_name, NEW) is BindResult.OK


def test_expired_password_is_changed_the_same_way(
    client: Client, person: User, directory: FakeDirectory
) -> None:
    directory.states[person.login_name] = BindResult.PASSWORD_EXPIRED
    directory.entries[person.directory_guid] = replace(  # type: ignore[index, type-var]
        directory.entries[person.directory_guid],  # type: ignore[index]
        password_last_set=timezone.now() - dt.timedelta(days=91),
    )

    assert try_login(client, person.login_name)["Location"] == reverse("initial_password_change")
    assert choose(client).status_code == 302


def test_second_factor_is_still_asked_for_after_the_change(client: Client, newcomer: User) -> None:
    secret = give_app(newcomer)
    try_login(client, newcomer.login_name)

    assert choose(client)["Location"] == reverse("mfa_authenticate")
    assert not is_in(client)
    client.post(reverse("mfa_authenticate"), {"code": now_code(secret)})
    assert is_in(client)


def test_page_is_closed_to_whoever_did_not_just_log_in(client: Client, newcomer: User) -> None:
    assert client.get(reverse("initial_password_change"))["Location"] == reverse("account_login")
    assert choose(client)["Location"] == reverse("account_login")


def test_note_of_the_half_login_expires(
    client: Client, newcomer: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    try_login(client, newcomer.login_name)
    monkeypatch.setattr(half_login, "SECONDS", -1)

    assert choose(client)["Location"] == reverse("account_login")


def test_forged_note_is_worth_nothing(client: Client, newcomer: User) -> None:
    session = client.session
    session["initial_password"] = signing.dumps(
        {"user": newcomer.pk, "next": ""}, salt="another", key="x" * 50
    )
    session.save()

    assert choose(client)["Location"] == reverse("account_login")


@pytest.mark.parametrize(
    ("old", "new", "again", "field"),
    [
        ("Not-The-One-1", NEW, "", "old_password"),
        (PASSWORD, NEW, "Sakura-Mochi-32", "again"),
        (PASSWORD, "Short-1", "", "new_password"),
        (PASSWORD, "onlylowercase", "", "new_password"),
        (PASSWORD, "Xy-KANRI-9-zz", "", "new_password"),
        (PASSWORD, PASSWORD, "", "new_password"),
        ("", NEW, "", "old_password"),
    ],
)
def test_what_is_wrong_is_said_at_its_field_and_nothing_is_sent_back(
    client: Client, newcomer: User, old: str, new: str, again: str, field: str
) -> None:
    try_login(client, newcomer.login_name)

    response = choose(client, old, new, again)

    assert response.status_code == 422
    assert response.context["form"].errors[field]
    assert not is_in(client)
    page = response.content.decode()
    assert new not in page
    assert not old or old not in page


def test_refusal_of_the_directory_is_explained(
    client: Client, newcomer: User, directory: FakeDirectory
) -> None:
    try_login(client, newcomer.login_name)
    directory.faults["change_password"] = [PolicyRefused("0000052D")]

    response = choose(client)

    assert response.context["form"].errors["new_password"]
    assert TrailEntry.objects.filter(action="password.change_refused", actor=newcomer).exists()


@pytest.mark.parametrize("error", [DirectoryUnavailable, OutcomeUnknown])
def test_silent_directory_is_named(
    client: Client, newcomer: User, directory: FakeDirectory, error: type[Exception]
) -> None:
    try_login(client, newcomer.login_name)
    directory.faults["change_password"] = [error]

    response = choose(client)

    assert "Active Directory" in str(response.context["form"].non_field_errors())


def test_own_password_can_be_changed_once_a_day(person: User, directory: FakeDirectory) -> None:
    client, url = client_of(person), reverse("password_change")
    data = {"old_password": PASSWORD, "new_password": NEW, "again": NEW}
    assert client.get(url).status_code == 200

    too_soon = client.post(url, data)
    directory.entries[person.directory_guid] = replace(  # type: ignore[index, type-var]
        directory.entries[person.directory_guid],  # type: ignore[index]
        password_last_set=timezone.now() - dt.timedelta(days=1, minutes=1),
    )
    later = client.post(url, data)

    assert (too_soon.status_code, later.status_code) == (422, 302)
    assert directory.authenticate(person.login_name, NEW) is BindResult.OK


def test_no_password_stays_anywhere(client: Client, newcomer: User, caplog: pytest.LogCaptureFixture) -> None:
    try_login(client, newcomer.login_name)
    choose(client, PASSWORD, "bad")
    choose(client)

    kept = str(list(TrailEntry.objects.values())) + str(dict(client.session)) + caplog.text
    assert PASSWORD not in kept
    assert NEW not in kept
