"""Every address × every role × own and other federation × GET and POST, against the declared policies (DESIGN 5, ORG-02).

Holes that portals of this kind had in real life, and that this one test keeps shut: search and lists without a scope,
related tables and counts, custom actions without a check of the object, files without a login, addresses that forget the
login, a deactivated person who still passes, screens and REST that differ.
"""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from django.db import transaction
from django.test import Client
from django.urls import reverse

from tests.matrix.access import OUTSIDERS, WRONG_METHOD, Access, Policy
from tests.matrix.policies import POLICIES
from tests.matrix.routes import Route, every_route
from tests.matrix.world import (
    ANONYMOUS,
    CANARY_LOGIN,
    CANARY_NAME,
    CANARY_RECIPIENT,
    CANARY_ZONE,
    DEACTIVATED,
    NOBODY,
    PERSONAS,
    World,
)

pytestmark = pytest.mark.django_db

ROUTES = every_route()
# What has no handler for a method refuses everybody alike: that is not asked 34 times.
_SAMPLE = frozenset(
    {"operations:OPERATOR", "13:APPLICANT", "13:APPROVER", "27:APPLICANT", NOBODY, DEACTIVATED, ANONYMOUS}
)
CANARIES = (CANARY_LOGIN, CANARY_NAME, CANARY_RECIPIENT, CANARY_ZONE)


def test_every_address_has_a_policy_and_every_policy_an_address() -> None:
    assert {route.name for route in ROUTES} == set(POLICIES)


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.name)
def test_everybody_gets_what_the_policy_says(route: Route, world: World) -> None:
    policy = POLICIES.get(route.name)
    assert policy is not None, f"{route.name} ({route.pattern}) has no policy in tests/matrix/policies"

    wrong = [problem for persona in PERSONAS for problem in _problems(route, policy, persona, world)]

    assert not wrong, "\n".join(wrong)


def _problems(route: Route, policy: Policy, persona: str, world: World) -> list[str]:
    found = []
    for method, access in (("GET", policy.get), ("POST", policy.post)):
        if access is None and persona not in _SAMPLE:
            continue
        response = _send(route, policy, method, world.browsers[persona], world)
        wanted = _expected(route, access, persona)
        here = f"{method} {route.name} as {persona}"
        if isinstance(wanted, str):
            if not (
                _asks_for_login(route, response) or (access is None and response.status_code in WRONG_METHOD)
            ):
                found.append(f"{here}: {response.status_code} instead of {wanted}")
        elif response.status_code not in wanted:
            found.append(f"{here}: {response.status_code} instead of {sorted(wanted)} {_why(response)}")
        if persona in OUTSIDERS and any(canary in _text(response) for canary in CANARIES):
            found.append(f"{here}: shows what belongs to federation 13")
    return found


def _expected(route: Route, access: Access | None, persona: str) -> Any:
    if persona not in (ANONYMOUS, DEACTIVATED):
        return access.expected(persona) if access else WRONG_METHOD
    if access is not None and access.expected(persona):
        return access.expected(persona)
    return "login or no such method" if access is None else "login"


def _asks_for_login(route: Route, response: Any) -> bool:
    if route.is_api:
        return response.status_code == 401
    return response.status_code == 302 and response["Location"].startswith(reverse("account_login"))


def _send(route: Route, policy: Policy, method: str, browser: Client, world: World) -> Any:
    if route.name == "api_unknown":
        address = "/api/v1/no/such/address/"
    else:
        address = reverse(route.name, kwargs=policy.kwargs(world))
    headers = policy.headers(world)
    if method == "GET":
        return send(browser, method, address, headers=headers)
    data = policy.data(world)
    if route.is_api:
        return send(
            browser, method, address, data=json.dumps(data), content_type="application/json", headers=headers
        )
    return send(browser, method, address, data=data, headers=headers)


def send(browser: Client, method: str, address: str, **options: Any) -> Any:
    """One request without consequences: what it writes is rolled back, the browser's cookies stay as they were."""
    cookies = copy.deepcopy(browser.cookies)
    with transaction.atomic():
        response: Any = getattr(browser, method.lower())(address, **options)
        response.text_read = _text(response)
        transaction.set_rollback(True)
    browser.cookies = cookies
    return response


def _text(response: Any) -> str:
    if hasattr(response, "text_read"):
        return str(response.text_read)
    content = b"".join(response.streaming_content) if response.streaming else response.content
    return content.decode("utf-8", "replace") + str(response.headers)


def _why(response: Any) -> str:
    return (
        _text(response)[:300].replace("\n", " ")
        if response.status_code >= 400
        else str(response.get("Location", ""))
    )
