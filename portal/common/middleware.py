"""Every request gets a number that its error page, its log lines and its trail entries share."""

from __future__ import annotations

import secrets
from collections.abc import Callable

from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponse

_ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"


def new_error_number() -> str:
    """A short number that a person can read out on the telephone."""
    return "-".join("".join(secrets.choice(_ALPHABET) for _ in range(4)) for _ in range(2))


class ErrorNumberMiddleware:
    """Sets `request.error_number`."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request.error_number = new_error_number()  # type: ignore[attr-defined]
        return self.get_response(request)


class NoNulMiddleware:
    """Refuses addresses and cookies that hold a NUL: nobody means one, and PostgreSQL cannot look for it."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if "\0" in request.path_info or "%00" in request.META.get("QUERY_STRING", ""):
            raise BadRequest("NUL in the address")
        if any("\0" in value for value in request.COOKIES.values()):
            raise BadRequest("NUL in a cookie")
        return self.get_response(request)
