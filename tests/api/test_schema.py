"""GET schema/: complete, valid and without a warning of the generator."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

import pytest
from django.urls import URLPattern
from drf_spectacular.drainage import GENERATOR_STATS, reset_generator_stats
from drf_spectacular.validation import validate_schema

from portal.api_urls import urlpatterns
from portal.workflow import kinds
from portal.workflow.api.schema import KindsSchemaGenerator
from tests import factories
from tests.api.client import Api

pytestmark = pytest.mark.django_db


@cache
def _made_once() -> dict[str, Any]:
    return KindsSchemaGenerator().get_schema(public=True)


@pytest.fixture
def described() -> dict[str, Any]:
    """The description, made for the first test that reads it; no test changes it."""
    return _made_once()


def test_every_route_is_described(described: dict[str, Any]) -> None:
    def address(pattern: URLPattern) -> str:
        return "/api/v1/" + re.sub(r"<\w+:(\w+)>", r"{\1}", str(pattern.pattern))

    routes = {address(pattern) for pattern in urlpatterns if pattern.name != "api_unknown"}

    assert set(described["paths"]) == routes


def test_it_is_valid_and_the_generator_has_nothing_to_warn_of() -> None:
    reset_generator_stats()

    described = KindsSchemaGenerator().get_schema(public=True)

    assert not GENERATOR_STATS._warn_cache
    assert not GENERATOR_STATS._error_cache
    validate_schema(described)


def test_every_operation_says_what_an_error_looks_like(described: dict[str, Any]) -> None:
    for path in described["paths"].values():
        for operation in path.values():
            assert set(operation["responses"]["default"]["content"]) == {"application/problem+json"}
            assert operation["operationId"]


# What only adds something to a thing needs no version of it.
ADDS = ("/messages/", "/confirm/")


def _names_version(described: dict[str, Any], operation: dict[str, Any]) -> bool:
    """Whether the body has a required `version`."""
    content = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
    name = content.get("schema", {}).get("$ref", "").rsplit("/")[-1]
    return "version" in described["components"]["schemas"].get(name, {}).get("required", ())


def test_steps_and_changes_say_that_they_need_the_version(described: dict[str, Any]) -> None:
    for address, path in described["paths"].items():
        for method, operation in path.items():
            names = {
                parameter["name"]
                for parameter in operation.get("parameters", ())
                if parameter["in"] == "header"
            }
            numbered = method == "post" and "{number}" in address and not address.endswith(ADDS)
            by_body = numbered and _names_version(described, operation)
            assert ("If-Match" in names) == (method == "patch" or (numbered and not by_body)), address
            assert ("Idempotency-Key" in names) == (method == "post")


def test_lines_are_described_by_the_payloads_of_the_kinds(described: dict[str, Any]) -> None:
    lines = described["components"]["schemas"]["NewApplication"]["properties"]["lines"]

    assert len(lines["items"]["anyOf"]) == len(kinds.all_kinds())


def test_it_is_served_to_people_who_are_logged_in() -> None:
    api = Api(factories.user())

    assert api.get("schema/", Accept="application/json")["openapi"] == "3.1.0"
