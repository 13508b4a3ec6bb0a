"""The consoles 管理機(SC) over REST."""

from __future__ import annotations

from typing import ClassVar

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from devices.api import reader
from devices.stations import selectors
from portal.common.api.paging import PAGE_PARAMETERS, PAGE_QUERY, page_of, paged
from portal.common.api.views import ApiView


class StationSerializer(serializers.Serializer):
    """One designation; there is no password anywhere (DEV-10)."""

    organisation = serializers.CharField(source="organisation.code")
    computer = serializers.CharField(source="computer.name")
    valid_from = serializers.DateField()
    valid_until = serializers.DateField(allow_null=True)
    note = serializers.CharField()


class StationsView(ApiView):
    """The consoles of the organisations that this person sees, also those that ended."""

    query: ClassVar[frozenset[str]] = PAGE_QUERY

    @extend_schema(
        operation_id="stations_list", parameters=PAGE_PARAMETERS, responses=page_of(StationSerializer)
    )
    def get(self, request: Request) -> Response:
        """Newest first."""
        return Response(paged(request, selectors.stations(reader(request), ended=True), StationSerializer))
