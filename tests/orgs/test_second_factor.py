"""The second factor (SEC-01): authenticator app, security key, recovery codes; who must have one; how often one may guess."""

from __future__ import annotations

import io
import time
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP, format_hotp_value, generate_totp_secret, hotp_value
from django.core.cache import cache
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from portal.notices import messages
from portal.notices.models import Notice
from portal.orgs import codes, factors, tokens
from portal.orgs.models import User
from portal.orgs.permissions import Role
from portal.trail.models import TrailEntry
from tests import factories
from tests.fakes import FakeDirectory
from tests.orgs.conftest import PASSWORD, with_account
from tests.orgs.test_login import is_in, try_login
from tests.roles import client_of

pytestmark = pytest.mark.django_db


def give_app(user: User) -> str:
    """Register an authenticator app; returns its key."""
    secret = generate_totp_secret()
    TOTP.activate(user, secret)
    return secret


def now_code(secret: str) -> str:
    """The code that the app shows now."""
    return format_hotp_value(hotp_value(secret, int(time.time()) // 30))


def answer(client: Client, code: str) -> Any:
    return client.post(reverse("mfa_authenticate"), {"code": code})


def test_password_alone_does_not_log_in_who_has_a_second_factor(client: Client, person: User) -> None:
    secret = give_app(person)

    response = try_login(client, person.login_name)

    assert response["Location"] == reverse("mfa_authenticate")
    assert client.get(response["Location"]).status_code == 200
    assert not is_in(client)
    assert answer(client, now_code(secret)).status_code == 302
    assert is_in(client)
    assert TrailEntry.objects.get(action="login").detail == {"methods": ["mfa", "password"]}


def test_page_after_the_second_factor_is_the_one_that_was_wanted(client: Client, person: User) -> None:
    secret = give_app(person)
    try_login(client, person.login_name, next=reverse("token_list"))

    assert answer(client, now_code(secret))["Location"] == reverse("token_list")


def test_code_works_once(client: Client, person: User) -> None:
    secret = give_app(person)
    code = now_code(secret)
    try_login(client, person.login_name)
    answer(client, code)
    second = Client()
    try_login(second, person.login_name)

    assert answer(second, code).status_code == 200
    assert not is_in(second)


def test_neither_a_used_code_nor_an_earlier_one_works_again_while_it_counts(
    person: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = give_app(person)
    start = int(time.time())
    earlier, used, later = (format_hotp_value(hotp_value(secret, start // 30 + step)) for step in (-1, 0, 1))
    with CaptureQueriesContext(connection) as queries:
        assert codes.accept(person, used)
    assert any("FOR UPDATE" in query["sql"] for query in queries)  # of two at once one waits

    for seconds in (0, 30):  # allauth remembers in the cache, and for 30 seconds only
        monkeypatch.setattr(time, "time", lambda seconds=seconds: float(start + seconds))
        cache.clear()
        assert codes.accept(person, used) is None
        assert codes.accept(person, earlier) is None
    assert codes.accept(person, later)


def test_code_that_registered_the_app_does_not_log_in(client: Client, person: User) -> None:
    try_login(client, person.login_name)
    secret = client.get(reverse("mfa_activate_totp")).context["form"].secret
    code = now_code(secret)
    client.post(reverse("mfa_activate_totp"), {"code": code})

    assert codes.accept(person, code) is None


def test_code_under_a_renewed_secret_key_is_wrong_and_the_page_says_who_helps(
    client: Client, person: User, settings: Any
) -> None:
    secret = give_app(person)
    RecoveryCodes.activate(person)
    settings.SECRET_KEY = "another-test-only-not-a-secret-000000000000000000000"
    try_login(client, person.login_name)

    response = answer(client, now_code(secret))

    assert response.status_code == 200
    assert "運用担当に登録の削除を依頼" in response.content.decode()
    assert not is_in(client)
    assert TrailEntry.objects.filter(action=factors.REFUSED, actor=person).count() == 1
    inside = client_of(person)
    inside.post(reverse("account_reauthenticate"), {"password": PASSWORD})
    for page in ("mfa_index", "mfa_view_recovery_codes", "mfa_generate_recovery_codes"):
        assert inside.get(reverse(page)).headers["Location"] == reverse("profile"), page
    assert "運用担当に登録の削除を依頼" in inside.get(reverse("profile")).content.decode()


def remove(*arguments: str) -> str:
    out = io.StringIO()
    call_command("remove_factors", *arguments, "--reason", "電話の紛失", stdout=out)
    return out.getvalue()


def test_operations_remove_the_factors_of_one_person_and_end_what_they_let_in(person: User) -> None:
    other = factories.applicant()
    for each in (person, other):
        give_app(each)
        RecoveryCodes.activate(each)
    browser, elsewhere = client_of(person), client_of(other)
    tokens.create_token(actor=person, name="x", scope="READ", days=1, second_factor=True, now=timezone.now())

    remove(person.login_name.upper())

    assert (factors.count(person), factors.count(other)) == (0, 1)
    assert not Authenticator.objects.filter(user=person).exists()
    assert (is_in(browser), is_in(elsewhere)) == (False, True)
    assert not tokens.usable(person, timezone.now()).exists()
    entry = TrailEntry.objects.get(action="factor.take_away")
    assert (entry.object_label, entry.detail["reason"]) == (person.login_name, "電話の紛失")
    assert Notice.system.get(template="factors_removed").to_user == person


def test_operations_remove_what_the_secret_key_encrypts_of_everybody(person: User) -> None:
    with_key = factories.applicant()
    Authenticator.objects.create(user=with_key, type=Authenticator.Type.WEBAUTHN, data={})
    for each in (person, with_key):
        RecoveryCodes.activate(each)
    give_app(person)

    remove("--all")

    assert list(Authenticator.objects.values_list("user_id", "type")) == [(with_key.pk, "webauthn")]
    assert TrailEntry.objects.filter(action="factor.take_away").count() == 2
    for arguments in (["nobody-9999"], [person.login_name, "--all"], []):
        with pytest.raises(CommandError):
            remove(*arguments)


def test_recovery_code_logs_in_once(client: Client, person: User) -> None:
    give_app(person)
    codes = RecoveryCodes.activate(person).get_unused_codes()
    try_login(client, person.login_name)
    second = Client()
    try_login(second, person.login_name)

    assert answer(client, codes[0]).status_code == 302
    assert answer(second, codes[0]).status_code == 200
    assert is_in(client)
    assert not is_in(second)


def test_guessing_ends_after_five_wrong_codes_also_from_another_browser(client: Client, person: User) -> None:
    secret = give_app(person)
    try_login(client, person.login_name)
    for _n in range(factors.GUESSES):
        answer(client, "000000")
    other = Client()
    try_login(other, person.login_name)

    answer(other, now_code(secret))

    assert not is_in(other)
    assert TrailEntry.objects.filter(action=factors.REFUSED, actor=person).count() >= factors.GUESSES


def test_key_of_the_app_and_seed_of_the_codes_are_stored_encrypted(person: User) -> None:
    secret = give_app(person)
    RecoveryCodes.activate(person)

    rows = {row.type: row.data for row in Authenticator.objects.filter(user=person)}
    assert secret not in str(rows)
    assert len(rows["recovery_codes"]["seed"]) > 100


def test_registering_an_app_shows_codes_once(client: Client, person: User) -> None:
    try_login(client, person.login_name)
    page = client.get(reverse("mfa_activate_totp"))
    picture = client.get(reverse("mfa_totp_qr"))
    secret = page.context["form"].secret

    response = client.post(reverse("mfa_activate_totp"), {"code": now_code(secret)})

    assert picture["Content-Type"] == "image/svg+xml"
    assert "data:" not in page.content.decode()
    assert response["Location"] == reverse("mfa_view_recovery_codes")
    first, again = client.get(response["Location"]), client.get(response["Location"])
    assert first.context["can_view_codes"]
    assert not again.context["can_view_codes"]
    assert not set(first.context["unused_codes"]) & set(again.context["unused_codes"])
    assert client.get(reverse("mfa_totp_qr")).status_code == 404


@pytest.mark.parametrize("name", ["mfa_index", "mfa_activate_totp", "mfa_add_webauthn", "mfa_list_webauthn"])
def test_pages_of_the_factors_open(client: Client, person: User, name: str) -> None:
    try_login(client, person.login_name)

    assert client.get(reverse(name)).status_code == 200


def test_role_that_needs_a_factor_reaches_nothing_before_it(
    client: Client, person: User, settings: Any
) -> None:
    settings.MFA_REQUIRED = True
    try_login(client, person.login_name)

    assert client.get(reverse("home"))["Location"] == reverse("mfa_index")
    assert client.post(reverse("token_create"), {"name": "x", "days": 1})["Location"] == reverse("mfa_index")
    assert client.get("/api/v1/me/").status_code in (401, 403)
    assert client.get(reverse("mfa_index")).status_code == 200
    secret = client.get(reverse("mfa_activate_totp")).context["form"].secret
    client.post(reverse("mfa_activate_totp"), {"code": now_code(secret)})
    assert client.get(reverse("home")).status_code == 200


def test_registering_a_factor_ends_every_other_session_and_no_token(
    client: Client, person: User, settings: Any
) -> None:
    settings.MFA_REQUIRED = True
    thief = Client()
    for each in (thief, client):
        try_login(each, person.login_name)
    _token, value = tokens.create_token(
        actor=person, name="x", scope="READ", days=1, second_factor=True, now=timezone.now()
    )
    secret = client.get(reverse("mfa_activate_totp")).context["form"].secret

    client.post(reverse("mfa_activate_totp"), {"code": now_code(secret)})

    assert is_in(client)
    assert client.get(reverse("home")).status_code == 200
    assert not is_in(thief)
    assert tokens.find_token(value, timezone.now()) is not None


def test_role_that_needs_no_factor_is_not_stopped(directory: FakeDirectory, settings: Any) -> None:
    settings.MFA_REQUIRED = True
    applicant = factories.applicant()

    assert client_of(applicant).get(reverse("profile")).status_code == 200


def test_deputy_of_a_role_that_needs_a_factor_needs_one_too(db: Any, settings: Any) -> None:
    settings.MFA_REQUIRED = True
    stand_in = factories.user(Role.USER)
    entry = factories.deputy(factories.approver(), stand_in, Role.APPROVER)
    client = client_of(stand_in)

    assert client.get(reverse("inbox"))["Location"] == reverse("mfa_index")
    assert client.get("/api/v1/me/").status_code == 403

    entry.ended_at = timezone.now()
    entry.save()
    assert client.get(reverse("inbox")).status_code == 200


def test_last_factor_of_a_role_that_needs_one_cannot_be_removed(
    client: Client, person: User, settings: Any
) -> None:
    settings.MFA_REQUIRED = True
    secret = give_app(person)
    try_login(client, person.login_name)
    answer(client, now_code(secret))

    client.post(reverse("mfa_deactivate_totp"))

    assert factors.count(person) == 1
    settings.MFA_REQUIRED = False
    client.post(reverse("mfa_deactivate_totp"))
    assert factors.count(person) == 0


def test_old_session_must_prove_the_person_again_before_factors_change(person: User) -> None:
    client = client_of(person)

    response = client.get(reverse("mfa_activate_totp"))

    assert response["Location"].startswith(reverse("account_reauthenticate"))
    wrong = client.post(response["Location"], {"password": "wrong"})
    right = client.post(response["Location"], {"password": PASSWORD})
    assert wrong.status_code == 200
    assert right["Location"] == reverse("mfa_activate_totp")
    assert client.get(right["Location"]).status_code == 200


def test_registering_and_removing_a_factor_is_recorded_and_told_to_the_owner(
    client: Client, person: User, django_capture_on_commit_callbacks: Any
) -> None:
    try_login(client, person.login_name)
    secret = client.get(reverse("mfa_activate_totp")).context["form"].secret
    with django_capture_on_commit_callbacks(execute=True):
        client.post(reverse("mfa_activate_totp"), {"code": now_code(secret)})
    client.post(reverse("mfa_deactivate_totp"))

    actions = TrailEntry.objects.filter(actor=person, action__startswith="factor.").values_list(
        "action", flat=True
    )
    assert {"factor.add", "factor.remove", "factor.codes"} >= set(actions) >= {"factor.add", "factor.remove"}
    notices = Notice.system.filter(template="factor_changed", to_user=person).order_by("pk")
    told = [messages.build(notice, now=timezone.now()).get_content() for notice in notices]
    assert ["登録されました" in told[0], "削除されました" in told[-1]] == [True, True]
    assert len(told) == len(actions)


def test_security_key_page_needs_no_inline_script(client: Client, person: User) -> None:
    try_login(client, person.login_name)

    page = client.get(reverse("mfa_add_webauthn")).content.decode()

    scripts = [part.partition(">")[0] for part in page.split("<script")[1:]]
    assert all(" src=" in script or 'type="application/json"' in script for script in scripts)
    assert "creation_options" in page
    assert "js/webauthn.js" in page


def test_nonsense_of_a_security_key_is_refused(client: Client, person: User) -> None:
    try_login(client, person.login_name)

    for credential in ("", "x", "{}", "[]", '{"id": 1}', "null", '{"response": {}}', "[" * 100_000):
        response = client.post(reverse("mfa_add_webauthn"), {"name": "key", "credential": credential})
        assert response.status_code == 200, credential[:20]
    assert factors.count(person) == 0


def test_nonsense_instead_of_a_security_key_does_not_log_in_and_counts_as_a_guess(
    client: Client, person: User
) -> None:
    give_app(person)
    try_login(client, person.login_name)

    for credential in ("", "{}", '{"id": 1}', "null", '{"response": {}}', "[" * 100_000):
        response = client.post(reverse("mfa_authenticate"), {"credential": credential})
        assert response.status_code == 200, credential[:20]
    assert not is_in(client)
    assert TrailEntry.objects.filter(action=factors.REFUSED, actor=person).exists()


def test_operator_without_membership_needs_nothing(db: Any, settings: Any) -> None:
    settings.MFA_REQUIRED = True

    assert not factors.is_required(factories.user())
    assert factors.is_required(factories.user(Role.OPERATOR, code="operations"))


def test_with_account_helper_gives_a_working_login(directory: FakeDirectory, client: Client) -> None:
    user = with_account(directory, factories.operator(login_name="unyo-0001"), code="operations")

    try_login(client, user.login_name)

    assert is_in(client)
