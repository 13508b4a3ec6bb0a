"""Answers to the lines of one list over REST: what each answer of the body says, and what became of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Any, ClassVar

from django.core.exceptions import ObjectDoesNotExist
from django.db.models import QuerySet
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from portal.common.api.paging import wrong_parameter
from portal.common.api.parsing import StrictSerializer
from portal.common.api.problems import FieldProblem, invalid, not_found
from portal.common.api.views import ApiView
from portal.orgs.api import person_who_may
from portal.orgs.models import User
from portal.orgs.permissions import Permission
from portal.workflow.api.errors import translated
from portal.workflow.api.idempotency import once
from portal.workflow.rounds.answers import REASON_LENGTH, Answer, InvalidAnswer, Outcome

MOST_ANSWERS = 500  # in one body


class LineAnswerSerializer(StrictSerializer):
    """One answer to one line as it was read; a room adds which answers there are."""

    id = serializers.IntegerField(min_value=1, max_value=2**63 - 1)
    version = serializers.IntegerField(min_value=1, max_value=32767)
    reason = serializers.CharField(required=False, default="", allow_blank=True, max_length=REASON_LENGTH)


class AnswersView(ApiView):
    """Answers to lines of one list, each judged by itself."""

    body: ClassVar[type[StrictSerializer]]
    outcome: ClassVar[type[serializers.Serializer]]
    words: ClassVar[Mapping[Any, str]]  # what became of an answer, as the room calls it
    one: ClassVar[str] = "answer"  # how the body calls an answer
    many: ClassVar[str] = "answers"
    permission: ClassVar[Permission]  # to read these lists
    lines: ClassVar[Callable[..., QuerySet[Any]]]  # selector of the person's lines

    def find(self, user: User, values: dict[str, Any]) -> Any:
        """The list that the body names; raises DoesNotExist also for another federation's (ORG-02)."""
        raise NotImplementedError

    def take(self, found: Any, answers: Sequence[Answer], user: User) -> Sequence[Outcome[Any]]:
        """The service call."""
        raise NotImplementedError

    def answered(self, request: Request) -> Response:
        """What became of each, with the line as it stands now."""
        user = person_who_may(request, self.permission)
        return once(request, user, lambda: self._answered(request, user))

    def _answered(self, request: Request, user: User) -> Response:
        body = self.body(data=request.data)
        body.is_valid(raise_exception=True)
        values = body.validated_data
        try:
            found = self.find(user, values)
        except ObjectDoesNotExist:
            raise not_found() from None
        answers = [
            Answer(line_id=row["id"], version=row["version"], answer=row[self.one], reason=row["reason"])
            for row in values[self.many]
        ]
        try:
            with translated():
                outcomes = self.take(found, answers, user)
        except InvalidAnswer as error:
            problems = [FieldProblem(f"{self.many}/{name}", str(text)) for name, text in error.errors.items()]
            raise invalid(problems, 422) from error
        lines = self.lines(user).in_bulk([outcome.line.pk for outcome in outcomes])
        rows = [
            {"outcome": self.words[outcome.what], "text": outcome.text, "line": lines[outcome.line.pk]}
            for outcome in outcomes
        ]
        return Response(self.outcome(rows, many=True).data)


def month_of(value: str, *, name: str, problem: str) -> date:
    """The first day of a month that a client wrote as 2026-12. Raises a 400 problem about the parameter `name`."""
    try:
        return date.fromisoformat(f"{value}-01")
    except ValueError:
        raise wrong_parameter(name, problem) from None
