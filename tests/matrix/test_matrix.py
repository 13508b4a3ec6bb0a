"""Every address × every role × own and other federation × GET and POST, against the declared policies (DESIGN 5, ORG-02).

Each role that opens a door is asked alone; the roles of an organisation that are refused alike, or get in as one gets in
without a role, are asked in one person who holds them all, which proves the same (tests.matrix.asking says why).

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

from tests.matrix.access import HIDDEN, OK, WRONG_METHOD, Access, Policy
from tests.matrix.asking import Asked, everybody
from tests.matrix.policies import POLICIES
from tests.matrix.routes import Route, every_route
from tests.matrix.world import (
    ANONYMOUS,
    CANARY_LOGIN,
    CANARY_NAME,
    CANARY_RECIPIENT,
    CANARY_ZONE,
    DEACTIVATED,
    PERSONAS,
    World,
)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("asked_again_and_again")]

ROUTES = every_route()
CANARIES = (CANARY_LOGIN, CANARY_NAME, CANARY_RECIPIENT, CANARY_ZONE)


def test_every_address_has_a_policy_and_every_policy_an_address() -> None:
    assert {route.name for route in ROUTES} == set(POLICIES)


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.name)
def test_everybody_gets_what_the_policy_says(route: Route, world: World) -> None:
    policy = POLICIES.get(route.name)
    assert policy is not None, f"{route.name} ({route.pattern}) has no policy in tests/matrix/policies"

    wrong = [
        problem
        for method, access in (("GET", policy.get), ("POST", policy.post))
        for asked in everybody(access)
        for problem in _problems(route, policy, method, asked, world)
    ]

    assert not wrong, "\n".join(wrong)


def test_no_role_is_left_out() -> None:
    for policy in POLICIES.values():
        for access in filter(None, (policy.get, policy.post)):
            asked = [
                persona
                for several in everybody(access)
                if not several.without_roles
                for persona in several.personas
            ]
            assert sorted(asked) == sorted(PERSONAS)


def test_of_several_roles_one_that_gets_in_would_open_the_door(world: World) -> None:
    route = next(route for route in ROUTES if route.name == "application_detail")
    policy = POLICIES[route.name]
    mixed = Asked(("13:USER", "13:PASSWORD_RECIPIENT", "13:APPLICANT"))

    assert _send(route, policy, "GET", Asked(mixed.personas[:2]), world).status_code == HIDDEN
    assert _send(route, policy, "GET", mixed, world).status_code == OK


def _problems(route: Route, policy: Policy, method: str, asked: Asked, world: World) -> list[str]:
    access = policy.get if method == "GET" else policy.post
    response = _send(route, policy, method, asked, world)
    wanted, found = _expected(route, access, asked.persona), []
    here = f"{method} {route.name} as {asked}"
    if isinstance(wanted, str):
        no_such_method = access is None and response.status_code in WRONG_METHOD
        if not (_asks_for_login(route, response) or no_such_method):
            found.append(f"{here}: {response.status_code} instead of {wanted}")
    elif response.status_code not in wanted:
        found.append(f"{here}: {response.status_code} instead of {sorted(wanted)} {_why(response)}")
    if asked.is_outsider and any(canary in _text(response) for canary in CANARIES):
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


def _send(route: Route, policy: Policy, method: str, asked: Asked, world: World) -> Any:
    if len(asked.personas) == 1:
        return _send_from(asked.browser(world), route, policy, method, world)
    with transaction.atomic():
        response = _send_from(asked.browser(world), route, policy, method, world)
        transaction.set_rollback(True)
    return response


def _send_from(browser: Client, route: Route, policy: Policy, method: str, world: World) -> Any:
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
