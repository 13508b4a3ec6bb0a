"""The comparison with SKYSEA over REST: what does not fit, and its answer. Files are brought on the screen."""

from __future__ import annotations

from typing import Any, ClassVar

from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from devices.api import StepView, reader
from devices.exchange import answers, selectors
from devices.exchange.models import SkyseaFinding
from portal.common.api.paging import PAGE_PARAMETERS, PAGE_QUERY, choice, page_of
from portal.common.api.parsing import StrictSerializer
from portal.common.api.schema import IDEMPOTENCY_KEY
from portal.common.api.views import ApiView
from portal.orgs.api import visible_codes
from portal.orgs.models import User
from portal.orgs.permissions import REGISTER_DEVICES
from portal.trail.api import listed


class SkyseaFindingSerializer(serializers.Serializer):
    """One way in which SKYSEA and the register differ."""

    id = serializers.IntegerField(source="pk")
    organisation = serializers.CharField(source="organisation.code")
    kind = serializers.ChoiceField(choices=SkyseaFinding.Kind.choices)
    state = serializers.ChoiceField(choices=SkyseaFinding.State.choices)
    device = serializers.SerializerMethodField(
        help_text="Number of the device, null when the register has none"
    )
    seen = serializers.DictField(child=serializers.CharField(), help_text="The row as SKYSEA has it")
    differences = serializers.ListField(child=serializers.DictField(child=serializers.CharField()))
    digest = serializers.CharField(help_text="Send it back with the answer: it says what was seen")
    again = serializers.BooleanField()
    answer = serializers.CharField()
    reason = serializers.CharField()
    first_seen_at = serializers.DateTimeField()
    last_seen_at = serializers.DateTimeField()

    def get_device(self, finding: SkyseaFinding) -> str | None:
        """Its number."""
        return finding.device.number if finding.device else None


class SkyseaFindingsView(ApiView):
    """The findings of the organisations that this person sees."""

    query: ClassVar[frozenset[str]] = PAGE_QUERY | {"organisation", "state", "kind", "q"}

    @extend_schema(
        operation_id="skysea_findings_list",
        parameters=[
            *PAGE_PARAMETERS,
            OpenApiParameter("organisation", str, description="Code of an organisation"),
            OpenApiParameter("state", str, enum=SkyseaFinding.State.values),
            OpenApiParameter("kind", str, enum=SkyseaFinding.Kind.values),
            OpenApiParameter("q", str, description="Device, model or serial number"),
        ],
        responses=page_of(SkyseaFindingSerializer),
    )
    def get(self, request: Request) -> Response:
        """Findings, newest first."""
        user = reader(request)
        rows = selectors.findings(
            user,
            q=request.query_params.get("q", ""),
            state=choice(request, "state", SkyseaFinding.State.values),
            kind=choice(request, "kind", SkyseaFinding.Kind.values),
            organisation=choice(request, "organisation", visible_codes(user)),
        )
        return listed(request, rows, SkyseaFindingSerializer, "skysea.list")


class SkyseaAnswerSerializer(StrictSerializer):
    """The answer to a finding."""

    digest = serializers.CharField(max_length=64)
    answer = serializers.ChoiceField(choices=SkyseaFinding.Answer.choices)
    reason = serializers.CharField(max_length=500, required=False, allow_blank=True, default="")
    confirms_reason = serializers.BooleanField(required=False, default=False)


class SkyseaAnswerView(StepView):
    """Answer a finding."""

    permission, body, shown = REGISTER_DEVICES, SkyseaAnswerSerializer, SkyseaFindingSerializer
    load = staticmethod(selectors.finding)

    @extend_schema(
        operation_id="skysea_findings_answer",
        request=SkyseaAnswerSerializer,
        responses=SkyseaFindingSerializer,
        parameters=[IDEMPOTENCY_KEY],
    )
    def post(self, request: Request, pk: int) -> Response:
        """409 when it is not what `digest` says any more, 422 for an answer that cannot be given."""
        return self.step(request, pk)

    def take(self, found: SkyseaFinding, user: User, values: dict[str, Any]) -> None:
        """See the service."""
        answers.answer_finding(finding_id=found.pk, actor=user, now=timezone.now(), **values)
