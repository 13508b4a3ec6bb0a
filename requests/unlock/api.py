"""Unlocks over REST. They are applied for with POST applications/ and decided like every application."""

from __future__ import annotations

from typing import ClassVar

from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from portal.common.api.paging import PAGE_PARAMETERS, PAGE_QUERY, choice, page_of, paged
from portal.common.api.views import ApiView
from portal.orgs.api import person_who_may, visible_codes
from portal.orgs.permissions import READ_ACCOUNTS, READ_OPERATIONS
from portal.trail import services as trail
from requests.unlock import selectors
from requests.unlock.models import AccountUnlock


class UnlockSerializer(serializers.Serializer):
    """One account that was unlocked."""

    organisation = serializers.CharField(source="organisation.code")
    application_number = serializers.CharField()
    object_guid = serializers.UUIDField()
    login_name = serializers.CharField()
    display_name = serializers.CharField()
    way = serializers.ChoiceField(AccountUnlock.Way.choices, help_text="Who vouched that the user asked")
    locked_since = serializers.DateTimeField(
        allow_null=True, help_text="Null: it was not locked any more when its turn came"
    )
    attempts = serializers.IntegerField(allow_null=True, help_text="Wrong passwords, as far as known")
    sources = serializers.CharField(help_text="From where, as far as the portal knows")
    unlocked_at = serializers.DateTimeField()
    by_hand = serializers.BooleanField()
    is_repeated = serializers.BooleanField(help_text="One of several in short time")
    owner_told = serializers.BooleanField(help_text="Whether its user was told by mail")


class WaitingAccountSerializer(serializers.Serializer):
    """One account of an application that waits for network operations."""

    login_name = serializers.CharField()
    display_name = serializers.CharField()
    locked_since = serializers.DateTimeField(source="lock.since", allow_null=True, default=None)
    ends_at = serializers.DateTimeField(source="lock.ends_at", allow_null=True, default=None)
    attempts = serializers.IntegerField(source="lock.attempts.count", allow_null=True, default=None)
    recent_unlocks = serializers.IntegerField(source="recent")
    is_repeated = serializers.BooleanField(help_text="Unlocking it makes several in short time")


class WaitingUnlockSerializer(serializers.Serializer):
    """One application; decide it with POST applications/{number}/approve/."""

    application_number = serializers.CharField(source="application.number")
    organisation = serializers.CharField(source="application.organisation.code")
    submitted_at = serializers.DateTimeField(source="application.submitted_at")
    is_proven = serializers.BooleanField(help_text="The user proved who they are")
    is_blocked = serializers.BooleanField(help_text="Unlocking would not help")
    accounts = WaitingAccountSerializer(many=True)


class UnlocksView(ApiView):
    """The unlocks of the organisations that this person sees."""

    query: ClassVar[frozenset[str]] = PAGE_QUERY | {"organisation", "way", "repeated", "q"}

    @extend_schema(
        operation_id="unlocks",
        parameters=[
            *PAGE_PARAMETERS,
            OpenApiParameter("organisation", str, description="Code of an organisation"),
            OpenApiParameter("way", str, enum=AccountUnlock.Way.values),
            OpenApiParameter("repeated", str, enum=["1"], description="Only several in short time"),
            OpenApiParameter("q", str, description="Login name, name or number; all words must occur"),
        ],
        responses=page_of(UnlockSerializer),
    )
    def get(self, request: Request) -> Response:
        """Unlocks, newest first."""
        user = person_who_may(request, READ_ACCOUNTS)
        rows = selectors.unlocks(
            user,
            q=request.query_params.get("q", ""),
            way=choice(request, "way", AccountUnlock.Way.values),
            repeated=choice(request, "repeated", ["1"]),
            organisation=choice(request, "organisation", visible_codes(user)),
        )
        found = paged(request, rows.order_by("-id"), UnlockSerializer)
        detail = {"query": request.query_params.dict()}
        trail.record(action="unlock.list", now=timezone.now(), actor=user, detail=detail)
        return Response(found)


class WaitingUnlocksView(ApiView):
    """What waits for network operations, with the locks as they are now."""

    @extend_schema(operation_id="unlocks_waiting", responses=WaitingUnlockSerializer(many=True))
    def get(self, request: Request) -> Response:
        """The oldest first, at most 200."""
        user, now = person_who_may(request, READ_OPERATIONS), timezone.now()
        found = selectors.waiting(user, now)
        trail.record(action="unlock.waiting", now=now, actor=user, detail={"count": len(found)})
        return Response(WaitingUnlockSerializer(found, many=True).data)
