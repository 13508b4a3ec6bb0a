"""How the endpoints describe themselves in OpenAPI."""

from __future__ import annotations

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiParameter
from rest_framework import serializers

from portal.common.api.problems import PROBLEM_TYPE


class FieldProblemSerializer(serializers.Serializer):
    """What is wrong at one place of the request."""

    path = serializers.CharField(help_text="“reason”, or “lines/0/login_name” with lines counted from 0")
    message = serializers.CharField()


class ProblemSerializer(serializers.Serializer):
    """Any error (RFC 9457)."""

    type = serializers.CharField(help_text="urn:kokuho-portal:problem:<code>")
    title = serializers.CharField()
    status = serializers.IntegerField()
    detail = serializers.CharField(help_text="What happened and what to do, in the person's language")
    code = serializers.CharField(help_text="Stable word for programs")
    error_number = serializers.CharField(help_text="To quote to operations")
    errors = FieldProblemSerializer(many=True, required=False)  # type: ignore[assignment]


IF_MATCH = OpenApiParameter(
    "If-Match",
    str,
    OpenApiParameter.HEADER,
    required=True,
    description="The ETag of the version that was seen",
)
IDEMPOTENCY_KEY = OpenApiParameter(
    "Idempotency-Key",
    str,
    OpenApiParameter.HEADER,
    description="1 to 100 printable ASCII characters. Sent again with the same body, nothing is done twice.",
)
ETAG = OpenApiParameter(
    "ETag", str, OpenApiParameter.HEADER, response=[200, 201], description="Version for If-Match"
)


class PortalAutoSchema(AutoSchema):
    """drf-spectacular's description plus the problem response that every operation can give."""

    def _get_response_bodies(self, direction: Any = "response") -> dict[str, Any]:
        bodies: dict[str, Any] = super()._get_response_bodies(direction)
        problem = self._get_response_for_code(ProblemSerializer, "default", [PROBLEM_TYPE])  # type: ignore[no-untyped-call]
        bodies["default"] = problem
        return bodies

    def get_tags(self) -> list[str]:
        """The resource, the first part of the path."""
        return [self.path.removeprefix("/api/v1/").split("/")[0]]


class _SessionScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    target_class = "portal.orgs.authentication.PersonSessionAuthentication"
    name = "session"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        """The browser session; changes also need the X-CSRFToken header."""
        from django.conf import settings

        return {"type": "apiKey", "in": "cookie", "name": settings.SESSION_COOKIE_NAME}


class _TokenScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    target_class = "portal.orgs.authentication.TokenAuthentication"
    name = "personalToken"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        """A personal token out of the profile page."""
        return {
            "type": "apiKey",
            "in": "header",
            "name": "Authorization",
            "description": "`Token <value>`; made on the profile page, shown once, expires",
        }
