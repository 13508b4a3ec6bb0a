"""Operations over REST, for network operations (READ_OPERATIONS)."""

from __future__ import annotations

from typing import ClassVar

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from portal.common.api.paging import PAGE_PARAMETERS, PAGE_QUERY, choice, page_of
from portal.common.api.views import ApiView
from portal.fulfilment.models import Operation, OperationStatus
from portal.orgs import permissions
from portal.orgs.api import person_who_may, visible_codes
from portal.trail.api import listed


class OperationSerializer(serializers.Serializer):
    """One change at one target. Progress and evidence stay on the screen of operations."""

    id = serializers.IntegerField()
    application_number = serializers.CharField()
    organisation = serializers.CharField(source="organisation.code")
    kind = serializers.CharField()
    target = serializers.CharField()
    subject = serializers.CharField()
    status = serializers.ChoiceField(choices=OperationStatus.choices)
    status_label = serializers.CharField(source="get_status_display")
    attempts = serializers.IntegerField()
    created_at = serializers.DateTimeField()
    not_before = serializers.DateTimeField()
    settled_at = serializers.DateTimeField(allow_null=True)
    error_code = serializers.CharField()
    error_message = serializers.CharField()


class OperationsView(ApiView):
    """What the portal carries out in AD and elsewhere."""

    query: ClassVar[frozenset[str]] = PAGE_QUERY | {"status", "organisation", "application"}

    @extend_schema(
        operation_id="operations_list",
        parameters=[
            *PAGE_PARAMETERS,
            OpenApiParameter("status", str, enum=OperationStatus.values),
            OpenApiParameter("organisation", str, description="Code of an organisation"),
            OpenApiParameter("application", str, description="Number of an application"),
        ],
        responses=page_of(OperationSerializer),
    )
    def get(self, request: Request) -> Response:
        """Operations, newest first."""
        user = person_who_may(request, permissions.READ_OPERATIONS)
        rows = Operation.objects.visible_to(user).select_related("organisation")
        if status := choice(request, "status", OperationStatus.values):
            rows = rows.filter(status=status)
        if organisation := choice(request, "organisation", visible_codes(user)):
            rows = rows.filter(organisation__code=organisation)
        if number := request.query_params.get("application"):
            rows = rows.filter(application_number=number)
        return listed(request, rows, OperationSerializer, "operation.list")
