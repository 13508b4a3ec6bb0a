"""Alerts over REST: the list, an answer, and the monthly figures."""

from __future__ import annotations

from typing import Any, ClassVar

from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from devices.alerts import answers, selectors
from devices.alerts.models import DeviceAlert
from devices.api import StepView, reader
from portal.common.api.paging import PAGE_PARAMETERS, PAGE_QUERY, choice, page_of
from portal.common.api.parsing import StrictSerializer
from portal.common.api.schema import IDEMPOTENCY_KEY
from portal.common.api.views import ApiView
from portal.orgs.api import visible_codes
from portal.orgs.models import User
from portal.orgs.permissions import ANSWER_ALERTS
from portal.trail.api import listed


class AlertSerializer(serializers.Serializer):
    """One alert and its answer."""

    id = serializers.IntegerField(source="pk")
    version = serializers.IntegerField(help_text="Name it with the answer")
    organisation = serializers.CharField(source="organisation.code")
    kind = serializers.ChoiceField(choices=DeviceAlert.Kind.choices)
    at = serializers.DateTimeField()
    computer = serializers.CharField(source="computer_name")
    device = serializers.SerializerMethodField(
        help_text="Number of the device, null when the register has none"
    )
    covered = serializers.BooleanField(help_text="A permit allowed just this, there and then")
    seen = serializers.DictField(child=serializers.CharField(), help_text="The rest of the row of SKYSEA")
    state = serializers.ChoiceField(choices=DeviceAlert.State.choices)
    answer = serializers.CharField()
    reason = serializers.CharField()
    answered_at = serializers.DateTimeField(allow_null=True)

    def get_device(self, alert: DeviceAlert) -> str | None:
        """Its number."""
        return alert.device.number if alert.device else None


class AlertsView(ApiView):
    """The alerts of the organisations that this person sees."""

    query: ClassVar[frozenset[str]] = PAGE_QUERY | {"organisation", "state", "kind", "month", "q"}

    @extend_schema(
        operation_id="alerts_list",
        parameters=[
            *PAGE_PARAMETERS,
            OpenApiParameter("organisation", str, description="Code of an organisation"),
            OpenApiParameter("state", str, enum=DeviceAlert.State.values),
            OpenApiParameter("kind", str, enum=DeviceAlert.Kind.values),
            OpenApiParameter("month", str, description="Such as 2026-11"),
            OpenApiParameter("q", str, description="Machine, device, model or serial number"),
        ],
        responses=page_of(AlertSerializer),
    )
    def get(self, request: Request) -> Response:
        """Alerts, those read last first."""
        user = reader(request)
        rows = selectors.alerts(
            user,
            q=request.query_params.get("q", ""),
            state=choice(request, "state", DeviceAlert.State.values),
            kind=choice(request, "kind", DeviceAlert.Kind.values),
            month=request.query_params.get("month", ""),
            organisation=choice(request, "organisation", visible_codes(user)),
        )
        return listed(request, rows, AlertSerializer, "alert.list")


class AlertAnswerSerializer(StrictSerializer):
    """What was found out."""

    version = serializers.IntegerField(min_value=1, max_value=2**31 - 1, help_text="As it was read")
    answer = serializers.ChoiceField(choices=DeviceAlert.Answer.choices)
    reason = serializers.CharField(max_length=500)


class AlertAnswerView(StepView):
    """Answer an alert."""

    permission, body, shown = ANSWER_ALERTS, AlertAnswerSerializer, AlertSerializer
    load = staticmethod(selectors.alert)

    @extend_schema(
        operation_id="alerts_answer",
        request=AlertAnswerSerializer,
        responses=AlertSerializer,
        parameters=[IDEMPOTENCY_KEY],
    )
    def post(self, request: Request, pk: int) -> Response:
        """409 when somebody answered since `version` was read, 422 for an answer that cannot be given."""
        return self.step(request, pk)

    def take(self, found: DeviceAlert, user: User, values: dict[str, Any]) -> None:
        """What somebody else said meanwhile stays (DEV-08)."""
        seen = {found.pk: values.pop("version")}
        answers.answer_alerts(seen=seen, actor=user, now=timezone.now(), **values)
