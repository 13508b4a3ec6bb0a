"""The FAQ over REST."""

from __future__ import annotations

from typing import ClassVar

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from portal.common.api.paging import PAGE_PARAMETERS, PAGE_QUERY, choice, page_of, paged
from portal.common.api.views import ApiView
from portal.orgs.api import person
from requests.enquiries.models import Category
from requests.faq import selectors


class FaqSerializer(serializers.Serializer):
    """A published entry."""

    number = serializers.CharField()
    category = serializers.ChoiceField(choices=Category.choices)
    question = serializers.CharField()
    answer = serializers.CharField()
    published_at = serializers.DateTimeField()


class FaqView(ApiView):
    """What is published."""

    query: ClassVar[frozenset[str]] = PAGE_QUERY | {"category", "q"}

    @extend_schema(
        operation_id="faq_list",
        parameters=[
            *PAGE_PARAMETERS,
            OpenApiParameter("category", str, enum=Category.values),
            OpenApiParameter("q", str, description="Words of question or answer; all must occur"),
        ],
        responses=page_of(FaqSerializer),
    )
    def get(self, request: Request) -> Response:
        """Entries, newest first."""
        rows = selectors.entries(
            person(request),
            q=request.query_params.get("q", ""),
            category=choice(request, "category", Category.values),
        )
        return Response(paged(request, rows, FaqSerializer))
