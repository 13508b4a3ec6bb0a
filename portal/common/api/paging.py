"""Cursor paging and strict filters of lists."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiParameter, inline_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.utils.urls import replace_query_param

from portal.common.api.problems import FieldProblem, Problem
from portal.common.pagination import Page, is_cursor, paginate
from portal.common.time import parse_date

DEFAULT_SIZE = 50
MAX_SIZE = 200
PAGE_QUERY = frozenset({"cursor", "limit"})

PAGE_PARAMETERS = [
    OpenApiParameter("cursor", str, description="From “next” or “previous” of a page"),
    OpenApiParameter(
        "limit", int, description=f"Rows per page, 1 to {MAX_SIZE}; {DEFAULT_SIZE} if not given"
    ),
]


def page_of(serializer: type[serializers.Serializer]) -> Any:
    """The envelope of a list of `serializer`, for the schema."""
    name = serializer.__name__.removesuffix("Serializer")
    return inline_serializer(
        f"{name}Page",
        {
            "results": serializer(many=True),
            "next": serializers.CharField(allow_null=True, help_text="Address of the next page"),
            "previous": serializers.CharField(allow_null=True, help_text="Address of the page before"),
        },
    )


def page(request: Request, queryset: Any) -> Page[Any]:
    """The page of `queryset` that `cursor` and `limit` ask for; a wrong value is a 400 problem."""
    cursor = request.query_params.get("cursor")
    if cursor is not None and not is_cursor(cursor):
        raise wrong_parameter("cursor", _("Use the value out of “next” or “previous” unchanged."))
    return paginate(queryset, cursor, _size(request.query_params.get("limit")))


def envelope(request: Request, found: Page[Any], rows: Iterable[Any]) -> dict[str, Any]:
    """The answer of a list: `rows` are the page's rows as JSON values."""
    return {
        "results": list(rows),
        "next": _link(request, found.next_cursor),
        "previous": _link(request, found.previous_cursor),
    }


def paged(request: Request, queryset: Any, serializer: Callable[..., Any]) -> dict[str, Any]:
    """One page of a list, ready to be sent."""
    found = page(request, queryset)
    return envelope(request, found, serializer(found.rows, many=True, context={"request": request}).data)


def choice(request: Request, name: str, allowed: Iterable[str]) -> str:
    """The value of a parameter that has a fixed set of values, "" when it is absent; a 400 problem for another value."""
    value = request.query_params.get(name, "")
    if value and value not in set(allowed):
        raise wrong_parameter(name, _("There is no such value."))
    return value


def day(request: Request, name: str) -> str:
    """The value of a parameter that is a day, as YYYY-MM-DD, "" when it is absent; a 400 problem for what is none."""
    value = request.query_params.get(name, "")
    found = parse_date(value)
    if value and found is None:
        raise wrong_parameter(name, _("Give a day as YYYY-MM-DD."))
    return found.isoformat() if found else ""


def wrong_parameter(name: str, message: str) -> Problem:
    """400, naming the parameter."""
    return Problem(
        400,
        "wrong-parameter",
        _("Remove or correct the parameters under “errors”."),
        errors=[FieldProblem(name, message)],
    )


def _size(value: str | None) -> int:
    if value is None:
        return DEFAULT_SIZE
    if not (value.isascii() and value.isdigit() and len(value) <= 4 and 1 <= int(value) <= MAX_SIZE):
        raise wrong_parameter("limit", _("Give a number from 1 to %(maximum)d.") % {"maximum": MAX_SIZE})
    return int(value)


def _link(request: Request, cursor: str | None) -> str | None:
    if cursor is None:
        return None
    return replace_query_param(request.build_absolute_uri(), "cursor", cursor)
