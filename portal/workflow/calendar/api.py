"""The calendar over REST: as JSON, and as an iCalendar feed for a program that sends a personal API token."""

from __future__ import annotations

from datetime import date, timedelta
from typing import ClassVar

from django.http import HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from portal.common.api.paging import choice, day
from portal.common.api.problems import FieldProblem, invalid
from portal.common.api.views import ApiView
from portal.common.time import today
from portal.orgs.api import person_who_may, visible_codes
from portal.orgs.permissions import READ_APPLICATIONS
from portal.trail import services as trail
from portal.workflow import kinds
from portal.workflow.calendar import ical, pages
from portal.workflow.calendar.entries import MOST, STATES, Look, entries, whole_or_told
from portal.workflow.calendar.views import ics_response

_LONGEST = timedelta(days=92)
_FEED_BEFORE, _FEED_AFTER = timedelta(days=14), timedelta(days=77)


class CalendarEntrySerializer(serializers.Serializer):
    """One entry."""

    uid = serializers.CharField(help_text="Stays the same as long as the thing does")
    first_day = serializers.DateField(source="day")
    last_day = serializers.DateField(source="last")
    entry_state = serializers.CharField(source="state", help_text=", ".join(STATES))
    state_label = serializers.CharField()
    kind = serializers.CharField()
    title = serializers.CharField()
    organisation = serializers.CharField(help_text="Short name; empty: concerns all")
    application = serializers.CharField(source="number", help_text="Empty: about no application")
    detail = serializers.CharField()


_PARAMETERS = [
    OpenApiParameter("kind", str, description="Code of a kind"),
    OpenApiParameter("organisation", str, description="Code of an organisation"),
    OpenApiParameter("state", str, enum=list(STATES)),
]


class CalendarEntriesView(ApiView):
    """What was, is and will be changed."""

    query: ClassVar[frozenset[str]] = frozenset({"since", "until", "kind", "organisation", "state"})

    @extend_schema(
        operation_id="calendar_list",
        parameters=[
            OpenApiParameter("since", date, description="First day; left out: today"),
            OpenApiParameter("until", date, description="Last day, at most 92 later; left out: 30 later"),
            *_PARAMETERS,
        ],
        responses=CalendarEntrySerializer(many=True),
    )
    def get(self, request: Request) -> Response:
        """By day, at most 500 of each sort; where there were more, the header Calendar-Cut says so."""
        since, until = day(request, "since"), day(request, "until")
        first = date.fromisoformat(since) if since else today(timezone.now())
        last = date.fromisoformat(until) if until else first + timedelta(days=30)
        if not timedelta(0) <= last - first <= _LONGEST:
            raise invalid([FieldProblem("until", _("Give at most 92 days, from the earlier to the later."))])
        look = _look(request, first, last)
        response = Response(CalendarEntrySerializer(entries(look), many=True).data)
        if look.cut:
            response["Calendar-Cut"] = str(MOST)
        return response


class CalendarFeedView(ApiView):
    """The feed: two weeks back and eleven ahead."""

    query: ClassVar[frozenset[str]] = frozenset({"kind", "organisation", "state"})

    @extend_schema(
        operation_id="calendar_feed",
        parameters=_PARAMETERS,
        responses={(200, "text/calendar"): OpenApiTypes.STR},
    )
    def get(self, request: Request) -> HttpResponse:
        """As text/calendar."""
        now = timezone.now()
        look = _look(request, today(now) - _FEED_BEFORE, today(now) + _FEED_AFTER)
        return ics_response(ical.calendar_of(whole_or_told(look), now))


def _look(request: Request, first: date, last: date) -> Look:
    user = person_who_may(request, READ_APPLICATIONS)
    choice(request, "kind", (kind.code for kind in kinds.all_kinds()))
    choice(request, "organisation", visible_codes(user))
    choice(request, "state", STATES)
    query = request.query_params.dict()
    detail = {"query": query, "first": first.isoformat(), "last": last.isoformat()}
    trail.record(action="calendar.list", now=timezone.now(), actor=user, detail=detail)
    return pages.narrowed(user, query, first, last, timezone.now())
