"""Zones and records over REST. Records are changed by applications (POST applications/)."""

from __future__ import annotations

from typing import ClassVar

from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from portal.common.api.paging import PAGE_PARAMETERS, PAGE_QUERY, choice, page_of, paged
from portal.common.api.views import ApiView
from portal.orgs.api import person_who_may, visible_codes
from portal.orgs.permissions import READ_DNS
from portal.trail import services as trail
from requests.zones import selectors


class DnsZoneSerializer(serializers.Serializer):
    """A registered zone."""

    name = serializers.CharField()
    backend = serializers.CharField()
    organisation = serializers.CharField(
        source="organisation.code", default="", help_text="Empty: common to all"
    )
    is_open = serializers.BooleanField(help_text="Whether records in it can be applied for")
    valid_from = serializers.DateField()
    refreshed_at = serializers.DateTimeField(allow_null=True)
    problem = serializers.CharField()


class DnsRecordSerializer(serializers.Serializer):
    """One record as a server held it."""

    organisation = serializers.CharField(source="organisation.code")
    zone = serializers.CharField(source="zone.name")
    name = serializers.CharField()
    type = serializers.CharField()
    ttl = serializers.IntegerField()
    value = serializers.CharField()
    seen_at = serializers.DateTimeField()


class DnsZonesView(ApiView):
    """The zones that this person may see."""

    query: ClassVar[frozenset[str]] = PAGE_QUERY

    @extend_schema(
        operation_id="dns_zones", parameters=[*PAGE_PARAMETERS], responses=page_of(DnsZoneSerializer)
    )
    def get(self, request: Request) -> Response:
        """Zones that are not ended, newest first."""
        user = person_who_may(request, READ_DNS)
        rows = selectors.zones(user).filter(valid_until=None).order_by("-id")
        return Response(paged(request, rows, DnsZoneSerializer))


class DnsRecordsView(ApiView):
    """The records of the organisations that this person sees."""

    query: ClassVar[frozenset[str]] = PAGE_QUERY | {"organisation", "zone", "type", "q"}

    @extend_schema(
        operation_id="dns_records",
        parameters=[
            *PAGE_PARAMETERS,
            OpenApiParameter("organisation", str, description="Code of an organisation"),
            OpenApiParameter("zone", str, description="Name of a zone"),
            OpenApiParameter("type", str, description="A, AAAA, CNAME, PTR, TXT, SRV or another type"),
            OpenApiParameter("q", str, description="Name, value; all words must occur"),
        ],
        responses=page_of(DnsRecordSerializer),
    )
    def get(self, request: Request) -> Response:
        """Records, newest first."""
        user = person_who_may(request, READ_DNS)
        rows = selectors.records(
            user,
            q=request.query_params.get("q", ""),
            zone=request.query_params.get("zone", ""),
            type=request.query_params.get("type", ""),
            organisation=choice(request, "organisation", visible_codes(user)),
        )
        found = paged(request, rows, DnsRecordSerializer)
        detail = {"query": request.query_params.dict()}
        trail.record(action="dns_record.list", now=timezone.now(), actor=user, detail=detail)
        return Response(found)
