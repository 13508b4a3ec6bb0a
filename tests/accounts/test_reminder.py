"""The forgotten password: one answer for everybody, mailed code, second factor, new password by all rules (ACC-07, ACC-11)."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import replace
from typing import Any

import pytest
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from django.db import connection
from django.http import HttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.reminder import addresses, services, throttle
from accounts.reminder.models import ConfirmedAddress, PasswordReminder, SelfServiceAttempt
from portal.gateways.directory import BindResult, DirectoryUnavailable, OutcomeUnknown, PolicyRefused
from portal.notices import messages
from portal.notices.models import Notice
from portal.orgs.models import User
from portal.trail.models import TrailEntry
from tests import factories
from tests.fakes import FakeDirectory
from tests.orgs.conftest import PASSWORD, with_account
from tests.orgs.test_second_factor import give_app, now_code
from tests.roles import client_of

pytestmark = pytest.mark.django_db

ASK, CODE, FACTOR, NEW = (f"/password/forgotten/{part}" for part in ("", "code/", "factor/", "new/"))
CHOSEN = "Ringo-Gohan-52"
LONG_AGO = dt.timedelta(days=30)


@pytest.fixture
def person(directory: FakeDirectory) -> User:
    """Somebody who can help themselves: confirmed address, account of their own, password of last month."""
    user = factories.approver(login_name="kanri-0412", email="kanri@kokuho13.example.jp")
    with_account(directory, user, password_last_set=timezone.now() - LONG_AGO)
    ConfirmedAddress.objects.create(user=user, address=user.email, confirmed_at=timezone.now())
    return user


@pytest.fixture
def secret(person: User) -> str:
    return give_app(person)


def ask(client: Client, login_name: str) -> Any:
    return client.post(ASK, {"login_name": login_name})


def mailed_code() -> str:
    """What a worker does, and the code that its mail carries."""
    services.answer_open(now=timezone.now())
    notice = Notice.system.filter(template="reminder_code").latest("pk")
    text = str(messages.build(notice, now=timezone.now()).get_content())
    found = re.search(r"\d{4} \d{4}", text)
    assert found is not None
    return found.group()


def proven(client: Client, person: User, secret: str) -> Client:
    """As far as the choice of the password."""
    ask(client, person.login_name)
    assert client.post(CODE, {"code": mailed_code()}).status_code == 302
    assert client.post(FACTOR, {"code": now_code(secret)})["Location"] == NEW
    return client


def choose(client: Client, password: str = CHOSEN) -> Any:
    return client.post(NEW, {"new_password": password, "again": password})


def works(directory: FakeDirectory, person: User, password: str) -> bool:
    return directory.authenticate(person.login_name, password) is BindResult.OK


def seen(response: HttpResponse) -> str:
    """The page without what changes with each request."""
    return re.sub(r'(value=|X-CSRFToken": )"[^"]*"', "", response.content.decode())


# The whole way


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


# One answer for everybody


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


# The code


def test_a_code_counts_once_for_ten_minutes_and_five_attempts(person: User, secret: str) -> None:
    now = timezone.now()

    def check(code: str, wrong: int = 0, later: dt.timedelta = dt.timedelta(), twice: bool = False) -> bool:
        PasswordReminder.objects.all().delete()
        SelfServiceAttempt.objects.all().delete()
        reminder = services.ask(login_name=person.login_name, ip=None, now=now)
        right = mailed_code()
        for _ in range(wrong):
            services.check_code(uid=reminder.uid, code="9", now=now)
        if twice:
            services.check_code(uid=reminder.uid, code=right, now=timezone.now())
        return services.check_code(uid=reminder.uid, code=code or right, now=timezone.now() + later)

    assert check("")
    assert check("", wrong=4)
    assert not check("", wrong=5)
    assert not check("", later=dt.timedelta(minutes=10))
    assert not check("", twice=True)
    assert not check("1234")


def test_full_width_digits_and_missing_spaces_are_the_same_code(
    client: Client, person: User, secret: str
) -> None:
    ask(client, person.login_name)
    code = mailed_code().replace(" ", "").translate({ord(str(n)): chr(0xFF10 + n) for n in range(10)})

    assert client.post(CODE, {"code": code})["Location"] == FACTOR


def test_only_a_digest_of_the_code_is_kept(client: Client, person: User, secret: str) -> None:
    ask(client, person.login_name)
    code = mailed_code()

    kept = str(
        list(PasswordReminder.objects.values())
        + list(Notice.system.values())
        + list(TrailEntry.objects.values())
    )
    assert code not in kept
    assert code.replace(" ", "") not in kept


def test_a_mail_that_is_made_again_has_another_code_and_the_first_is_void(
    client: Client, person: User, secret: str
) -> None:
    ask(client, person.login_name)
    first, second = mailed_code(), mailed_code()

    assert client.post(CODE, {"code": first}).status_code == 422
    assert client.post(CODE, {"code": second}).status_code == 302


def test_a_code_is_of_no_use_in_another_browser(client: Client, person: User, secret: str) -> None:
    ask(client, person.login_name)
    code = mailed_code()
    other = Client()
    ask(other, "nobody-here")

    assert other.post(CODE, {"code": code}).status_code == 422


# No step can be left out


@pytest.mark.parametrize("path", [CODE, FACTOR, NEW])
def test_a_page_in_the_middle_leads_back_to_the_start(client: Client, path: str) -> None:
    assert client.get(path)["Location"] == ASK
    assert client.post(path, {"code": "1", "new_password": CHOSEN, "again": CHOSEN})["Location"] == ASK


def test_the_factor_cannot_be_left_out_and_guesses_are_limited(
    client: Client, person: User, secret: str, directory: FakeDirectory
) -> None:
    ask(client, person.login_name)
    client.post(CODE, {"code": mailed_code()})

    assert choose(client)["Location"] == ASK
    for _ in range(5):
        assert client.post(FACTOR, {"code": "000000"}).status_code == 422
    assert client.post(FACTOR, {"code": now_code(secret)}).status_code == 422, "too many guesses"
    assert not works(directory, person, CHOSEN)


def test_the_proof_ends_after_a_quarter_of_an_hour(client: Client, person: User, secret: str) -> None:
    proven(client, person, secret)
    PasswordReminder.objects.update(factor_proven_at=timezone.now() - dt.timedelta(minutes=15))

    assert choose(client)["Location"] == ASK


def test_whoever_is_logged_in_is_led_to_their_own_page(person: User) -> None:
    assert client_of(person).get(ASK)["Location"] == "/profile/password/"


# Throttles


def test_three_mails_an_hour_for_one_account_whatever_the_spelling(client: Client, person: User) -> None:
    names = [person.login_name, person.login_name.upper(), "ｋａｎｒｉ-0412", person.login_name]
    assert [ask(client, name).status_code for name in names] == [302, 302, 302, 429]
    assert [ask(Client(), "nobody").status_code for _ in range(4)] == [302, 302, 302, 429]
    assert PasswordReminder.objects.count() == 6


def test_one_address_and_all_addresses_together_are_limited_in_the_database() -> None:
    now = timezone.now()
    limits = throttle.Limits("test", per_account=9, per_address=2, in_all=3)

    def admitted(account: str, ip: str) -> bool:
        try:
            throttle.admit(limits, account=account, ip=ip, now=now)
        except throttle.TooManyAttempts:
            return False
        return True

    tried = [
        admitted(f"a{n}", ip)
        for n, ip in enumerate(["10.0.0.1", "10.0.0.1", "10.0.0.1", "10.0.0.2", "10.0.0.3"])
    ]
    assert tried == [True, True, False, True, False]
    throttle.admit(limits, account="a", ip="10.0.0.1", now=now + dt.timedelta(hours=1))
    assert throttle.purge(now=now + dt.timedelta(days=3)) == 4


# The new password


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


# The own address


def test_an_address_is_confirmed_with_a_mailed_code(person: User) -> None:
    ConfirmedAddress.objects.all().delete()
    client = client_of(person)

    client.post("/profile/address/", {"send": "1"})
    text = str(messages.build(Notice.system.get(template="address_code"), now=timezone.now()).get_content())
    code = re.search(r"\d{4} \d{4}", text)
    assert code is not None
    wrong = client.post("/profile/address/", {"code": "1111 1111"})
    unconfirmed = addresses.is_confirmed(person)
    right = client.post("/profile/address/", {"code": code.group()})

    assert (wrong.status_code, unconfirmed) == (422, False)
    assert right.status_code == 302
    assert addresses.is_confirmed(person)


def test_a_code_for_the_old_address_does_not_confirm_the_new_one(person: User) -> None:
    ConfirmedAddress.objects.all().delete()
    now = timezone.now()
    addresses.send_code(actor=person, ip=None, now=now)
    notice = Notice.system.get(template="address_code")
    code = addresses.code_for_mail(notice)["code"]
    person.email = "other@kokuho13.example.jp"
    person.save()

    assert not addresses.confirm(actor=person, code=code, now=timezone.now())
