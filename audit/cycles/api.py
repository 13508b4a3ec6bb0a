"""The months of the audit over REST: read only, and the due days as an iCalendar feed with a personal API token."""

from __future__ import annotations

from typing import Any, ClassVar

from django.http import HttpResponse
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from audit.cycles import calendar, dates, pages, selectors
from audit.cycles.models import first_of_month
from audit.cycles.views import FEED_AHEAD, FEED_BACK
from portal.common.api.paging import choice
from portal.common.api.problems import FieldProblem, invalid
from portal.common.api.views import ApiView
from portal.common.time import today
from portal.orgs.api import person_who_may
from portal.orgs.permissions import READ_AUDIT_CYCLES
from portal.trail import services as trail
from portal.workflow.calendar import ical
from portal.workflow.calendar.views import ics_response

_MONTHS = 12


class AuditStepSerializer(serializers.Serializer):
    """One step of a month."""

    step = serializers.IntegerField(source="step.step", help_text="1 to 7 as in table 2-53")
    name = serializers.CharField(source="step.get_step_display")
    owner = serializers.CharField(source="step.owner", help_text="OPERATIONS, CENTRAL or FEDERATION")
    starts_on = serializers.DateField(source="step.starts_on")
    due_on = serializers.DateField(source="step.due_on")
    moved = serializers.CharField(source="step.moved", help_text="Why the day is not the one of the rule")
    optional = serializers.BooleanField(source="step.optional")
    standing = serializers.CharField(
        source="state",
        help_text="DONE, ATTENTION (late), RUNNING, WAITING (planned), BLOCKED (days over, waits for the step before), PAST (days over)",
    )
    done = serializers.SerializerMethodField(help_text="Reports that have this step behind them")
    total = serializers.SerializerMethodField(help_text="Reports that this person may see")

    def get_done(self, cell: pages.Cell) -> int:
        """0 for a month that is not open."""
        return cell.progress.done if cell.progress else 0

    def get_total(self, cell: pages.Cell) -> int:
        """0 for a month that is not open."""
        return cell.progress.total if cell.progress else 0


class AuditCycleSerializer(serializers.Serializer):
    """One month."""

    month = serializers.CharField(source="month.cycle.key", help_text="Such as 2026-09")
    is_open = serializers.BooleanField(
        source="month.is_open", help_text="False: worked out from what holds now, may still change"
    )
    covers_from = serializers.DateField(source="month.cycle.covers_from")
    covers_until = serializers.DateField(source="month.cycle.covers_until")
    steps = AuditStepSerializer(source="cells", many=True)


class AuditCyclesView(ApiView):
    """Months with their steps."""

    query: ClassVar[frozenset[str]] = frozenset({"from", "owner"})

    @extend_schema(
        operation_id="audit_cycles_list",
        parameters=[
            OpenApiParameter("from", str, description="First month such as 2026-09; left out: three back"),
            OpenApiParameter("owner", str, enum=[str(owner) for owner in calendar.OWNERS]),
        ],
        responses=AuditCycleSerializer(many=True),
    )
    def get(self, request: Request) -> Response:
        """Twelve months, the oldest first; without those before the audit began."""
        user = person_who_may(request, READ_AUDIT_CYCLES)
        owner, day = choice(request, "owner", map(str, calendar.OWNERS)), today(timezone.now())
        sent = request.query_params.get("from", "")
        first = selectors.month_of(sent) if sent else dates.add_months(first_of_month(day), -3)
        if first is None:
            raise invalid([FieldProblem("from", "2026-09")])
        months = selectors.months(first, dates.add_months(first, _MONTHS - 1), user=user)
        _record(request, user)
        return Response(AuditCycleSerializer(pages.rows_of(months, day, owner), many=True).data)


class AuditFeedView(ApiView):
    """The due days for a calendar program."""

    query: ClassVar[frozenset[str]] = frozenset({"owner"})

    @extend_schema(
        operation_id="audit_calendar_feed",
        parameters=[
            OpenApiParameter(
                "owner",
                str,
                enum=[calendar.MINE, calendar.ALL, *map(str, calendar.OWNERS)],
                description="Left out: what the person's own party owes",
            )
        ],
        responses={(200, "text/calendar"): OpenApiTypes.STR},
    )
    def get(self, request: Request) -> HttpResponse:
        """Two months back and a year ahead, as text/calendar."""
        user = person_who_may(request, READ_AUDIT_CYCLES)
        owners = (calendar.MINE, calendar.ALL, *map(str, calendar.OWNERS))
        owner, now = choice(request, "owner", owners) or calendar.MINE, timezone.now()
        day = today(now)
        _record(request, user)
        found = calendar.due_entries(user, day - FEED_BACK, day + FEED_AHEAD, owner=owner, now=now)
        return ics_response(ical.calendar_of(found, now))


def _record(request: Request, user: Any) -> None:
    detail = {"query": request.query_params.dict()}
    trail.record(action="audit_cycle.list", now=timezone.now(), actor=user, detail=detail)
