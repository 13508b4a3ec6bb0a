"""Personal tokens of the REST interface: shown once, hashed, ending, and no way around the second factor."""

from __future__ import annotations

import contextlib
import datetime as dt
from importlib import import_module
from typing import Any

import pytest
from django.test import Client, RequestFactory
from django.urls import reverse
from django.utils import timezone
from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request

from portal import api_urls
from portal.notices import messages
from portal.notices.models import Notice
from portal.orgs import errors, tokens
from portal.orgs.authentication import TokenAuthentication
from portal.orgs.models import ApiToken, TokenScope, User
from portal.orgs.permissions import Role
from tests import factories
from tests.orgs.conftest import PASSWORD
from tests.orgs.test_second_factor import give_app
from tests.roles import client_of

pytestmark = pytest.mark.django_db
ME = "/api/v1/me/"


def ask(value: str, scheme: str = "Token") -> int:
    return Client().get(ME, headers={"authorization": f"{scheme} {value}"}).status_code


def make(
    user: User, days: int = 30, second_factor: bool = True, scope: str = TokenScope.EVERYTHING
) -> tuple[ApiToken, str]:
    return tokens.create_token(
        actor=user, name="月次一覧", scope=scope, days=days, second_factor=second_factor, now=timezone.now()
    )


def covered(value: str, method: str) -> set[str]:
    """The endpoints that this token reaches with this method."""
    asked = RequestFactory().generic(method, "/", headers={"authorization": f"Token {value}"})
    found = set()
    for pattern in api_urls.urlpatterns:
        request = Request(asked, parser_context={"view": pattern.callback.view_class()})  # type: ignore[attr-defined]
        with contextlib.suppress(PermissionDenied):
            TokenAuthentication().authenticate(request)
            found.add(str(pattern.name))
    return found


def test_token_is_shown_once_and_stored_as_a_digest() -> None:
    user = factories.applicant()
    client = client_of(user)

    page = client.post(
        reverse("token_create"), {"name": "月次一覧", "days": 30, "scope": TokenScope.EVERYTHING}
    )

    value = page.context["value"]
    assert ask(value) == 200
    assert value not in str(list(ApiToken.objects.values()))
    assert value not in client.get(reverse("token_list")).content.decode()
    assert page["Cache-Control"].find("no-store") >= 0


def test_token_needs_a_fresh_proof_of_the_person_keeps_what_was_typed_and_is_told_by_mail(
    person: User,
) -> None:
    client, typed = client_of(person), {"name": "月次一覧", "days": 365, "scope": TokenScope.EVERYTHING}

    assert client.post(reverse("token_create"), {**typed, "days": 366}).status_code == 422
    asked = client.post(reverse("token_create"), typed)

    assert asked["Location"].startswith(reverse("account_reauthenticate"))
    client.post(asked["Location"], {"password": "wrong"})
    assert not ApiToken.objects.exists()
    page = client.post(asked["Location"], {"password": PASSWORD})
    token = ApiToken.objects.get()
    assert (token.name, token.scope, page.context["token"]) == ("月次一覧", TokenScope.EVERYTHING, token)
    assert ask(page.context["value"]) == 200
    assert page["Cache-Control"].find("no-store") >= 0
    assert client.get(reverse("token_create"))["Location"] == reverse("token_list")
    notice = Notice.system.get(template="token_created")
    text = messages.build(notice, now=timezone.now()).get_content()
    assert (notice.to_user, notice.url) == (person, reverse("token_list"))
    assert "ご本人ができることすべて" in text
    assert page.context["value"] not in text


def test_token_opens_nothing_after_its_end_or_revocation() -> None:
    user = factories.applicant()
    (ended, value), (_other, other_value) = make(user), make(user)
    client_of(user).post(reverse("token_revoke", kwargs={"pk": ended.pk}))
    ApiToken.objects.filter(digest=tokens.digest_of(other_value)).update(expires_at=timezone.now())

    assert ask(value) == 401
    assert ask(other_value) == 401


@pytest.mark.parametrize("value", ["", "kp_", "x" * 5000, "a b", "\u00e9", "kp_" + "A" * 43])
def test_wrong_token_is_refused(value: str) -> None:
    assert ask(value.encode().decode("latin-1")) == 401


