"""The lists of dormant accounts over REST: one's own lines, and their answers (ACC-14)."""

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

from accounts.dormancy import answering, selectors
from accounts.dormancy.errors import ListClosed
from accounts.dormancy.models import DormantLine, DormantReview
from portal.common.api.paging import PAGE_PARAMETERS, PAGE_QUERY, choice, page_of
from portal.common.api.parsing import StrictSerializer
from portal.common.api.problems import Problem
from portal.common.api.schema import IDEMPOTENCY_KEY
from portal.common.api.views import ApiView
from portal.orgs.api import person_who_may, visible_codes
from portal.orgs.models import User
from portal.orgs.permissions import READ_ACCOUNTS
from portal.trail.api import listed
from portal.workflow.rounds.answers import Answer, Outcome, What
from portal.workflow.rounds.api import MOST_ANSWERS, AnswersView, LineAnswerSerializer, month_of

WORDS = {
    What.TAKEN: "answered",
    What.OVER: "left",
    What.CHANGED: "changed",
    What.SAME: "same",
    What.REFUSED: "refused",
}
_MONTH = r"20[0-9]{2}-(0[1-9]|1[0-2])"


class DormantLineSerializer(serializers.Serializer):
    """One dormant account of one month with its answer."""

    id = serializers.IntegerField()
    version = serializers.IntegerField(help_text="Name it with the answer")
    month = serializers.CharField(source="review.run")
    organisation = serializers.CharField(source="organisation.code")
    due_on = serializers.DateField(source="review.due_on")
    object_guid = serializers.UUIDField()
    login_name = serializers.CharField()
    display_name = serializers.CharField()
    department = serializers.CharField()
    is_administrator = serializers.BooleanField()
    made_at = serializers.DateTimeField()
    last_logon = serializers.DateTimeField(allow_null=True, help_text="null: never")
    last_logon_from = serializers.CharField()
    unconfirmed_by = serializers.ListField(
        source="review.missing",
        child=serializers.CharField(),
        help_text="Domain controllers that did not answer",
    )
    must_change = serializers.BooleanField(help_text="The initial password was never used")
    answer = serializers.ChoiceField(choices=DormantLine.Answer.choices, allow_blank=True)
    reason = serializers.CharField()
    answered_by = serializers.CharField(source="answered_by.display_name", default=None, allow_null=True)
    answered_at = serializers.DateTimeField(allow_null=True)
    application = serializers.CharField(source="application.number", default=None, allow_null=True)
    left = serializers.ChoiceField(choices=DormantLine.Left.choices, allow_blank=True)


class AnswerSerializer(LineAnswerSerializer):
    """One answer to one line as it was read."""

    answer = serializers.ChoiceField(choices=DormantLine.Answer.choices)


class AnswersSerializer(StrictSerializer):
    """Answers to lines of one list."""

    month = serializers.RegexField(rf"^{_MONTH}\Z", help_text="2026-12")
    organisation = serializers.CharField(max_length=20)
    answers = serializers.ListField(child=AnswerSerializer(), allow_empty=False, max_length=MOST_ANSWERS)


class OutcomeSerializer(serializers.Serializer):
    """What became of one answer."""

    outcome = serializers.ChoiceField(choices=list(WORDS.values()))
    text = serializers.CharField()
    line = DormantLineSerializer()


class DormantLinesView(ApiView):
    """The lines of the lists that this person sees."""

    query: ClassVar[frozenset[str]] = PAGE_QUERY | {"month", "organisation", "answer"}

    @extend_schema(
        operation_id="dormant_list",
        parameters=[
            *PAGE_PARAMETERS,
            OpenApiParameter("month", str, description="2026-12; every month if not given"),
            OpenApiParameter("organisation", str, description="Code of an organisation"),
            OpenApiParameter("answer", str, enum=selectors.ANSWERS),
        ],
        responses=page_of(DormantLineSerializer),
    )
    def get(self, request: Request) -> Response:
        """Dormant accounts, the newest list first (ACC-14)."""
        user = person_who_may(request, READ_ACCOUNTS)
        rows = selectors.filtered(selectors.lines(user), answer=choice(request, "answer", selectors.ANSWERS))
        if month := request.query_params.get("month"):
            rows = rows.filter(review__run__period=_month(month))
        if code := choice(request, "organisation", visible_codes(user)):
            rows = rows.filter(organisation__code=code)
        return listed(request, rows, DormantLineSerializer, "dormant.view")


class DormantAnswersView(AnswersView):
    """Answers to the lines of one list."""

    body, outcome, words = AnswersSerializer, OutcomeSerializer, WORDS
    permission, lines = READ_ACCOUNTS, staticmethod(selectors.lines)

    @extend_schema(
        operation_id="dormant_answer",
        parameters=[IDEMPOTENCY_KEY],
        request=AnswersSerializer,
        responses=OutcomeSerializer(many=True),
    )
    def post(self, request: Request) -> Response:
        """Keep with a reason, or delete, which puts the account into a delete draft (ACC-14)."""
        return self.answered(request)

    def find(self, user: User, values: dict[str, Any]) -> DormantReview:
        """The list of an organisation and month."""
        return selectors.review(user, _month(values["month"]), values["organisation"])

    def take(self, found: DormantReview, answers: Sequence[Answer], user: User) -> list[Outcome[Any]]:
        """409 when the next list has come."""
        try:
            return answering.answer(review_id=found.pk, decisions=answers, actor=user, now=timezone.now())
        except ListClosed as error:
            text = _("The next list has replaced this one. Answer there.")
            raise Problem(409, "list-replaced", text) from error


def _month(value: str) -> date:
    return month_of(value, name="month", problem=_("Write the month as 2026-12."))
