"""Problem responses (RFC 9457): one shape for every error of the REST interface.

{"type", "title", "status", "detail", "code", "error_number", "errors": [{"path": "lines/0/login_name", "message": "…"}]}.
`code` is stable and meant for programs, everything else is meant for people and translated.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import PermissionDenied, RequestDataTooBig
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.utils.translation import gettext as _
from rest_framework import exceptions, status
from rest_framework.renderers import JSONRenderer
from rest_framework.response import Response

PROBLEM_TYPE = "application/problem+json"
RETRY_SECONDS = 30

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class FieldProblem:
    """What is wrong at one place of the request. `path` is "reason" or "lines/0/login_name" (0-based)."""

    path: str
    message: str


class Problem(Exception):
    """An error answer, raised anywhere below an API view.

    `code` is the stable word for programs, `detail` the translated sentence that says what to do.
    """

    def __init__(
        self,
        status_code: int,
        code: str,
        detail: str,
        *,
        errors: Iterable[FieldProblem] = (),
        headers: Mapping[str, str] | None = None,
        extra: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(code)
        self.status_code, self.code, self.detail = status_code, code, detail
        self.errors = tuple(errors)
        self.headers = dict(headers or {})
        self.extra = dict(extra or {})


def not_found() -> Problem:
    """404: it does not exist, or belongs to a federation that this person does not see (ORG-02): no difference."""
    return Problem(
        status.HTTP_404_NOT_FOUND, "not-found", _("There is nothing at this address that you may see.")
    )


def not_allowed(reason: str = "") -> Problem:
    """403: the person sees the thing and may not do this."""
    return Problem(status.HTTP_403_FORBIDDEN, "not-allowed", reason or _("Your role does not allow this."))


def invalid(errors: Iterable[FieldProblem], status_code: int = status.HTTP_400_BAD_REQUEST) -> Problem:
    """The request cannot be understood (400) or not be carried out (422) as it stands; `errors` says where."""
    return Problem(
        status_code,
        "invalid-content",
        _("Correct what is named under “errors” and send it again."),
        errors=errors,
    )


def problem_response(exc: Exception, context: Mapping[str, Any]) -> Response:
    """DRF's exception handler: whatever went wrong becomes a problem response, a bug included (500, logged)."""
    request = context.get("request")
    problem = as_problem(exc)
    if problem is None:
        # The message of an unknown exception may hold anything, so only its place goes into the answer: nowhere.
        logger.error("Error %s in the REST interface", _error_number(request), exc_info=exc)
        problem = _unexpected()
    return render(problem, request)


def render(problem: Problem, request: Any) -> Response:
    """The response of a problem: JSON, whatever the client would have accepted."""
    if request is not None:
        request.accepted_renderer, request.accepted_media_type = JSONRenderer(), JSONRenderer.media_type
    return Response(
        _body(problem, request),
        status=problem.status_code,
        headers=problem.headers,
        content_type=PROBLEM_TYPE,
    )


def outside_of_views(request: HttpRequest, status_code: int) -> HttpResponse:
    """The problem of a request that never reached an endpoint (400, 404), or broke on the way to one (500, 503)."""
    problem = {
        400: Problem(400, "malformed-address", _("The address holds what no address may hold.")),
        404: not_found(),
        503: _database_away(),
    }.get(status_code) or _unexpected()
    body = _body(problem, request)
    return JsonResponse(body, status=problem.status_code, headers=problem.headers, content_type=PROBLEM_TYPE)


def _body(problem: Problem, request: Any) -> dict[str, Any]:
    body: dict[str, Any] = {
        "type": f"urn:kokuho-portal:problem:{problem.code}",
        "title": _titles().get(problem.status_code, _("Error")),
        "status": problem.status_code,
        "detail": problem.detail,
        "code": problem.code,
        "error_number": _error_number(request),
        **problem.extra,
    }
    if problem.errors:
        body["errors"] = [{"path": error.path, "message": error.message} for error in problem.errors]
    return body


def _unexpected() -> Problem:
    return Problem(
        500, "error", _("Something went wrong in the portal. Quote the error number to operations.")
    )


def _database_away() -> Problem:
    return Problem(
        status.HTTP_503_SERVICE_UNAVAILABLE,
        "unavailable",
        _("The database cannot be reached. Nothing was changed; send it again later."),
        headers={"Retry-After": str(RETRY_SECONDS)},
    )


def as_problem(exc: Exception) -> Problem | None:
    """The problem that an exception means; None for one that nobody expected."""
    if isinstance(exc, Problem):
        return exc
    if isinstance(exc, Http404 | exceptions.NotFound):
        return not_found()
    if isinstance(exc, PermissionDenied):
        return not_allowed()
    if isinstance(exc, exceptions.APIException):
        return _of_framework(exc)
    if isinstance(exc, RequestDataTooBig):
        return too_large()
    if isinstance(exc, OperationalError | InterfaceError):
        return _database_away()
    return None


def too_large() -> Problem:
    """413."""
    return Problem(413, "too-large", _("The request is larger than the portal accepts."))


def flatten(detail: Any, path: Sequence[str] = ()) -> Iterator[FieldProblem]:
    """DRF's nested validation errors as one list of paths and messages."""
    if isinstance(detail, Mapping):
        for key, value in detail.items():
            yield from flatten(value, path if key == "non_field_errors" else (*path, str(key)))
    elif isinstance(detail, list | tuple):
        for position, value in enumerate(detail):
            nested = isinstance(value, Mapping | list | tuple)
            yield from flatten(value, (*path, str(position)) if nested else path)
    else:
        yield FieldProblem("/".join(path), str(detail))


def _of_framework(exc: exceptions.APIException) -> Problem:
    headers: dict[str, str] = {}
    if isinstance(exc, exceptions.ValidationError):
        return invalid(flatten(exc.detail))
    if isinstance(exc, exceptions.ParseError):
        return Problem(400, "malformed-json", _("The body is not valid JSON."))
    if isinstance(exc, exceptions.NotAuthenticated | exceptions.AuthenticationFailed):
        if challenge := getattr(exc, "auth_header", None):
            headers["WWW-Authenticate"] = challenge
        return Problem(
            exc.status_code,
            "not-authenticated",
            _("Log in, or send a valid personal token."),
            headers=headers,
        )
    if isinstance(exc, exceptions.Throttled):
        headers["Retry-After"] = str(int(getattr(exc, "wait", None) or RETRY_SECONDS))
        return Problem(429, "too-many-requests", _("Too many requests. Wait and try again."), headers=headers)
    code, detail = {
        405: ("method-not-allowed", _("This address does not accept that method.")),
        406: ("not-acceptable", _("The portal answers in JSON only.")),
        415: ("unsupported-media-type", _("Send the body as application/json.")),
    }.get(exc.status_code, ("not-allowed", str(exc.detail)))
    return Problem(exc.status_code, code, detail)


def _titles() -> dict[int, str]:
    return {
        400: _("The request is not valid"),
        401: _("Not logged in"),
        403: _("Not allowed"),
        404: _("Not found"),
        405: _("Method not allowed"),
        406: _("Not acceptable"),
        409: _("Not possible any more"),
        412: _("Changed in the meantime"),
        413: _("Too large"),
        415: _("Unsupported media type"),
        422: _("Cannot be carried out"),
        428: _("If-Match is missing"),
        429: _("Too many requests"),
        500: _("Error in the portal"),
        503: _("Temporarily not available"),
    }


def _error_number(request: Any) -> str:
    return getattr(request, "error_number", "")
