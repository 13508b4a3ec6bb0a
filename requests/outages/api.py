"""Planned outages over REST."""

from __future__ import annotations

from typing import ClassVar

from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from portal.common.api.paging import PAGE_PARAMETERS, PAGE_QUERY, choice, page_of
from portal.common.api.views import ApiView
from portal.orgs.api import person
from portal.trail.api import listed
from requests.outages import selectors
from requests.outages.models import Outage, Shown, System


class OutageSerializer(serializers.Serializer):
    """One planned outage."""

    number = serializers.CharField()
    title = serializers.CharField()
    systems = serializers.ListField(child=serializers.ChoiceField(choices=System.choices))
    detail = serializers.CharField()
    stops_at = serializers.DateTimeField()
    starts_at = serializers.DateTimeField()
    standing = serializers.SerializerMethodField(
        help_text="PLANNED, RUNNING, ATTENTION (the start is not confirmed), CONFIRMED, CANCELLED"
    )
    reason = serializers.CharField(help_text="Of a cancellation")

    def get_standing(self, outage: Outage) -> str:
        """As of now."""
        return outage.shown(timezone.now()).value


class OutagesView(ApiView):
    """The outages that concern this person's organisations."""

    query: ClassVar[frozenset[str]] = PAGE_QUERY | {"state", "system", "month", "q"}

    @extend_schema(
        operation_id="outages_list",
        parameters=[
            *PAGE_PARAMETERS,
            OpenApiParameter("state", str, enum=Shown.values),
            OpenApiParameter("system", str, enum=System.values),
            OpenApiParameter("month", str, description="Such as 2026-12"),
            OpenApiParameter("q", str, description="Number, title, description; all words must occur"),
        ],
        responses=page_of(OutageSerializer),
    )
    def get(self, request: Request) -> Response:
        """Outages, those planned last first."""
        rows = selectors.outages(
            person(request),
            q=request.query_params.get("q", ""),
            state=choice(request, "state", Shown.values),
            system=choice(request, "system", System.values),
            month=request.query_params.get("month", ""),
        )
        return listed(request, rows, OutageSerializer, "outage.list")
