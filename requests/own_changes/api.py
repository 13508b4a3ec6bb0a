"""Own changes over REST."""

from __future__ import annotations

from typing import ClassVar

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from portal.common.api.paging import PAGE_PARAMETERS, PAGE_QUERY, choice, page_of
from portal.common.api.views import ApiView
from portal.orgs.api import person_who_may, visible_codes
from portal.orgs.permissions import READ_OWN_CHANGES
from portal.trail.api import listed
from requests.own_changes import selectors
from requests.own_changes.models import Subject


class OwnChangeSerializer(serializers.Serializer):
    """A change that a federation made itself."""

    number = serializers.CharField()
    organisation = serializers.CharField(source="organisation.code")
    subject = serializers.ChoiceField(choices=Subject.choices)
    equipment = serializers.CharField()
    item = serializers.CharField(help_text="Port or policy")
    system_name = serializers.CharField()
    before = serializers.DictField(child=serializers.CharField(), help_text="Empty: not set up")
    after = serializers.DictField(child=serializers.CharField(), help_text="Empty: taken away")
    reason = serializers.CharField()
    changed_at = serializers.DateTimeField()
    changed_by = serializers.CharField()
    recorded_at = serializers.DateTimeField()
    recorded_by = serializers.CharField(source="recorded_by.display_name")
    digest = serializers.CharField()


class OwnChangesView(ApiView):
    """The records of the organisations that this person sees."""

    query: ClassVar[frozenset[str]] = PAGE_QUERY | {"organisation", "subject", "q"}

    @extend_schema(
        operation_id="own_changes",
        parameters=[
            *PAGE_PARAMETERS,
            OpenApiParameter("organisation", str, description="Code of an organisation"),
            OpenApiParameter("subject", str, enum=Subject.values),
            OpenApiParameter("q", str, description="Number, equipment, port or value; all words must occur"),
        ],
        responses=page_of(OwnChangeSerializer),
    )
    def get(self, request: Request) -> Response:
        """Newest first (REQ-14)."""
        user = person_who_may(request, READ_OWN_CHANGES)
        rows = selectors.changes(
            user,
            q=request.query_params.get("q", ""),
            subject=choice(request, "subject", Subject.values),
            organisation=choice(request, "organisation", visible_codes(user)),
        )
        return listed(request, rows, OwnChangeSerializer, "own_change.list")
