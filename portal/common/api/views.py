"""The base of every endpoint."""

from __future__ import annotations

from typing import Any, ClassVar

from django.utils.translation import gettext as _
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from portal.common.api.parsing import MAX_BODY_BYTES, StrictJSONParser, is_storable
from portal.common.api.problems import FieldProblem, Problem, not_found, too_large
from portal.common.api.schema import PortalAutoSchema
from portal.common.api.throttling import PersonThrottle


class ApiView(APIView):
    """Logged-in people only, strict JSON, declared query parameters only, answers that no cache keeps.

    `query` names the parameters that GET accepts; any other is answered with 400 and its name.
    `largest` is how many bytes a body may have. `is_for_guards` opens an endpoint to tokens that can pull the whitelist and nothing else.
    """

    permission_classes = (IsAuthenticated,)
    parser_classes = (StrictJSONParser,)
    throttle_classes = (PersonThrottle,)
    metadata_class = None
    schema = PortalAutoSchema()
    query: ClassVar[frozenset[str]] = frozenset()
    largest: ClassVar[int] = MAX_BODY_BYTES
    is_for_guards: ClassVar[bool] = False

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Refuse what no endpoint wants, after login and before the endpoint."""
        super().initial(request, *args, **kwargs)
        length = request.META.get("CONTENT_LENGTH") or "0"
        if not length.isdecimal() or int(length) > self.largest:
            raise too_large()
        problems = list(self._query_problems(request))
        if problems:
            raise Problem(
                400,
                "unknown-parameter",
                _("Remove or correct the parameters under “errors”."),
                errors=problems,
            )

    def finalize_response(self, request: Request, response: Response, *args: Any, **kwargs: Any) -> Response:
        """Personal data stays out of every cache."""
        finished = super().finalize_response(request, response, *args, **kwargs)
        finished["Cache-Control"] = "no-store"
        return finished

    def _query_problems(self, request: Request) -> Any:
        for name, values in request.query_params.lists():
            if name not in self.query or request.method not in ("GET", "HEAD"):
                yield FieldProblem(name[:100] if is_storable(name) else "", _("There is no such parameter."))
            elif len(values) > 1:
                yield FieldProblem(name, _("Give this parameter once."))
            elif not is_storable(values[0]):
                yield FieldProblem(name, _("Remove the characters that cannot be stored."))


class UnknownAddress(ApiView):
    """Everything under the interface that is no endpoint: a problem response, not a web page."""

    schema = None  # type: ignore[assignment]

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """401 without login, 404 with."""
        super(ApiView, self).initial(request, *args, **kwargs)
        raise not_found()

    def get(self, request: Request, **kwargs: Any) -> Response:
        """Never reached; `initial` answers."""
        raise not_found()

    post = put = patch = delete = get
