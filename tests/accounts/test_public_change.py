"""People without a login change the password of their Windows account (ACC-11): one answer, few attempts, all rules (ACC-07)."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from portal.gateways.directory import (
    BindResult,
    DirectoryEntry,
    DirectoryUnavailable,
    OutcomeUnknown,
    PolicyRefused,
)
from portal.trail.models import TrailEntry
from tests.fakes import FakeDirectory, users_ou

pytestmark = pytest.mark.django_db

URL = "/password/change/"
OLD, NEW = "Kaede-Ringo-77", "Ringo-Gohan-52"


def account(directory: FakeDirectory, **values: Any) -> DirectoryEntry:
    last_month = timezone.now() - dt.timedelta(days=30)
    values = {"container_dn": users_ou("13"), "password_last_set": last_month} | values
    return directory.add("tk0412-sato", password=OLD, **values)


def change(client: Client, name: str = "tk0412-sato", old: str = OLD, new: str = NEW) -> Any:
    return client.post(URL, {"login_name": name, "old_password": old, "new_password": new, "again": new})


def said(response: Any) -> str:
    return str(response.context["form"].non_field_errors())


def test_the_old_password_is_proof_enough(client: Client, directory: FakeDirectory) -> None:
    account(directory)

    assert change(client)["Location"] == URL
    assert directory.authenticate("tk0412-sato", NEW) is BindResult.OK
    assert TrailEntry.objects.get(action="password.change").detail == {"without_login": True}


def test_an_initial_password_is_changed_at_once(client: Client, directory: FakeDirectory) -> None:
    account(directory, must_change_password=True, password_last_set=None)

    assert change(client).status_code == 302


def test_whatever_is_wrong_with_name_password_or_account_the_answer_is_one(
    directory: FakeDirectory,
) -> None:
    answers = set()
    for name, old, values in [
        ("nobody-here", OLD, {}),
        ("tk0412-sato", "Wrong-Pass-12", {}),
        ("tk0412-sato", OLD, {"enabled": False}),
        ("tk0412-sato", OLD, {"locked": True}),
        ("tk0412-sato", OLD, {"privileged": True}),
        ("tk0412-sato", OLD, {"container_dn": "CN=Users,DC=kokuho,DC=pr"}),
        ("tk0412-sato", "Wrong-Pass-12", {"password_last_set": timezone.now()}),
        ("ｔｋ０４１２-sátő", OLD, {}),
    ]:
        directory.entries.clear()
        account(directory, **values)
        answer = change(Client(REMOTE_ADDR=f"10.0.0.{len(answers) + 1}"), name, old)
        answers.add((answer.status_code, said(answer)))
        from accounts.models import SelfServiceAttempt

        SelfServiceAttempt.objects.all().delete()

    assert len(answers) == 1


def test_accounts_that_are_not_the_portals_are_never_tried(client: Client, directory: FakeDirectory) -> None:
    entry = account(directory, privileged=True)
    tried: list[str] = []
    directory.authenticate = lambda name, password: tried.append(name) or BindResult.WRONG  # type: ignore[method-assign, func-returns-value]

    change(client)

    assert len(tried) == 1, "the answer takes one bind either way"
    assert tried[0] != entry.login_name


def test_a_young_password_is_told_to_whoever_knows_it(client: Client, directory: FakeDirectory) -> None:
    account(directory, password_last_set=timezone.now() - dt.timedelta(hours=1))

    assert "1日に1回" in said(change(client))


def test_all_rules_count_before_the_directory_is_asked(client: Client, directory: FakeDirectory) -> None:
    account(directory)

    answer = change(client, new="sato")

    assert len(answer.context["form"].errors["new_password"]) == 3
    assert directory.calls == []


def test_three_attempts_an_hour_do_not_lock_an_account(client: Client, directory: FakeDirectory) -> None:
    account(directory)

    answers = [said(change(client, old="Wrong-Pass-12")) for _ in range(4)]

    assert len(set(answers[:3])) == 1
    assert "回数の上限" in answers[3]
    assert directory.calls.count("authenticate") == 3


@pytest.mark.parametrize(
    ("method", "error"),
    [
        ("find_by_login_name", DirectoryUnavailable),
        ("change_password", DirectoryUnavailable),
        ("change_password", OutcomeUnknown),
        ("change_password", PolicyRefused),
    ],
)
def test_a_silent_or_refusing_directory_is_named(
    client: Client, directory: FakeDirectory, method: str, error: type[Exception]
) -> None:
    account(directory)
    directory.faults[method] = [error]

    assert "Active Directory" in str(change(client).context["form"].errors)


def test_the_page_does_not_send_a_password_back(client: Client, directory: FakeDirectory) -> None:
    account(directory)

    response = change(client, old="Wrong-Pass-12")
    text = response.content.decode()

    assert response.status_code == 422
    assert "Wrong-Pass-12" not in text
    assert NEW not in text
