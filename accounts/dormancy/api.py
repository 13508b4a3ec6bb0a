"""The lists of dormant accounts over REST: one's own lines, and their answers (ACC-14)."""

from __future__ import annotations

from datetime import date
from typing import Any, ClassVar

from django.utils import timezone
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.dormancy import answering, selectors
from accounts.dormancy.answering import Decision, Outcome, What
from accounts.dormancy.errors import InvalidAnswer, ListClosed
from accounts.dormancy.models import DormantLine, DormantReview
from portal.common.api.paging import PAGE_PARAMETERS, PAGE_QUERY, choice, page_of, paged, wrong_parameter
from portal.common.api.parsing import StrictSerializer
from portal.common.api.problems import FieldProblem, Problem, invalid, not_allowed, not_found
from portal.common.api.schema import IDEMPOTENCY_KEY
from portal.common.api.views import ApiView
from portal.orgs import permissions
from portal.orgs.api import person, visible_codes
from portal.orgs.models import User
from portal.trail import services as trail
from portal.workflow.api.errors import translated
from portal.workflow.api.idempotency import once

MOST_ANSWERS = 500
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


class AnswerSerializer(StrictSerializer):
    """One answer to one line as it was read."""

    id = serializers.IntegerField(min_value=1, max_value=2**63 - 1)
    version = serializers.IntegerField(min_value=1, max_value=32767)
    answer = serializers.ChoiceField(choices=DormantLine.Answer.choices)
    reason = serializers.CharField(
        required=False, default="", allow_blank=True, max_length=answering.REASON_LENGTH
    )


class AnswersSerializer(StrictSerializer):
    """Answers to lines of one list."""

    month = serializers.RegexField(rf"^{_MONTH}\Z", help_text="2026-12")
    organisation = serializers.CharField(max_length=20)
    answers = serializers.ListField(child=AnswerSerializer(), allow_empty=False, max_length=MOST_ANSWERS)


class OutcomeSerializer(serializers.Serializer):
    """What became of one answer."""

    outcome = serializers.ChoiceField(choices=[what.value for what in What])
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
        user = person(request)
        if not user.may(permissions.READ_ACCOUNTS):
            raise not_allowed()
        rows = selectors.filtered(selectors.lines(user), answer=choice(request, "answer", selectors.ANSWERS))
        if month := request.query_params.get("month"):
            rows = rows.filter(review__run__period=_month(month))
        if code := choice(request, "organisation", visible_codes(user)):
            rows = rows.filter(organisation__code=code)
        found = paged(request, rows, DormantLineSerializer)
        trail.record(
            action="dormant.view",
            now=timezone.now(),
            actor=user,
            detail={"query": request.query_params.dict()},
        )
        return Response(found)


class DormantAnswersView(ApiView):
    """Answers to the lines of one list."""

    @extend_schema(
        operation_id="dormant_answer",
        parameters=[IDEMPOTENCY_KEY],
        request=AnswersSerializer,
        responses=OutcomeSerializer(many=True),
    )
    def post(self, request: Request) -> Response:
        """Keep with a reason, or delete, which puts the account into a delete draft (ACC-14)."""
        user = person(request)
        return once(request, user, lambda: self._answer(request, user))

    def _answer(self, request: Request, user: User) -> Response:
        if not user.may(permissions.READ_ACCOUNTS):
            raise not_allowed()
        checked = AnswersSerializer(data=request.data)
        checked.is_valid(raise_exception=True)
        values = checked.validated_data
        try:
            review = selectors.review(user, _month(values["month"]), values["organisation"])
        except DormantReview.DoesNotExist:
            raise not_found() from None
        return Response(OutcomeSerializer(_taken(review, values["answers"], user), many=True).data)


def _taken(review: DormantReview, answers: list[dict[str, Any]], user: User) -> list[dict[str, Any]]:
    decisions = [
        Decision(line_id=row["id"], version=row["version"], answer=row["answer"], reason=row["reason"])
        for row in answers
    ]
    try:
        with translated():
            outcomes = answering.answer(
                review_id=review.pk, decisions=decisions, actor=user, now=timezone.now()
            )
    except InvalidAnswer as error:
        raise invalid(
            [FieldProblem(f"answers/{name}", str(text)) for name, text in error.errors.items()], 422
        ) from error
    except ListClosed as error:
        raise Problem(
            409, "list-replaced", _("The next list has replaced this one. Answer there.")
        ) from error
    return _shown(outcomes, user)


def _shown(outcomes: list[Outcome], user: User) -> list[dict[str, Any]]:
    """The lines read again as the list shows them, in the order of the answers' lines."""
    lines = selectors.lines(user).in_bulk([outcome.line.pk for outcome in outcomes])
    return [
        {"outcome": outcome.what.value, "text": outcome.text, "line": lines[outcome.line.pk]}
        for outcome in outcomes
    ]


def _month(value: str) -> date:
    try:
        return date.fromisoformat(f"{value}-01")
    except ValueError:
        raise wrong_parameter("month", _("Write the month as 2026-12.")) from None