def test_token_of_a_deactivated_person_is_dead() -> None:
    user = factories.applicant()
    _token, value = make(user)
    User.objects.filter(pk=user.pk).update(is_active=False)

    assert ask(value) == 401


def test_nobody_revokes_the_token_of_somebody_else() -> None:
    token, value = make(factories.applicant())

    response = client_of(factories.applicant()).post(reverse("token_revoke", kwargs={"pk": token.pk}))

    assert response.status_code == 404
    assert ask(value) == 200


def test_who_needs_a_second_factor_makes_no_token_without_and_keeps_none(settings: Any) -> None:
    settings.MFA_REQUIRED = True
    user = factories.approver()

    with pytest.raises(errors.NotAllowed):
        make(user, second_factor=False)
    _token, value = make(user, second_factor=True)
    assert ask(value) == 401
    give_app(user)
    assert ask(value) == 200


def test_token_made_with_a_password_alone_is_dead_once_the_role_needs_more(settings: Any) -> None:
    settings.MFA_REQUIRED = True
    user = factories.applicant()
    (_weak, weak), (_strong, strong) = make(user, second_factor=False), make(user, second_factor=True)
    assert ask(weak) == 200

    factories.membership(user, Role.APPROVER)
    give_app(user)

    assert ask(weak) == 401
    assert ask(strong) == 200


@pytest.mark.parametrize("days", ["0", "366", "x", ""])
def test_token_ends_within_a_year(days: str) -> None:
    response = client_of(factories.applicant()).post(
        reverse("token_create"), {"name": "x", "days": days, "scope": TokenScope.READ}
    )

    assert response.status_code == 422
    assert not ApiToken.objects.exists()


def test_number_of_tokens_is_limited() -> None:
    user = factories.applicant()
    for _n in range(tokens.PER_PERSON):
        make(user)

    with pytest.raises(errors.Refused):
        make(user)


def test_last_use_is_written_at_most_once_a_minute() -> None:
    token, _value = factories.token(factories.applicant())
    now = timezone.now()

    tokens.note_use(token, now)
    token.refresh_from_db()
    tokens.note_use(token, now + dt.timedelta(seconds=59))
    token.refresh_from_db()
    assert token.last_used_at == now
    tokens.note_use(token, now + dt.timedelta(seconds=60))
    token.refresh_from_db()
    assert token.last_used_at == now + dt.timedelta(seconds=60)


def test_session_needs_its_csrf_token_to_change_something() -> None:
    client = client_of(factories.user(Role.APPLICANT), enforce_csrf_checks=True)

    response = client.post("/api/v1/applications/", data={}, content_type="application/json")

    assert response.status_code == 403
    assert client.get(ME).status_code == 200


WRITING = ("POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "post")


def test_token_that_reads_changes_nothing_at_any_endpoint() -> None:
    _token, value = make(factories.operator(), scope=TokenScope.READ)

    assert covered(value, "GET") == {str(pattern.name) for pattern in api_urls.urlpatterns}
    assert not any(covered(value, method) for method in WRITING)


def test_token_of_a_guard_pulls_the_whitelist_and_reaches_nothing_else() -> None:
    _token, value = make(factories.operator(), scope=TokenScope.WHITELIST)

    assert covered(value, "GET") == {"api_whitelist", "api_whitelist_check"}
    assert not any(covered(value, method) for method in WRITING)
    assert ask(value) == 403  # through the whole interface
    answer = Client().get(reverse("api_whitelist"), headers={"authorization": f"Token {value}"})
    assert answer.status_code == 200


def test_scope_that_nobody_knows_covers_nothing() -> None:
    _token, value = factories.token(factories.applicant(), scope="OTHER")

    assert not covered(value, "GET")


def test_token_is_made_with_a_scope_and_the_page_offers_one_that_changes_nothing() -> None:
    client = client_of(factories.applicant())

    refused = client.post(reverse("token_create"), {"name": "x", "days": 1})
    offered = client.get(reverse("token_list")).context["form"]["scope"].value()

    assert (refused.status_code, offered) == (422, TokenScope.READ)
    assert not ApiToken.objects.exists()


def test_tokens_from_before_scopes_keep_what_they_could_do() -> None:
    first, then = import_module("portal.orgs.migrations.0007_token_scope").Migration.operations

    assert (first.field.default, then.field.default) == (TokenScope.EVERYTHING, TokenScope.READ)
