"""The forgotten password: the mailed code, the second factor, and how often one may try (ACC-11)."""

from __future__ import annotations

import datetime as dt

import pytest
from django.test import Client
from django.utils import timezone

from accounts.reminder import services, throttle
from accounts.reminder.models import PasswordReminder, SelfServiceAttempt
from portal.notices.models import Notice
from portal.orgs.models import User
from portal.trail.models import TrailEntry
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
    works,
)
from tests.fakes import FakeDirectory
from tests.orgs.test_second_factor import now_code
from tests.roles import client_of

pytestmark = pytest.mark.django_db


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
