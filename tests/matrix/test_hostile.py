"""Wrong, huge and hostile input at every address: a clear answer, never a 500 (hole classes 7, 14 and 17)."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.handlers import wsgi
from django.http import QueryDict
from django.test import Client
from django.urls import reverse

from tests.matrix.access import EVERYONE_IN, HIDDEN, REFUSED, Access, Policy
from tests.matrix.policies import POLICIES
from tests.matrix.routes import Route, every_route
from tests.matrix.test_matrix import send
from tests.matrix.world import World

pytestmark = pytest.mark.django_db

ROUTES = every_route()
SCRIPT = "\"'><script>alert(1)</script>"
VALUES = [
    "",
    "a\x00b",
    "-1",
    "99999999999999999999",
    "a9999999999999999999",
    "0" * 5000,
    "\ud800".encode("utf-8", "surrogatepass").decode("latin-1"),
    "{{ 7*7 }}%(x)s",
    "' OR 1=1 --",
    SCRIPT,
    "../../etc/passwd",
    "2026-99-99",
    "😀" * 300,
]
PARAMETERS = [
    "cursor",
    "q",
    "status",
    "kind",
    "organisation",
    "due",
    "mine",
    "tab",
    "page",
    "limit",
    "action",
    "person",
    "period",
    "state",
    "target",
    "since",
    "until",
    "from",
    "to",
    "next",
    "name",
    "text",
    "format",
    "version",
    "lang",
    "login_name",
    "account_guid",
    "number",
]
PEOPLE = ("13:APPLICANT", "operations:OPERATOR", "13:APPROVER", "anonymous")


class WatchedQuery(QueryDict):
    """A query string that knows whether anybody looked into it."""

    read = False

    def __getattribute__(self, name: str) -> Any:
        if not name.startswith("_") and name not in ("appendlist", "encoding", "read"):
            WatchedQuery.read = True
        return super().__getattribute__(name)

    def __getitem__(self, key: str) -> Any:
        WatchedQuery.read = True
        return super().__getitem__(key)

    def __contains__(self, key: object) -> bool:
        WatchedQuery.read = True
        return super().__contains__(key)

    def __iter__(self) -> Iterator[str]:
        WatchedQuery.read = True
        return super().__iter__()


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.name)
def test_no_query_string_breaks_an_address(
    route: Route, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    address, browser = _address(route, world), _browser(route, "get", world)
    monkeypatch.setattr(wsgi, "QueryDict", WatchedQuery)
    monkeypatch.setattr(WatchedQuery, "read", False)

    response = send(browser, "GET", address, data=dict.fromkeys(PARAMETERS, SCRIPT))
    _is_no_error(response, f"GET {address} with {SCRIPT!r}")
    if not WatchedQuery.read:
        return  # most pages have no parameters, and nothing that comes in one could break them
    for value in VALUES:
        response = send(browser, "GET", address, data=dict.fromkeys(PARAMETERS, value))
        _is_no_error(response, f"GET {address} with {value[:20]!r}")
    for query in ("%ff=%fe", "q=%00", "a" * 9000, "&" * 500, "q=%uD800", "cursor[]=1&cursor=b", ";;=="):
        _is_no_error(send(browser, "GET", f"{address}?{query}"), f"GET {address}?{query[:30]}")


@pytest.mark.parametrize(
    "route", [route for route in ROUTES if not route.is_api], ids=lambda route: route.name
)
def test_no_form_breaks_a_page(route: Route, world: World) -> None:
    address, browser = _address(route, world), _browser(route, "post", world)
    names = (_form_fields(browser, address) | set(POLICIES[route.name].data(world))) - {"csrfmiddlewaretoken"}

    for value in VALUES:
        response = send(browser, "POST", address, data=dict.fromkeys(names, value))
        _is_no_error(response, f"POST {address} with {value[:20]!r}")
    for body, form in ((b"\xff\xfe\x00", "x-www-form-urlencoded"), (b"--x\r\n", "form-data; boundary=x")):
        kind = f"multipart/{form}" if "boundary" in form else f"application/{form}"
        response = send(browser, "POST", address, data=body, content_type=kind)
        _is_no_error(response, f"POST {address} with a broken {form}")


@pytest.mark.parametrize("route", [route for route in ROUTES if route.is_api], ids=lambda route: route.name)
def test_no_body_breaks_an_endpoint(route: Route, world: World) -> None:
    address, policy = _address(route, world), POLICIES[route.name]
    browser, headers = _browser(route, "post", world), policy.headers(world)

    for method in ("POST", "PATCH", "PUT", "DELETE"):
        for body in _bodies(policy, world):
            response = send(
                browser, method, address, data=body, content_type="application/json", headers=headers
            )
            _is_no_error(response, f"{method} {address} with {body[:60]!r}")
            if response.status_code == 405:
                break  # refused before any body is read


@pytest.mark.parametrize("header", ["If-Match", "Idempotency-Key", "Accept", "Authorization", "Content-Type"])
def test_no_header_breaks_the_interface(header: str, world: World) -> None:
    browser = world.browsers["13:APPLICANT"]
    address = reverse("api_application_submit", kwargs={"number": world.draft.number})

    for value in [
        '"',
        '"999999999999999999999"',
        "Token \xff",
        "Token " + "x" * 5000,
        'W/"1"',
        "a" * 9000,
        "日本".encode().decode("latin-1"),  # as a server hands it on
        "*/*;q=x",
    ]:
        response = send(
            browser, "POST", address, data="{}", content_type="application/json", headers={header: value}
        )
        _is_no_error(response, f"{header}: {value[:20]!r}")


def test_no_value_in_a_path_breaks_an_address(world: World) -> None:
    browser = world.browsers["operations:OPERATOR"]

    for route in (route for route in ROUTES if "<" in route.pattern and not route.pattern.startswith("^")):
        for value in (
            "%00",
            "99999999999999999999",
            "%ff",
            "..%2f",
            "a" * 3000,
            "1%0d%0aSet-Cookie:x",
            "%E6%97%A5",
        ):
            parts = [value if part.startswith("<") else part for part in route.pattern.split("/")]
            address = "/" + "/".join(parts)
            _is_no_error(send(browser, "GET", address), f"GET {address[:80]}")


def _browser(route: Route, method: str, world: World) -> Client:
    """Of the first of PEOPLE who gets through at this address."""
    access: Access = getattr(POLICIES[route.name], method) or EVERYONE_IN
    through = (name for name in PEOPLE if access.expected(name) - {REFUSED, HIDDEN})
    return world.browsers[next(through, PEOPLE[0])]


def _address(route: Route, world: World) -> str:
    if route.name == "api_unknown":
        return "/api/v1/no/such/address/"
    return reverse(route.name, kwargs=POLICIES[route.name].kwargs(world))


def _form_fields(browser: Client, address: str) -> set[str]:
    """The names of all inputs on the page, and some that steps without a page of their own read."""
    page = send(browser, "GET", address).text_read
    others = {"action", "next", "code", "reason", "note", "comment", "version", "organisation", "remove_line"}
    return set(re.findall(r"\bname=\"([^\"]+)\"", page)) | others


def _bodies(policy: Policy, world: World) -> Iterator[str]:
    yield from (
        "",
        "null",
        "[]",
        "1",
        '"x"',
        "{",
        '{"a":' * 2000,
        '{"lines": [null, 1, [], {"x": {"y": [[[[]]]]}}]}',
    )
    fields = policy.data(world)
    for name in fields:
        values: list[Any] = [None, [], {}, True, 1e308, -1, 10**400, "x" * 70_000, *VALUES[1:]]
        for value in values:
            yield json.dumps({**fields, name: value})


def _is_no_error(response: Any, what: str) -> None:
    assert response.status_code < 500, f"{what}: {response.status_code}"
    if response.get("Content-Type", "").startswith("text/html"):
        assert SCRIPT not in response.text_read, f"{what}: shown without escaping"
