"""Segments of 独自処理システム over REST: what was allotted, and what is free. They are applied for (POST applications/)."""

from __future__ import annotations

from typing import Any, ClassVar

from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from portal.common.api.paging import PAGE_PARAMETERS, PAGE_QUERY, choice, page_of
from portal.common.api.views import ApiView
from portal.orgs.api import person_who_may, visible_codes
from portal.orgs.permissions import READ_NETWORKS
from portal.trail.api import listed
from requests.networks import pool, selectors
from requests.networks.models import Use


class AllotmentSerializer(serializers.Serializer):
    """One allotted segment."""

    organisation = serializers.CharField(source="organisation.code")
    network = serializers.CharField()
    vlan = serializers.IntegerField()
    use = serializers.ChoiceField(choices=Use.choices)
    purpose = serializers.CharField()
    valid_from = serializers.DateField()
    valid_until = serializers.DateField(allow_null=True, help_text="The last day, once it was given back")
    application = serializers.CharField(source="application_number")


class AllotmentsView(ApiView):
    """The allotments of the organisations that this person sees."""

    query: ClassVar[frozenset[str]] = PAGE_QUERY | {"organisation", "use", "q"}

    @extend_schema(
        operation_id="networks_list",
        parameters=[
            *PAGE_PARAMETERS,
            OpenApiParameter("organisation", str, description="Code of an organisation"),
            OpenApiParameter("use", str, enum=Use.values),
            OpenApiParameter("q", str, description="Network, purpose, application; all words must occur"),
        ],
        responses=page_of(AllotmentSerializer),
    )
    def get(self, request: Request) -> Response:
        """Allotments, newest first."""
        user = person_who_may(request, READ_NETWORKS)
        rows = selectors.allotments(
            user,
            q=request.query_params.get("q", ""),
            use=choice(request, "use", Use.values),
            organisation=choice(request, "organisation", visible_codes(user)),
        )
        return listed(request, rows, AllotmentSerializer, "allotment.list")


class PlaceSerializer(serializers.Serializer):
    """One row of the figures for one federation."""

    organisation = serializers.CharField()
    network = serializers.CharField()
    vlan = serializers.IntegerField()
    use = serializers.ChoiceField(choices=Use.choices)
    usage = serializers.ChoiceField(
        choices=[(word, word) for word in (pool.FREE, pool.HALF, pool.USED, pool.AHEAD)]
    )


class MapView(ApiView):
    """The map: every federation, of others only whether it is used."""

    @extend_schema(operation_id="networks_map", responses=PlaceSerializer(many=True))
    def get(self, request: Request) -> Response:
        """As of today."""
        user = person_who_may(request, READ_NETWORKS)
        found: list[dict[str, Any]] = [
            {
                "organisation": row.organisation.code,
                "network": str(cell.place.network),
                "vlan": cell.place.pool.vlan,
                "use": cell.place.pool.use,
                "usage": cell.place.state,
            }
            for row in selectors.map_rows(user, timezone.localdate())
            for cell in row.cells
        ]
        return Response(PlaceSerializer(found, many=True).data)
