"""The register of devices over REST, and the officer's records. Permits are applied for (POST applications/)."""

from __future__ import annotations

from typing import Any, ClassVar

from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from devices.api import StepView, reader
from devices.permits import selectors, services
from devices.permits.models import Device, DevicePermit
from devices.permits.source import DeviceKind, Grant
from portal.common.api.paging import PAGE_PARAMETERS, PAGE_QUERY, choice, page_of
from portal.common.api.parsing import StrictSerializer
from portal.common.api.problems import not_allowed
from portal.common.api.schema import IDEMPOTENCY_KEY
from portal.common.api.views import ApiView
from portal.orgs.api import visible_codes
from portal.orgs.models import User
from portal.orgs.permissions import REGISTER_DEVICES
from portal.trail.api import listed


class PermitSerializer(serializers.Serializer):
    """What a device may do, and until when."""

    grant = serializers.ChoiceField(choices=Grant.choices)
    state = serializers.ChoiceField(choices=DevicePermit.State.choices)
    state_label = serializers.CharField(source="get_state_display")
    end_user = serializers.CharField()
    valid_until = serializers.DateField()
    approved_at = serializers.DateTimeField()
    registered_at = serializers.DateTimeField(allow_null=True)
    ended_at = serializers.DateTimeField(allow_null=True)
    removed_at = serializers.DateTimeField(allow_null=True)
    computers = serializers.SerializerMethodField(help_text="Computer names")

    def get_computers(self, permit: DevicePermit) -> list[str]:
        """The machines that the device may be attached to."""
        return sorted(computer.name for computer in permit.computers.all())


class DeviceSerializer(serializers.Serializer):
    """A device of the register with its newest permit."""

    number = serializers.CharField()
    organisation = serializers.CharField(source="organisation.code")
    kind = serializers.ChoiceField(choices=DeviceKind.choices)
    maker = serializers.CharField()
    model = serializers.CharField()
    serial = serializers.CharField()
    no_serial_reason = serializers.CharField()
    permit = PermitSerializer(allow_null=True)


class DevicesView(ApiView):
    """The devices of the organisations that this person sees."""

    query: ClassVar[frozenset[str]] = PAGE_QUERY | {"organisation", "state", "kind", "q"}

    @extend_schema(
        operation_id="devices_list",
        parameters=[
            *PAGE_PARAMETERS,
            OpenApiParameter("organisation", str, description="Code of an organisation"),
            OpenApiParameter("state", str, enum=DevicePermit.State.values),
            OpenApiParameter("kind", str, enum=DeviceKind.values),
            OpenApiParameter("q", str, description="Number, maker, model, serial number, user or machine"),
        ],
        responses=page_of(DeviceSerializer),
    )
    def get(self, request: Request) -> Response:
        """Devices, newest first."""
        user = reader(request)
        rows = selectors.devices(
            user,
            q=request.query_params.get("q", ""),
            state=choice(request, "state", DevicePermit.State.values),
            kind=choice(request, "kind", DeviceKind.values),
            organisation=choice(request, "organisation", visible_codes(user)),
        ).prefetch_related("permit__computers")
        return listed(request, rows, DeviceSerializer, "device.list")


class RecordSerializer(StrictSerializer):
    """What was done in SKYSEA."""

    note = serializers.CharField(max_length=500, required=False, allow_blank=True, default="")
    confirms_reason = serializers.BooleanField(required=False, default=False)


class _RecordView(StepView):
    """One record of the officer; 409 when it is not the permit's turn."""

    permission, body, shown = REGISTER_DEVICES, RecordSerializer, DeviceSerializer
    load = staticmethod(selectors.device)

    def take(self, found: Device, user: User, values: dict[str, Any]) -> None:
        """A device that nobody permitted has nothing to record."""
        if found.permit is None:
            raise not_allowed()
        self.record(found.permit, user, values)

    def record(self, permit: DevicePermit, user: User, values: dict[str, Any]) -> None:
        """The service call."""
        raise NotImplementedError


class DeviceRegisteredView(_RecordView):
    """Registered in SKYSEA."""

    @extend_schema(
        operation_id="devices_registered",
        request=RecordSerializer,
        responses=DeviceSerializer,
        parameters=[IDEMPOTENCY_KEY],
    )
    def post(self, request: Request, device: str) -> Response:
        """The device is registered in SKYSEA: its user is told (DEV-02)."""
        return self.step(request, device)

    def record(self, permit: DevicePermit, user: User, values: dict[str, Any]) -> None:
        """See the service."""
        services.record_registered(permit_id=permit.pk, actor=user, now=timezone.now(), **values)


class DeviceRemovedView(_RecordView):
    """Removed from SKYSEA."""

    @extend_schema(
        operation_id="devices_removed",
        request=RecordSerializer,
        responses=DeviceSerializer,
        parameters=[IDEMPOTENCY_KEY],
    )
    def post(self, request: Request, device: str) -> Response:
        """The device is removed from SKYSEA (DEV-06)."""
        return self.step(request, device)

    def record(self, permit: DevicePermit, user: User, values: dict[str, Any]) -> None:
        """See the service."""
        services.record_removed(permit_id=permit.pk, actor=user, note=values["note"], now=timezone.now())
