"""Wrong, huge and hostile input at every address: a clear answer, never a 500 (hole classes 7, 14 and 17)."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

import pytest
from django.core.handlers import wsgi
from django.http import QueryDict
from django.test import Client, RequestFactory
from django.urls import Resolver404, resolve, reverse

from portal.common.api.problems import PROBLEM_TYPE
from tests.matrix.access import EVERYONE_IN, HIDDEN, REFUSED, Access, Policy
from tests.matrix.policies import POLICIES
from tests.matrix.routes import Route, every_route
from tests.matrix.test_matrix import send
from tests.matrix.world import World

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("asked_again_and_again")]

ROUTES = every_route()
# Whatever text may break: a page that shows it, a translation that formats it, a statement that quotes it.
SCRIPT = "\"'><script>%(x)s{{7}}' --../"
# NUL comes in bodies only: in an address it is refused before any view (NoNulMiddleware, asked below).
VALUES = [
    "",
    "-1",
    "99999999999999999999",
    "0" * 5000,
    SCRIPT,
    "2026-99-99",
    "\ud800".encode("utf-8", "surrogatepass").decode("latin-1") + "😀" * 300,
]
# Read by the pager of all lists in REST, which is asked with every value at one of them.
OF_EVERY_LIST = {"limit", "cursor"}
OF_A_CURSOR = "a9999999999999999999"
NUL = "a\x00b"
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
    "version",
    "lang",
    "login_name",
    "account_guid",
    "number",
]
PEOPLE = ("13:APPLICANT", "operations:OPERATOR", "13:APPROVER", "anonymous")


class WatchedQuery(QueryDict):
    """A query string that knows which parameters somebody asked it for; one that was read as a whole says "*"."""

    asked: ClassVar[set[str]] = set()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        before = set(WatchedQuery.asked)
        super().__init__(*args, **kwargs)
        WatchedQuery.asked.intersection_update(before)  # whoever fills it asks for nothing

    def __getattribute__(self, name: str) -> Any:
        if name in ("items", "lists", "values", "dict", "copy", "urlencode", "keys"):
            WatchedQuery.asked.add("*")
        return super().__getattribute__(name)

    def __getitem__(self, key: str) -> Any:
        WatchedQuery.asked.add(key)
        return super().__getitem__(key)

    def getlist(self, key: str, default: Any = None) -> Any:
        WatchedQuery.asked.add(key)
        return super().getlist(key, default)

    def __contains__(self, key: object) -> bool:
        WatchedQuery.asked.add(str(key))
        return super().__contains__(key)

    def __iter__(self) -> Iterator[str]:
        WatchedQuery.asked.add("*")
        return super().__iter__()


@dataclass
class Asking:
    """One who sends query strings to one address; none of them may break it."""

    browser: Client
    address: str

    def get(self, query: dict[str, str] | str) -> Any:
        """The answer to parameters, or to a query string as it stands."""
        where, data = (f"{self.address}?{query}", None) if isinstance(query, str) else (self.address, query)
        response = send(self.browser, "GET", where, data=data)
        _is_no_error(response, f"GET {self.address} with {str(query)[:200]}")
        return response

    def get_with(self, value: str, names: set[str], others: set[str]) -> None:
        """`value` in all parameters together; `others` are those that the address only hands on.

        Where that is refused, one of them may have kept the others from being read: they come again without those that
        the answer names, and each alone where it names none.
        """
        response = self.get(dict.fromkeys(names | others, value))
        if response.status_code < 400:
            return
        refused = _named_errors(response) & names
        if not refused:
            for name in names:
                self.get({name: value})
        elif refused < names:
            self.get_with(value, names - refused, others)


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.name)
def test_no_query_string_breaks_an_address(
    route: Route, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Hostile values come in the parameters that the address asks for."""
    asking = Asking(_browser(route, "get", world), _address(route, world))
    monkeypatch.setattr(wsgi, "QueryDict", WatchedQuery)
    monkeypatch.setattr(WatchedQuery, "asked", set())

    first = asking.get(dict.fromkeys(PARAMETERS, SCRIPT))
    if not WatchedQuery.asked:
        return  # most pages have no parameters, and nothing that comes in one could break them
    whole = "*" in WatchedQuery.asked
    if whole:  # every parameter was looked at, also those that say nothing there: what it asks for by name is told now
        WatchedQuery.asked.clear()
    asking.get({})  # what SCRIPT kept from being read is asked for here
    names, others = WatchedQuery.asked - {"*"}, set(PARAMETERS) if whole else set()
    if route.is_api:
        asking.get({"format": SCRIPT})  # Django REST's, which refuses it before anything else is read
        names, others = names - {"format"} - OF_EVERY_LIST, set()
    values = [*VALUES, OF_A_CURSOR] if "cursor" in names else VALUES
    for value in values if names | others else ():
        if value == SCRIPT and first.status_code < 400 and names <= set(PARAMETERS):
            continue  # that was the first question
        asking.get_with(value, names, others)
    asking.get("q=%00")
    strange = ("%ff=%fe", "a" * 9000, "&" * 500, "q=%uD800", "cursor[]=1&cursor=b", ";;==")
    response = asking.get("&".join(strange))
    if response.status_code >= 400 and not _named_errors(response):
        for query in strange:
            asking.get(query)


def test_no_value_breaks_the_pager_of_rest(world: World) -> None:
    asking = Asking(world.browsers["13:APPLICANT"], reverse("api_applications"))

    for value in (*VALUES, OF_A_CURSOR):
        for name in OF_EVERY_LIST:
            asking.get({name: value})


@pytest.mark.parametrize(
    "route", [route for route in ROUTES if not route.is_api], ids=lambda route: route.name
)
def test_no_form_breaks_a_page(route: Route, world: World) -> None:
    address, browser = _address(route, world), _browser(route, "post", world)
    if POLICIES[route.name].post is None:  # as the matrix proves: refused before any body is read
        response = send(browser, "POST", address, data=dict.fromkeys(PARAMETERS, SCRIPT))
        _is_no_error(response, f"POST {address}")
        return
    names = (_form_fields(browser, address) | set(POLICIES[route.name].data(world))) - {"csrfmiddlewaretoken"}

    for value in (*VALUES, NUL):
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
    browser, nowhere = world.browsers["operations:OPERATOR"], set()

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
            if not _has_view(address):  # one answer for all of these: once in the pages, once in REST
                if (value, route.is_api) in nowhere:
                    continue
                nowhere.add((value, route.is_api))
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


def _has_view(address: str) -> bool:
    try:
        resolve(RequestFactory().get(address).path_info)
    except Resolver404:
        return False
    return True


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
        values: list[Any] = [None, [], {}, True, 1e308, -1, 10**400, "x" * 70_000, *VALUES[1:], NUL]
        for value in values:
            yield json.dumps({**fields, name: value})


def _named_errors(response: Any) -> set[str]:
    """The parameters that an answer of the REST interface calls wrong."""
    if response.get("Content-Type") != PROBLEM_TYPE:
        return set()
    return {error["path"] for error in response.json().get("errors", ())}


def _is_no_error(response: Any, what: str) -> None:
    assert response.status_code < 500, f"{what}: {response.status_code}"
    if response.get("Content-Type", "").startswith("text/html"):
        assert SCRIPT not in response.text_read, f"{what}: shown without escaping"
