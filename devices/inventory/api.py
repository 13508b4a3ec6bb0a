"""The inventories over REST: one's own lines, and decisions about them (DEV-07)."""

from __future__ import annotations

from datetime import date
from typing import Any, ClassVar

from django.utils import timezone
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from devices.api import reader
from devices.inventory import deciding, selectors
from devices.inventory.deciding import Decision, What
from devices.inventory.errors import CampaignClosed, InvalidDecision
from devices.inventory.models import InventoryLine, InventorySheet
from portal.common.api.paging import PAGE_PARAMETERS, PAGE_QUERY, choice, page_of, paged, wrong_parameter
from portal.common.api.parsing import StrictSerializer
from portal.common.api.problems import FieldProblem, Problem, invalid, not_found
from portal.common.api.schema import IDEMPOTENCY_KEY
from portal.common.api.views import ApiView
from portal.orgs.api import visible_codes
from portal.orgs.models import User
from portal.trail import services as trail
from portal.workflow.api.errors import translated
from portal.workflow.api.idempotency import once

MOST_DECISIONS = 500
_QUARTER = r"20[0-9]{2}-(01|04|07|10)"


class InventoryLineSerializer(serializers.Serializer):
    """One device of one quarter with its decision."""

    id = serializers.IntegerField()
    version = serializers.IntegerField(help_text="Name it with the decision")
    quarter = serializers.CharField(source="sheet.campaign")
    organisation = serializers.CharField(source="organisation.code")
    due_on = serializers.DateField(source="sheet.campaign.due_on")
    number = serializers.CharField()
    name = serializers.CharField()
    computers = serializers.CharField()
    end_user = serializers.CharField()
    usage = serializers.ChoiceField(choices=InventoryLine.Usage.choices)
    last_used_at = serializers.DateTimeField(allow_null=True)
    usage_as_of = serializers.DateTimeField(allow_null=True)
    seen_at = serializers.DateTimeField(allow_null=True, help_text="Its label was scanned")
    reply = serializers.ChoiceField(choices=InventoryLine.Reply.choices, allow_blank=True)
    reply_text = serializers.CharField()
    decision = serializers.ChoiceField(choices=InventoryLine.Decision.choices, allow_blank=True)
    reason = serializers.CharField()
    decided_by = serializers.CharField(source="decided_by.display_name", default=None, allow_null=True)
    decided_at = serializers.DateTimeField(allow_null=True)
    gone_at = serializers.DateTimeField(allow_null=True, help_text="The permit ended: nothing to decide")
    application = serializers.CharField(source="application.number", default=None, allow_null=True)


class InventoryAnswerSerializer(StrictSerializer):
    """One decision about one line as it was read."""

    id = serializers.IntegerField(min_value=1, max_value=2**63 - 1)
    version = serializers.IntegerField(min_value=1, max_value=32767)
    decision = serializers.ChoiceField(choices=InventoryLine.Decision.choices)
    reason = serializers.CharField(
        required=False, default="", allow_blank=True, max_length=deciding.REASON_LENGTH
    )


class InventoryAnswersSerializer(StrictSerializer):
    """Decisions about lines of one sheet."""

    quarter = serializers.RegexField(rf"^{_QUARTER}\Z", help_text="2027-01")
    organisation = serializers.CharField(max_length=20)
    decisions = serializers.ListField(
        child=InventoryAnswerSerializer(), allow_empty=False, max_length=MOST_DECISIONS
    )


class InventoryOutcomeSerializer(serializers.Serializer):
    """What became of one decision."""

    outcome = serializers.ChoiceField(choices=[what.value for what in What])
    text = serializers.CharField()
    line = InventoryLineSerializer()


class InventoryLinesView(ApiView):
    """The lines of the inventories that this person sees."""

    query: ClassVar[frozenset[str]] = PAGE_QUERY | {"quarter", "organisation", "decision", "usage"}

    @extend_schema(
        operation_id="inventory_list",
        parameters=[
            *PAGE_PARAMETERS,
            OpenApiParameter("quarter", str, description="2027-01; every quarter if not given"),
            OpenApiParameter("organisation", str, description="Code of an organisation"),
            OpenApiParameter("decision", str, enum=selectors.DECISIONS),
            OpenApiParameter("usage", str, enum=InventoryLine.Usage.values),
        ],
        responses=page_of(InventoryLineSerializer),
    )
    def get(self, request: Request) -> Response:
        """Devices of the inventories, the newest first (DEV-07)."""
        user = reader(request)
        rows = selectors.filtered(
            selectors.lines(user),
            decision=choice(request, "decision", selectors.DECISIONS),
            usage=choice(request, "usage", InventoryLine.Usage.values),
        )
        if quarter := request.query_params.get("quarter"):
            rows = rows.filter(sheet__campaign__starts_on=_quarter(quarter))
        if code := choice(request, "organisation", visible_codes(user)):
            rows = rows.filter(organisation__code=code)
        found = paged(request, rows, InventoryLineSerializer)
        detail = {"query": request.query_params.dict()}
        trail.record(action="inventory.view", now=timezone.now(), actor=user, detail=detail)
        return Response(found)


class InventoryDecisionsView(ApiView):
    """Decisions about the lines of one sheet."""

    @extend_schema(
        operation_id="inventory_decide",
        parameters=[IDEMPOTENCY_KEY],
        request=InventoryAnswersSerializer,
        responses=InventoryOutcomeSerializer(many=True),
    )
    def post(self, request: Request) -> Response:
        """Keep with a reason, remove, or missing (DEV-07)."""
        user = reader(request)
        return once(request, user, lambda: self._decide(request, user))

    def _decide(self, request: Request, user: User) -> Response:
        checked = InventoryAnswersSerializer(data=request.data)
        checked.is_valid(raise_exception=True)
        values = checked.validated_data
        try:
            sheet = selectors.sheet(user, _quarter(values["quarter"]), values["organisation"])
        except InventorySheet.DoesNotExist:
            raise not_found() from None
        return Response(InventoryOutcomeSerializer(_taken(sheet, values["decisions"], user), many=True).data)


def _taken(sheet: InventorySheet, rows: list[dict[str, Any]], user: User) -> list[dict[str, Any]]:
    decisions = [
        Decision(line_id=row["id"], version=row["version"], decision=row["decision"], reason=row["reason"])
        for row in rows
    ]
    try:
        with translated():
            outcomes = deciding.decide(sheet_id=sheet.pk, decisions=decisions, actor=user, now=timezone.now())
    except InvalidDecision as error:
        problems = [FieldProblem(f"decisions/{name}", str(text)) for name, text in error.errors.items()]
        raise invalid(problems, 422) from error
    except CampaignClosed as error:
        text = _("This inventory is closed. Nothing was changed.")
        raise Problem(409, "inventory-closed", text) from error
    lines = selectors.lines(user).in_bulk([outcome.line.pk for outcome in outcomes])
    return [
        {"outcome": outcome.what.value, "text": outcome.text, "line": lines[outcome.line.pk]}
        for outcome in outcomes
    ]


def _quarter(value: str) -> date:
    try:
        return date.fromisoformat(f"{value}-01")
    except ValueError:
        raise wrong_parameter("quarter", _("Write the quarter as 2027-01.")) from None
