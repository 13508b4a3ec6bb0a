"""Quarantine results over REST. They are imported by file; nothing is changed here."""

from __future__ import annotations

from typing import Any, ClassVar

from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from devices.api import reader
from devices.computers.models import Computer
from devices.quarantine import selectors
from devices.quarantine.models import Inspection, QuarantineStatus, Result
from devices.quarantine.tables import status
from portal.common.api.paging import PAGE_PARAMETERS, PAGE_QUERY, choice, page_of
from portal.common.api.views import ApiView
from portal.orgs.api import visible_codes
from portal.trail.api import listed


class GraceSerializer(serializers.Serializer):
    """Until when a missing patch or pattern is tolerated."""

    test = serializers.ChoiceField(choices=Inspection.choices)
    last_day = serializers.DateField()
    days_left = serializers.IntegerField(help_text="Negative when the grace is over")


class ResultSerializer(serializers.Serializer):
    """What the quarantine server said about a machine."""

    result = serializers.ChoiceField(choices=Result.choices)
    has_agent = serializers.BooleanField(allow_null=True)
    checked_at = serializers.DateTimeField()
    failed = serializers.ListField(child=serializers.ChoiceField(choices=Inspection.choices))
    graces = serializers.SerializerMethodField()

    def get_graces(self, found: QuarantineStatus) -> list[dict[str, Any]]:
        """As of now."""
        return [dict(GraceSerializer(grace).data) for grace in found.graces(timezone.now())]


class QuarantineSerializer(serializers.Serializer):
    """A PC with its live whitelist entries and its newest result."""

    computer = serializers.CharField(source="name")
    organisation = serializers.CharField(source="organisation.code")
    entries = serializers.SerializerMethodField(help_text="MAC addresses on the whitelist")
    status = serializers.SerializerMethodField(help_text="Null before the first result")

    def get_entries(self, computer: Computer) -> list[str]:
        """The live ones."""
        return [entry.mac for entry in computer.live_entries]  # type: ignore[attr-defined]

    def get_status(self, computer: Computer) -> dict[str, Any] | None:
        """The newest result."""
        found = status(computer)
        return dict(ResultSerializer(found).data) if found else None


class QuarantineView(ApiView):
    """The PCs of the organisations that this person sees."""

    query: ClassVar[frozenset[str]] = PAGE_QUERY | {"organisation", "result", "failed", "q"}

    @extend_schema(
        operation_id="quarantine_list",
        parameters=[
            *PAGE_PARAMETERS,
            OpenApiParameter("organisation", str, description="Code of an organisation"),
            OpenApiParameter("result", str, enum=list(selectors.RESULTS)),
            OpenApiParameter("failed", str, enum=Inspection.values),
            OpenApiParameter("q", str, description="Name, department, place; all words must occur"),
        ],
        responses=page_of(QuarantineSerializer),
    )
    def get(self, request: Request) -> Response:
        """PCs with their newest quarantine result, newest machines first."""
        user = reader(request)
        rows = selectors.machines(
            user,
            q=request.query_params.get("q", ""),
            result=choice(request, "result", list(selectors.RESULTS)),
            failed=choice(request, "failed", Inspection.values),
            organisation=choice(request, "organisation", visible_codes(user)),
        )
        return listed(request, rows, QuarantineSerializer, "quarantine.list")
