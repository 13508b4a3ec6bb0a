"""Findings over REST: the list that the screen shows. Answers are given on the screen, where the three states are seen."""

from __future__ import annotations

from typing import ClassVar

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.reconciliation import selectors
from accounts.reconciliation.models import Answer, FindingKind, FindingState
from accounts.reconciliation.selectors import EVERY, LIVE_FILTER, Filters
from portal.common.api.paging import PAGE_PARAMETERS, PAGE_QUERY, choice, page_of
from portal.common.api.views import ApiView
from portal.orgs import permissions
from portal.orgs.api import person_who_may, visible_codes
from portal.trail.api import listed


class FindingSerializer(serializers.Serializer):
    """One way in which an object in AD differs from what was written last."""

    id = serializers.IntegerField()
    organisation = serializers.CharField(source="organisation.code")
    object_guid = serializers.UUIDField()
    login_name = serializers.CharField()
    name = serializers.CharField()
    kind = serializers.ChoiceField(choices=FindingKind.choices)
    kind_label = serializers.CharField(source="get_kind_display")
    state = serializers.ChoiceField(choices=FindingState.choices)
    state_label = serializers.CharField(source="get_state_display")
    differences = serializers.ListField(
        child=serializers.DictField(), help_text="field, written (last by the portal), found (in AD)"
    )
    first_seen_at = serializers.DateTimeField()
    last_seen_at = serializers.DateTimeField()
    answer = serializers.ChoiceField(choices=Answer.choices, allow_blank=True)
    reason = serializers.CharField()
    closed_at = serializers.DateTimeField(allow_null=True)


class FindingsView(ApiView):
    """The findings of the organisations that this person sees."""

    query: ClassVar[frozenset[str]] = PAGE_QUERY | {"organisation", "kind", "state", "q"}

    @extend_schema(
        operation_id="findings_list",
        parameters=[
            *PAGE_PARAMETERS,
            OpenApiParameter("organisation", str, description="Code of an organisation"),
            OpenApiParameter("kind", str, enum=FindingKind.values),
            OpenApiParameter(
                "state",
                str,
                enum=[*FindingState.values, EVERY],
                description="Without it, what is still open",
            ),
            OpenApiParameter("q", str, description="Part of the login name or name"),
        ],
        responses=page_of(FindingSerializer),
    )
    def get(self, request: Request) -> Response:
        """Findings of the reconciliation with AD, newest first."""
        user = person_who_may(request, permissions.READ_ACCOUNTS)
        filters = Filters(
            kind=choice(request, "kind", FindingKind.values),
            organisation=choice(request, "organisation", visible_codes(user)),
            state=choice(request, "state", [*FindingState.values, EVERY]) or LIVE_FILTER,
            q=request.query_params.get("q", "")[:100],
        )
        return listed(request, selectors.findings(user, filters), FindingSerializer, "finding.list")
