"""The registers over REST. They are changed by applications (POST applications/)."""

from __future__ import annotations

from typing import ClassVar

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from portal.common.api.paging import PAGE_PARAMETERS, PAGE_QUERY, choice, page_of
from portal.common.api.views import ApiView
from portal.orgs.api import person_who_may, visible_codes
from portal.orgs.permissions import READ_MANAGED
from portal.trail.api import listed
from requests.managed import selectors
from requests.managed.models import Category, Item, ManagedMachine, Service


class ManagedMachineSerializer(serializers.Serializer):
    """A machine under a service."""

    organisation = serializers.CharField(source="organisation.code")
    name = serializers.CharField()
    category = serializers.ChoiceField(choices=Category.choices)
    operating_system = serializers.CharField(help_text="Empty under monitoring")
    address = serializers.CharField(allow_null=True, help_text="Null under antivirus")
    items = serializers.ListField(
        child=serializers.ChoiceField(choices=Item.choices), help_text="Empty under antivirus"
    )
    settings = serializers.CharField()
    place = serializers.CharField()
    state = serializers.ChoiceField(choices=ManagedMachine.State.choices)
    since = serializers.DateTimeField()
    removed_at = serializers.DateTimeField(allow_null=True)


PARAMETERS = [
    *PAGE_PARAMETERS,
    OpenApiParameter("organisation", str, description="Code of an organisation"),
    OpenApiParameter(
        "state", str, enum=[*ManagedMachine.State.values, "all"], description="Without it: MANAGED"
    ),
    OpenApiParameter("category", str, enum=Category.values),
    OpenApiParameter("q", str, description="Name, system, address or place; all words must occur"),
]


PAGE = page_of(ManagedMachineSerializer)


class _MachinesView(ApiView):
    query: ClassVar[frozenset[str]] = PAGE_QUERY | {"organisation", "state", "category", "q"}
    service: ClassVar[Service]
    action: ClassVar[str]  # in the trail, as on the screen

    def answer(self, request: Request) -> Response:
        """One page, newest first."""
        user = person_who_may(request, READ_MANAGED)
        rows = selectors.machines(
            user,
            self.service,
            q=request.query_params.get("q", ""),
            state=choice(request, "state", [*ManagedMachine.State.values, "all"]) or "MANAGED",
            category=choice(request, "category", Category.values),
            organisation=choice(request, "organisation", visible_codes(user)),
        )
        return listed(request, rows, ManagedMachineSerializer, self.action)


class AntivirusMachinesView(_MachinesView):
    """The machines under the antivirus service."""

    service, action = Service.ANTIVIRUS, "antivirus_machine.list"

    @extend_schema(operation_id="antivirus_machines", parameters=PARAMETERS, responses=PAGE)
    def get(self, request: Request) -> Response:
        """Newest first (REQ-07)."""
        return self.answer(request)


class MonitoredMachinesView(_MachinesView):
    """The machines under monitoring."""

    service, action = Service.MONITORING, "monitored_machine.list"

    @extend_schema(operation_id="monitored_machines", parameters=PARAMETERS, responses=PAGE)
    def get(self, request: Request) -> Response:
        """Newest first (REQ-08)."""
        return self.answer(request)
