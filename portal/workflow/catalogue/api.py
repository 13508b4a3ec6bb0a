"""The catalogue of services over REST."""

from __future__ import annotations

from typing import Any, ClassVar

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from portal.common.api.views import ApiView
from portal.orgs.api import person
from portal.workflow.catalogue import offers


class ConditionSerializer(serializers.Serializer):
    """A row of table 2-2."""

    number = serializers.IntegerField()
    name = serializers.CharField()
    lines = serializers.ListField(child=serializers.CharField())


class OfferedKindSerializer(serializers.Serializer):
    """A kind of application."""

    code = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment]
    organisations = serializers.ListField(
        child=serializers.CharField(), help_text="Codes of those for which you may apply"
    )


class CatalogueEntrySerializer(serializers.Serializer):
    """A row of table 2-1; number null: what belongs to none."""

    number = serializers.IntegerField(allow_null=True)
    name = serializers.CharField()
    group = serializers.CharField()
    summary = serializers.CharField()
    excluded = serializers.ListField(child=serializers.CharField())
    asked = serializers.CharField(help_text="How it is asked for")
    asked_source = serializers.CharField(help_text="The table that says so")
    conditions = ConditionSerializer(many=True)
    kinds = OfferedKindSerializer(many=True)


class CatalogueView(ApiView):
    """What the common network offers, and what can be applied for."""

    query: ClassVar[frozenset[str]] = frozenset({"q"})

    @extend_schema(
        operation_id="catalogue",
        parameters=[OpenApiParameter("q", str, description="All words must occur")],
        responses=CatalogueEntrySerializer(many=True),
    )
    def get(self, request: Request) -> Response:
        """In the order of table 2-1."""
        found = offers.entries(person(request), request.query_params.get("q", ""))
        return Response(CatalogueEntrySerializer([_row(entry) for entry in found], many=True).data)


def _row(entry: offers.Entry) -> dict[str, Any]:
    service = entry.service
    names = ("name", "group", "summary", "asked", "asked_source")
    return {
        "number": service.number if service else None,
        **{name: getattr(service, name, "") for name in names},
        "excluded": list(service.excluded) if service else [],
        "conditions": service.conditions if service else [],
        "kinds": [
            {
                "code": offer.kind.code,
                "label": str(offer.kind.label),
                "organisations": [place.code for place in offer.places],
            }
            for offer in entry.kinds
        ],
    }
