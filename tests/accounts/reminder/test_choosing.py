"""The forgotten password: the new one by all rules (ACC-07, ACC-11)."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import pytest
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from django.test import Client
from django.utils import timezone

from accounts.reminder.models import PasswordReminder
from portal.gateways.directory import DirectoryUnavailable, OutcomeUnknown, PolicyRefused
from portal.orgs.models import User
from tests.accounts.reminder.support import CHOSEN, CODE, FACTOR, ask, choose, mailed_code, proven, works
from tests.fakes import FakeDirectory
from tests.orgs.conftest import PASSWORD

pytestmark = pytest.mark.django_db


def test_all_rules_count(client: Client, person: User, secret: str, directory: FakeDirectory) -> None:
    answer = choose(proven(client, person, secret), "kanri")

    assert answer.status_code == 422
    assert len(answer.context["form"].errors["new_password"]) == 3
    assert "reset_password" not in directory.calls


def test_the_minimum_age_counts_also_here(
    client: Client, person: User, secret: str, directory: FakeDirectory
) -> None:
    proven(client, person, secret)
    guid = person.directory_guid
    directory.entries[guid] = replace(  # type: ignore[index, type-var]
        directory.entries[guid],  # type: ignore[index]
        password_last_set=timezone.now() - dt.timedelta(hours=23),
    )

    assert choose(client).status_code == 422
    assert works(directory, person, PASSWORD)


def test_with_policy_hints_a_password_of_the_history_is_refused_and_nothing_has_changed(
    client: Client, person: User, secret: str, directory: FakeDirectory
) -> None:
    directory.policy_hints = True

    answer = choose(proven(client, person, secret), PASSWORD)

    assert answer.status_code == 422
    assert answer.context["form"].non_field_errors() == []
    assert works(directory, person, PASSWORD)


def test_without_policy_hints_a_refusal_says_that_the_old_one_is_gone_and_another_works_at_once(
    client: Client, person: User, secret: str, directory: FakeDirectory
) -> None:
    directory.used[person.directory_guid] = {"Mukashi-No-31"}  # type: ignore[index]
    proven(client, person, secret)

    refused = choose(client, "Mukashi-No-31")
    accepted = choose(client)

    assert "使えなくなりました" in str(refused.context["form"].non_field_errors())
    assert accepted["Location"] == "/auth/login/"
    assert works(directory, person, CHOSEN)
    assert PasswordReminder.objects.get().refusals == 1


def test_refusals_cannot_be_used_to_wash_the_history_out(
    client: Client, person: User, secret: str, directory: FakeDirectory
) -> None:
    directory.used[person.directory_guid] = {"Mukashi-No-31"}  # type: ignore[index]
    proven(client, person, secret)

    for _ in range(12):
        choose(client, "Mukashi-No-31")

    assert directory.calls.count("change_password") == 10


def test_who_leaves_in_the_middle_starts_again(
    client: Client, person: User, secret: str, directory: FakeDirectory
) -> None:
    directory.faults["change_password"] = [PolicyRefused]
    choose(proven(client, person, secret))
    fresh = Client()
    code = RecoveryCodes.activate(person).get_unused_codes()[0]  # the app's code was used a moment ago

    ask(fresh, person.login_name)
    fresh.post(CODE, {"code": mailed_code()})
    fresh.post(FACTOR, {"code": code})
    answer = choose(fresh)

    assert answer["Location"] == "/auth/login/"
    assert works(directory, person, CHOSEN)


@pytest.mark.parametrize("step", ["reset_password", "change_password"])
@pytest.mark.parametrize(
    ("when", "error"),
    [("faults", DirectoryUnavailable), ("faults", OutcomeUnknown), ("after", OutcomeUnknown)],
)
def test_a_lost_answer_at_each_step_ends_with_the_chosen_password(
    client: Client,
    person: User,
    secret: str,
    directory: FakeDirectory,
    step: str,
    when: str,
    error: type[Exception],
) -> None:
    proven(client, person, secret)
    getattr(directory, when)[step] = [error]

    first = choose(client)
    if first.status_code == 422:
        assert "Active Directory" in str(first.context["form"].non_field_errors())
        first = choose(client)

    assert first["Location"] == "/auth/login/"
    assert works(directory, person, CHOSEN)
    assert PasswordReminder.objects.get().outcome == "DONE"


def test_a_directory_that_is_away_has_changed_nothing(
    client: Client, person: User, secret: str, directory: FakeDirectory
) -> None:
    proven(client, person, secret)
    directory.faults["find_by_guid"] = [DirectoryUnavailable]

    answer = choose(client)

    assert "何も変更" in str(answer.context["form"].non_field_errors()) or answer.status_code == 422
    assert works(directory, person, PASSWORD)


def test_an_account_that_was_disabled_meanwhile_is_refused(
    client: Client, person: User, secret: str, directory: FakeDirectory
) -> None:
    proven(client, person, secret)
    directory.disable(person.directory_guid)  # type: ignore[arg-type]

    assert choose(client).status_code == 422
    assert "reset_password" not in directory.calls
