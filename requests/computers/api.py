"""The register of computer objects over REST. Objects are changed by applications (POST applications/)."""

from __future__ import annotations

from typing import ClassVar

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from portal.common.api.paging import PAGE_PARAMETERS, PAGE_QUERY, choice, page_of
from portal.common.api.views import ApiView
from portal.orgs.api import person_who_may, visible_codes
from portal.orgs.permissions import READ_DEVICES
from portal.trail.api import listed
from requests.computers import selectors
from requests.computers.models import ComputerObject


class ComputerObjectSerializer(serializers.Serializer):
    """A computer object as AD held it at the last reading."""

    object_guid = serializers.UUIDField()
    organisation = serializers.CharField(source="organisation.code")
    name = serializers.CharField()
    distinguished_name = serializers.CharField()
    description = serializers.CharField()
    operating_system = serializers.CharField()
    state = serializers.ChoiceField(choices=ComputerObject.State.choices)
    state_label = serializers.CharField(source="get_state_display")
    made_by_portal = serializers.BooleanField()
    last_logon_at = serializers.DateTimeField(allow_null=True)
    remove_on = serializers.DateField(allow_null=True, help_text="Until the day before it can be restored")
    verified_at = serializers.DateTimeField()


class ComputerObjectsView(ApiView):
    """The computer objects of the organisations that this person sees."""

    query: ClassVar[frozenset[str]] = PAGE_QUERY | {"organisation", "state", "made", "q"}

    @extend_schema(
        operation_id="computer_objects_list",
        parameters=[
            *PAGE_PARAMETERS,
            OpenApiParameter("organisation", str, description="Code of an organisation"),
            OpenApiParameter("state", str, enum=ComputerObject.State.values),
            OpenApiParameter("made", str, enum=list(selectors.MADE_BY)),
            OpenApiParameter("q", str, description="Name, description, system; all words must occur"),
        ],
        responses=page_of(ComputerObjectSerializer),
    )
    def get(self, request: Request) -> Response:
        """Computer objects, newest first."""
        user = person_who_may(request, READ_DEVICES)
        rows = selectors.computer_objects(
            user,
            q=request.query_params.get("q", ""),
            state=choice(request, "state", ComputerObject.State.values),
            made=choice(request, "made", list(selectors.MADE_BY)),
            organisation=choice(request, "organisation", visible_codes(user)),
        )
        return listed(request, rows, ComputerObjectSerializer, "computer_object.list")
