"""Every error of the interface is a problem response (RFC 9457) and never a web page."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import OperationalError
from django.test import Client

from portal.common.api import parsing, throttling
from portal.common.cache import ForgivingRedisCache
from portal.orgs import api as orgs_api
from tests import factories
from tests.api.client import Api

pytestmark = pytest.mark.django_db


def paths(problem: dict[str, Any]) -> set[str]:
    return {error["path"] for error in problem["errors"]}


def test_every_problem_carries_a_code_for_programs_and_a_number_for_people() -> None:
    problem = Api(factories.applicant()).get("nothing/here/", check=404)

    assert problem["code"] == "not-found"
    assert problem["type"] == "urn:kokuho-portal:problem:not-found"
    assert len(problem["error_number"]) == 9


def test_anonymous_gets_401_at_every_address_also_at_unknown_ones() -> None:
    anonymous = Api(None)

    for path in ("me/", "kinds/", "schema/", "no/such/thing", "applications/A-2026-000001/"):
        assert anonymous.get(path, check=401)["code"] == "not-authenticated"


def test_wrong_method_is_405_and_options_tell_nothing() -> None:
    api = Api(factories.applicant())

    api.post("me/", {}, check=405)
    assert api.browser.options("/api/v1/me/").status_code == 405
    assert api.browser.delete("/api/v1/kinds/").status_code == 405


@pytest.mark.parametrize(
    "body",
    [
        "{",
        "[1,",
        '{"a": NaN}',
        '{"a": 1, "a": 2}',
        "[" * 5000,
        "nul",
        "\udc80".encode("utf-8", "surrogatepass"),
    ],
)
def test_what_is_not_json_is_400(body: str | bytes) -> None:
    problem = Api(factories.applicant()).post("applications/", body, check=400)

    assert problem["code"] == "malformed-json"


@pytest.mark.parametrize("text", ["a\\u0000b", "\\ud800"])
def test_characters_that_no_database_holds_are_named_with_their_path(text: str) -> None:
    body = f'{{"kind": "accounts.register", "lines": [{{"login_name": "{text}"}}]}}'

    problem = Api(factories.applicant()).post("applications/", body, check=400)

    assert paths(problem) == {"lines/0/login_name"}


def test_deep_nesting_is_refused() -> None:
    body = '{"lines": ' + "[" * 50 + "]" * 50 + "}"

    assert Api(factories.applicant()).post("applications/", body, check=400)["code"] == "invalid-content"


def test_another_media_type_is_415() -> None:
    api = Api(factories.applicant())

    response = api.browser.post("/api/v1/applications/", {"kind": "x"})

    assert response.status_code == 415
    assert response.json()["code"] == "unsupported-media-type"


def test_a_body_over_the_limit_is_413_whatever_its_length_header_says() -> None:
    api = Api(factories.applicant())
    body = '{"reason": "' + "x" * parsing.MAX_BODY_BYTES + '"}'

    assert api.post("applications/", body, check=413)["code"] == "too-large"
    response = api.browser.generic(
        "POST", "/api/v1/applications/", "{}", content_type="application/json", CONTENT_LENGTH="many"
    )
    assert response.status_code == 413


def test_an_unknown_or_doubled_parameter_is_named() -> None:
    api = Api(factories.applicant())

    assert paths(api.get("applications/?colour=red", check=400)) == {"colour"}
    assert paths(api.get("applications/?q=a&q=b", check=400)) == {"q"}
    assert api.get("applications/?q=a%00", check=400)["code"] == "malformed-address"
    assert paths(api.get("me/?full=1", check=400)) == {"full"}


def test_what_breaks_on_the_way_to_an_endpoint_is_a_problem_too(monkeypatch: pytest.MonkeyPatch) -> None:
    def down(self: Any, user_id: Any) -> Any:
        raise OperationalError("connection refused")

    api = Api(factories.applicant())
    api.browser.raise_request_exception = False
    monkeypatch.setattr("portal.orgs.backends.DirectoryBackend.get_user", down)

    assert api.get("me/", check=503)["code"] == "unavailable"
    assert api.last["Retry-After"] == "30"


def test_a_bug_is_500_with_a_number_and_without_its_message(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(user: Any) -> Any:
        raise RuntimeError("password=himitsu")

    monkeypatch.setattr(orgs_api, "visible_organisations", broken)
    problem = Api(factories.applicant()).get("organisations/", check=500)

    assert problem["error_number"]
    assert "himitsu" not in str(problem)


def test_a_database_out_of_reach_is_503_with_a_time_to_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    def down(user: Any) -> Any:
        raise OperationalError("connection refused")

    monkeypatch.setattr(orgs_api, "visible_organisations", down)
    api = Api(factories.applicant())

    assert api.get("organisations/", check=503)["code"] == "unavailable"
    assert api.last["Retry-After"] == "30"


def test_too_many_requests_are_429_with_a_time_to_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(throttling.PersonThrottle, "a_minute", {"read": 2, "write": 1})
    api = Api(factories.applicant())

    api.get("me/")
    api.get("me/")
    api.get("me/", check=429)

    assert 0 < int(api.last["Retry-After"]) <= 60
    Api(factories.applicant()).get("me/")  # another person is not held back


def test_without_the_cache_nobody_is_held_back(monkeypatch: pytest.MonkeyPatch) -> None:
    dead = ForgivingRedisCache("redis://127.0.0.1:1/1", {"OPTIONS": {"socket_connect_timeout": 1}})
    monkeypatch.setattr(throttling, "cache", dead)

    Api(factories.applicant()).get("me/")


def test_a_change_by_session_needs_the_csrf_token() -> None:
    person = factories.applicant()
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(person, backend="portal.orgs.backends.DirectoryBackend")

    response = browser.post("/api/v1/applications/", "{}", content_type="application/json")

    assert response.status_code == 403


def test_no_answer_is_kept_by_a_cache() -> None:
    api = Api(factories.applicant())

    api.get("me/")

    assert api.last["Cache-Control"] == "no-store"
