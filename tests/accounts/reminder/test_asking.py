"""The forgotten password: the whole way, and one answer for everybody (ACC-11)."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import replace
from typing import Any

import pytest
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.reminder import services
from accounts.reminder.models import PasswordReminder
from portal.gateways.directory import DirectoryUnavailable
from portal.notices import messages
from portal.notices.models import Notice
from portal.orgs.models import User
from portal.trail.models import TrailEntry
from tests import factories
from tests.accounts.reminder.support import (
    ASK,
    CHOSEN,
    CODE,
    FACTOR,
    NEW,
    ask,
    choose,
    mailed_code,
    proven,
    seen,
    works,
)
from tests.fakes import FakeDirectory
from tests.orgs.conftest import with_account
from tests.orgs.test_second_factor import give_app

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("hints", [True, False])
def test_code_and_factor_lead_to_a_new_password(
    client: Client, person: User, secret: str, directory: FakeDirectory, hints: bool
) -> None:
    directory.policy_hints = hints

    answer = choose(proven(client, person, secret))

    assert answer["Location"] == "/auth/login/"
    assert works(directory, person, CHOSEN)
    assert "reset_to_chosen_password" in directory.calls if hints else "reset_password" in directory.calls
    assert not directory.entries[person.directory_guid].must_change_password  # type: ignore[index]
    assert Notice.system.get(template="password_changed").to_user == person
    actions = list(TrailEntry.objects.order_by("pk").values_list("action", flat=True))
    assert [action for action in actions if action.startswith("reminder.")] == [
        "reminder.ask",
        "reminder.answer",
        "reminder.code",
        "reminder.factor",
        "reminder.done",
    ]


def test_a_recovery_code_is_a_second_factor_too(client: Client, person: User, secret: str) -> None:
    code = RecoveryCodes.activate(person).get_unused_codes()[0]
    ask(client, person.login_name)
    client.post(CODE, {"code": mailed_code()})

    assert client.post(FACTOR, {"code": code})["Location"] == NEW


def test_the_way_is_gone_once_it_was_used(
    client: Client, person: User, secret: str, directory: FakeDirectory
) -> None:
    choose(proven(client, person, secret))

    again = choose(client, "Another-Way-77")

    assert again["Location"] == ASK
    assert works(directory, person, CHOSEN)


def test_known_and_unknown_names_get_the_same_answer_by_the_same_statements(
    person: User, secret: str, directory: FakeDirectory
) -> None:
    disabled = with_account(directory, factories.approver(login_name="tomatta"), enabled=False)
    pages, statements = set(), set()
    for name in (person.login_name, disabled.login_name, "nobody-here", "Secret-Passw0rd!"):
        client = Client()
        with CaptureQueriesContext(
            connection,
        ) as captured:
            answer = ask(client, name)
        statements.add(tuple(re.sub(r"'[^']*'|\d+", "?", q["sql"])[:60] for q in captured))
        pages.add((answer.status_code, answer["Location"], seen(client.get(CODE))))

    assert len(pages) == 1
    assert len(statements) == 1
    assert directory.calls == [], "the directory is asked afterwards, by a worker"
    assert "Secret-Passw0rd!" not in str(list(TrailEntry.objects.values()))


def test_wrong_codes_look_the_same_with_and_without_an_account(person: User, secret: str) -> None:
    pages = set()
    for name in (person.login_name, "nobody-here"):
        client = Client()
        ask(client, name)
        services.answer_open(now=timezone.now())
        answer = client.post(CODE, {"code": "0000 0000"})
        pages.add((answer.status_code, seen(answer)))

    assert len(pages) == 1


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"enabled": False}, "disabled"),
        ({"account_expires": dt.date(2020, 3, 31)}, "expired"),
        ({"privileged": True}, "protected"),
        ({"dn": "CN=kanri-0412,CN=Users,DC=kokuho,DC=pr"}, "protected"),
    ],
)
def test_accounts_that_must_not_be_helped_get_no_mail(
    client: Client,
    person: User,
    secret: str,
    directory: FakeDirectory,
    change: dict[str, Any],
    reason: str,
) -> None:
    guid = person.directory_guid
    directory.entries[guid] = replace(directory.entries[guid], **change)  # type: ignore[index, type-var]

    ask(client, person.login_name)
    services.answer_open(now=timezone.now())

    assert not Notice.system.exists()
    assert TrailEntry.objects.get(action="reminder.not_answered").detail == {"reason": reason}


def test_a_break_glass_account_is_nobody_here(client: Client) -> None:
    user = factories.user(login_name="emergency", is_break_glass=True, email="e@operations.example.jp")
    give_app(user)

    ask(client, user.login_name)
    services.answer_open(now=timezone.now())

    assert PasswordReminder.objects.get().user is None
    assert not Notice.system.exists()


def test_an_address_that_was_not_confirmed_gets_no_mail(client: Client, person: User, secret: str) -> None:
    person.email = "new@kokuho13.example.jp"  # changed in AD after the confirmation
    person.save()

    ask(client, person.login_name)
    services.answer_open(now=timezone.now())

    assert not Notice.system.exists()


def test_without_a_second_factor_the_mail_says_what_to_do(client: Client, person: User) -> None:
    ask(client, person.login_name)
    services.answer_open(now=timezone.now())

    notice = Notice.system.get()
    assert notice.template == "reminder_no_factor"
    assert "申請" in messages.build(notice, now=timezone.now()).get_content()


def test_while_the_directory_is_away_the_answer_comes_later(
    client: Client, person: User, secret: str, directory: FakeDirectory
) -> None:
    directory.faults["find_by_guid"] = [DirectoryUnavailable]
    ask(client, person.login_name)

    services.answer_open(now=timezone.now())
    in_between = Notice.system.count()
    services.answer_open(now=timezone.now())
    services.answer_open(now=timezone.now())

    assert (in_between, Notice.system.count()) == (0, 1)
