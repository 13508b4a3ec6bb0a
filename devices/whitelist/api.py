"""The register of the whitelist over REST: entries with their dates, and who had an address. Entries are applied for."""

from __future__ import annotations

from typing import ClassVar

from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from devices.api import reader
from devices.whitelist import oui, selectors
from devices.whitelist.addresses import AddressRefused
from devices.whitelist.models import WhitelistEntry
from portal.common.api.paging import PAGE_PARAMETERS, PAGE_QUERY, choice, page_of
from portal.common.api.problems import FieldProblem, invalid
from portal.common.api.views import ApiView
from portal.common.time import parse_date
from portal.orgs.api import visible_codes
from portal.trail import services as trail
from portal.trail.api import listed


class WhitelistEntrySerializer(serializers.Serializer):
    """One MAC address with one IP address."""

    uid = serializers.UUIDField()
    organisation = serializers.CharField(source="organisation.code")
    mac = serializers.CharField()
    ip = serializers.CharField()
    computer = serializers.CharField(source="computer.name")
    kind = serializers.CharField(source="computer.kind.code")
    segment = serializers.CharField(source="segment.network")
    vendor = serializers.SerializerMethodField(help_text="Maker of the network card; empty when not known")
    state = serializers.ChoiceField(choices=WhitelistEntry.State.choices)
    end_reason = serializers.CharField()
    local_reason = serializers.CharField()
    valid_until = serializers.DateField(allow_null=True)
    approved_at = serializers.DateTimeField()
    exported_at = serializers.DateTimeField(allow_null=True)
    verified_at = serializers.DateTimeField(allow_null=True)
    ended_at = serializers.DateTimeField(allow_null=True)
    removal_verified_at = serializers.DateTimeField(allow_null=True)

    def get_vendor(self, entry: WhitelistEntry) -> str:
        """From the list of the IEEE."""
        return oui.vendor(entry.mac)


class EntriesView(ApiView):
    """The entries of the organisations that this person sees."""

    query: ClassVar[frozenset[str]] = PAGE_QUERY | {"organisation", "state", "progress", "q"}

    @extend_schema(
        operation_id="whitelist_entries",
        parameters=[
            *PAGE_PARAMETERS,
            OpenApiParameter("organisation", str, description="Code of an organisation"),
            OpenApiParameter("state", str, enum=WhitelistEntry.State.values),
            OpenApiParameter("progress", str, enum=list(selectors.PROGRESS)),
            OpenApiParameter("q", str, description="An address in any spelling, machine, place or maker"),
        ],
        responses=page_of(WhitelistEntrySerializer),
    )
    def get(self, request: Request) -> Response:
        """Entries, newest first, also those that ended."""
        user = reader(request)
        rows = selectors.entries(
            user,
            q=request.query_params.get("q", ""),
            state=choice(request, "state", WhitelistEntry.State.values),
            progress=choice(request, "progress", list(selectors.PROGRESS)),
            organisation=choice(request, "organisation", visible_codes(user)),
        )
        return listed(request, rows, WhitelistEntrySerializer, "whitelist.list")


class HoldersView(ApiView):
    """Who had this MAC or IP address on that day."""

    query: ClassVar[frozenset[str]] = frozenset({"address", "day"})

    @extend_schema(
        operation_id="whitelist_holders",
        parameters=[
            OpenApiParameter(
                "address", str, required=True, description="A MAC or IP address in any spelling"
            ),
            OpenApiParameter("day", str, description="A day in Japan, 2026-12-01; today when it is left out"),
        ],
        responses=WhitelistEntrySerializer(many=True),
    )
    def get(self, request: Request) -> Response:
        """The entries that held it on that day, oldest first; only those of organisations that the person sees."""
        user = reader(request)
        asked, address = request.query_params.get("day", ""), request.query_params.get("address", "")
        day = parse_date(asked) if asked else timezone.localdate()
        if day is None:
            raise invalid([FieldProblem("day", "2026-12-01")])
        try:
            rows = selectors.holders(user, address=address, day=day)
        except AddressRefused as error:
            raise invalid([FieldProblem("address", error.reason)]) from error
        detail = {"address": address, "day": day.isoformat()}
        trail.record(action="whitelist.holders", now=timezone.now(), actor=user, detail=detail)
        return Response({"items": WhitelistEntrySerializer(rows[:100], many=True).data})
