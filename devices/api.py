"""The registers of machines and segments over REST. They are changed by applications (POST applications/)."""

from __future__ import annotations

from typing import ClassVar

from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from devices import selectors
from devices.computers.models import Computer, Segment
from portal.common.api.paging import PAGE_PARAMETERS, PAGE_QUERY, choice, page_of, paged
from portal.common.api.problems import not_allowed
from portal.common.api.views import ApiView
from portal.orgs.api import person, visible_codes
from portal.orgs.models import User
from portal.orgs.permissions import READ_DEVICES
from portal.trail import services as trail


def reader(request: Request) -> User:
    """The person, who must be allowed to read devices."""
    user = person(request)
    if not user.may(READ_DEVICES):
        raise not_allowed()
    return user


class ComputerSerializer(serializers.Serializer):
    """A PC, server or printer."""

    uid = serializers.UUIDField()
    organisation = serializers.CharField(source="organisation.code")
    name = serializers.CharField()
    kind = serializers.CharField(source="kind.code")
    kind_label = serializers.CharField(source="kind.name")
    operating_system = serializers.CharField(source="operating_system.code", default="")
    business_system = serializers.CharField(source="business_system.code")
    has_own_skysea = serializers.BooleanField()
    segment = serializers.CharField(source="segment.network", default="")
    agents = serializers.ListField(child=serializers.CharField())
    department = serializers.CharField()
    place = serializers.CharField()
    state = serializers.ChoiceField(choices=Computer.State.choices)
    state_label = serializers.CharField(source="get_state_display")
    registered_at = serializers.DateTimeField(source="created_at")
    retired_at = serializers.DateTimeField(allow_null=True)


class ComputersView(ApiView):
    """The machines of the organisations that this person sees."""

    query: ClassVar[frozenset[str]] = PAGE_QUERY | {"organisation", "state", "kind", "q"}

    @extend_schema(
        operation_id="computers_list",
        parameters=[
            *PAGE_PARAMETERS,
            OpenApiParameter("organisation", str, description="Code of an organisation"),
            OpenApiParameter("state", str, enum=Computer.State.values),
            OpenApiParameter("kind", str, description="Code of a kind of machine"),
            OpenApiParameter("q", str, description="Name, department, place; all words must occur"),
        ],
        responses=page_of(ComputerSerializer),
    )
    def get(self, request: Request) -> Response:
        """Machines, newest first."""
        user = reader(request)
        rows = selectors.computers(
            user,
            q=request.query_params.get("q", ""),
            state=choice(request, "state", Computer.State.values),
            kind=request.query_params.get("kind", ""),
            organisation=choice(request, "organisation", visible_codes(user)),
        )
        found = paged(request, rows, ComputerSerializer)
        detail = {"query": request.query_params.dict()}
        trail.record(action="computer.list", now=timezone.now(), actor=user, detail=detail)
        return Response(found)


class SegmentSerializer(serializers.Serializer):
    """A network segment of a federation."""

    organisation = serializers.CharField(source="organisation.code")
    network = serializers.CharField()
    purpose = serializers.ChoiceField(choices=Segment.Purpose.choices)
    vlan = serializers.IntegerField(allow_null=True)
    valid_from = serializers.DateField()
    valid_until = serializers.DateField(allow_null=True)


class SegmentsView(ApiView):
    """The segments that are valid today."""

    query: ClassVar[frozenset[str]] = PAGE_QUERY | {"organisation"}

    @extend_schema(
        operation_id="segments_list",
        parameters=[
            *PAGE_PARAMETERS,
            OpenApiParameter("organisation", str, description="Code of an organisation"),
        ],
        responses=page_of(SegmentSerializer),
    )
    def get(self, request: Request) -> Response:
        """Segments, newest first."""
        user = reader(request)
        rows = selectors.segments(user, organisation=choice(request, "organisation", visible_codes(user)))
        return Response(paged(request, rows, SegmentSerializer))
