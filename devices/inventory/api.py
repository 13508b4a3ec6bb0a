"""The inventories over REST: one's own lines, and decisions about them (DEV-07)."""

from __future__ import annotations

from collections.abc import Sequence
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
from devices.inventory.errors import CampaignClosed
from devices.inventory.models import InventoryLine, InventorySheet
from portal.common.api.paging import PAGE_PARAMETERS, PAGE_QUERY, choice, page_of
from portal.common.api.parsing import StrictSerializer
from portal.common.api.problems import Problem
from portal.common.api.schema import IDEMPOTENCY_KEY
from portal.common.api.views import ApiView
from portal.orgs.api import visible_codes
from portal.orgs.models import User
from portal.orgs.permissions import READ_DEVICES
from portal.trail.api import listed
from portal.workflow.rounds.answers import Answer, Outcome, What
from portal.workflow.rounds.api import MOST_ANSWERS, AnswersView, LineAnswerSerializer, month_of

WORDS = {
    What.TAKEN: "decided",
    What.SAME: "same",
    What.OVER: "gone",
    What.CHANGED: "changed",
    What.REFUSED: "refused",
}
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


class InventoryAnswerSerializer(LineAnswerSerializer):
    """One decision about one line as it was read."""

    decision = serializers.ChoiceField(choices=InventoryLine.Decision.choices)


class InventoryAnswersSerializer(StrictSerializer):
    """Decisions about lines of one sheet."""

    quarter = serializers.RegexField(rf"^{_QUARTER}\Z", help_text="2027-01")
    organisation = serializers.CharField(max_length=20)
    decisions = serializers.ListField(
        child=InventoryAnswerSerializer(), allow_empty=False, max_length=MOST_ANSWERS
    )


class InventoryOutcomeSerializer(serializers.Serializer):
    """What became of one decision."""

    outcome = serializers.ChoiceField(choices=list(WORDS.values()))
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
        return listed(request, rows, InventoryLineSerializer, "inventory.view")


class InventoryDecisionsView(AnswersView):
    """Decisions about the lines of one sheet."""

    body, outcome, words = InventoryAnswersSerializer, InventoryOutcomeSerializer, WORDS
    one, many = "decision", "decisions"
    permission, lines = READ_DEVICES, staticmethod(selectors.lines)

    @extend_schema(
        operation_id="inventory_decide",
        parameters=[IDEMPOTENCY_KEY],
        request=InventoryAnswersSerializer,
        responses=InventoryOutcomeSerializer(many=True),
    )
    def post(self, request: Request) -> Response:
        """Keep with a reason, remove, or missing (DEV-07)."""
        return self.answered(request)

    def find(self, user: User, values: dict[str, Any]) -> InventorySheet:
        """The sheet of a federation and quarter."""
        return selectors.sheet(user, _quarter(values["quarter"]), values["organisation"])

    def take(self, found: InventorySheet, answers: Sequence[Answer], user: User) -> list[Outcome[Any]]:
        """409 when the inventory is closed."""
        try:
            return deciding.decide(sheet_id=found.pk, decisions=answers, actor=user, now=timezone.now())
        except CampaignClosed as error:
            text = _("This inventory is closed. Nothing was changed.")
            raise Problem(409, "inventory-closed", text) from error


def _quarter(value: str) -> date:
    return month_of(value, name="quarter", problem=_("Write the quarter as 2027-01."))
