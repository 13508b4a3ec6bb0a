"""Keeping times and disposal over REST: read only, because a disposal is decided by two people who look at it (AUD-09)."""

from __future__ import annotations

from typing import Any

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from audit.retention import selectors
from audit.retention.models import LEAST_YEARS, Disposal, RecordKind, RetentionRule
from portal.common.api.paging import PAGE_PARAMETERS, PAGE_QUERY, page_of
from portal.common.api.views import ApiView
from portal.common.time import today
from portal.orgs.api import person_who_may
from portal.orgs.permissions import READ_RETENTION
from portal.trail import services as trail
from portal.trail.api import listed


class RetentionRuleSerializer(serializers.Serializer):
    """For how long one kind of record is kept."""

    kind = serializers.ChoiceField(choices=RecordKind.choices)
    name = serializers.CharField(source="get_kind_display")
    years = serializers.IntegerField(help_text="After the end of the month")
    least_years = serializers.SerializerMethodField(help_text="It cannot be set lower")

    def get_least_years(self, rule: RetentionRule) -> int:
        """Of table 2-51."""
        return LEAST_YEARS[RecordKind(rule.kind)]


class RetentionDueSerializer(serializers.Serializer):
    """A month that is over its keeping time and still there."""

    kind = serializers.ChoiceField(choices=RecordKind.choices)
    month = serializers.DateField(format="%Y-%m")
    kept_until = serializers.DateField(help_text="The first day on which it may go")
    held_because = serializers.CharField(
        source="hold.reason", default="", help_text="Empty: nothing holds it"
    )
    proposed_at = serializers.DateTimeField(source="disposal.proposed_at", default=None)


class RetentionSerializer(serializers.Serializer):
    """What is kept for how long, and what may go today."""

    rules = RetentionRuleSerializer(many=True)
    due = RetentionDueSerializer(many=True)


class HoldSerializer(serializers.Serializer):
    """What must not be disposed of."""

    id = serializers.IntegerField(source="pk")
    kind = serializers.ChoiceField(choices=RecordKind.choices)
    month = serializers.DateField(format="%Y-%m", allow_null=True, help_text="null: every month")
    reason = serializers.CharField()
    placed_by = serializers.CharField(source="placed_by.display_name")
    placed_at = serializers.DateTimeField()
    released_by = serializers.CharField(source="released_by.display_name", default="")
    released_at = serializers.DateTimeField(allow_null=True)


class DisposalSerializer(serializers.Serializer):
    """A decision, with what went."""

    id = serializers.IntegerField(source="pk")
    kind = serializers.ChoiceField(choices=RecordKind.choices)
    month = serializers.DateField(format="%Y-%m")
    state = serializers.ChoiceField(choices=Disposal.State.choices)
    reason = serializers.CharField()
    proposed_by = serializers.CharField(source="proposed_by.display_name")
    proposed_at = serializers.DateTimeField()
    decided_by = serializers.CharField(source="decided_by.display_name")
    decided_at = serializers.DateTimeField()
    answer = serializers.CharField(help_text="Why it was refused")
    counts = serializers.DictField(child=serializers.IntegerField(), help_text="What went, by kind of thing")
    sha256 = serializers.CharField(source="digest", help_text="Over the hashes of what went")


class RetentionView(ApiView):
    """Keeping times and what is over them."""

    @extend_schema(operation_id="audit_retention", responses=RetentionSerializer)
    def get(self, request: Request) -> Response:
        """The oldest month first."""
        user = person_who_may(request, READ_RETENTION)
        trail.record(action="retention.view", now=timezone.now(), actor=user)
        rules: Any = selectors.rules()
        found = {"rules": [rules[kind] for kind in RecordKind], "due": selectors.due(today(timezone.now()))}
        return Response(RetentionSerializer(found).data)


class HoldsView(ApiView):
    """What was held back from disposal."""

    query = PAGE_QUERY

    @extend_schema(operation_id="audit_holds", parameters=PAGE_PARAMETERS, responses=page_of(HoldSerializer))
    def get(self, request: Request) -> Response:
        """Also those that were released; the newest first."""
        person_who_may(request, READ_RETENTION)
        return listed(request, selectors.holds().order_by("-id"), HoldSerializer, "retention.view")


class DisposalsView(ApiView):
    """What was decided."""

    query = PAGE_QUERY

    @extend_schema(
        operation_id="audit_disposals", parameters=PAGE_PARAMETERS, responses=page_of(DisposalSerializer)
    )
    def get(self, request: Request) -> Response:
        """Disposed of or refused, the newest first."""
        person_who_may(request, READ_RETENTION)
        return listed(request, selectors.disposals(), DisposalSerializer, "retention.view")
