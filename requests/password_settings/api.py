"""Password settings over REST. They are changed by applications (POST applications/)."""

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
from portal.orgs.permissions import READ_PASSWORD_SETTINGS
from portal.trail import services as trail
from requests.password_settings import selectors
from requests.password_settings.models import PasswordLifetime


class SettingsAccountSerializer(serializers.Serializer):
    """One named account."""

    guid = serializers.UUIDField()
    login_name = serializers.CharField()
    name = serializers.CharField()


class PasswordLifetimeSerializer(serializers.Serializer):
    """Password settings that the portal made."""

    organisation = serializers.CharField(source="organisation.code")
    name = serializers.CharField()
    object_guid = serializers.UUIDField()
    state = serializers.ChoiceField(choices=PasswordLifetime.State.choices)
    is_overdue = serializers.BooleanField(help_text="The last day is over and they are still in AD")
    lifetime_days = serializers.IntegerField()
    lifetime_before = serializers.IntegerField(help_text="Days without them")
    precedence = serializers.IntegerField()
    group = serializers.CharField(source="group_name", help_text="Empty: for named accounts")
    accounts = SettingsAccountSerializer(many=True)
    affected = serializers.IntegerField(help_text="Accounts affected when last verified")
    until = serializers.DateField(help_text="The last day in Japan")
    started_at = serializers.DateTimeField()
    ended_at = serializers.DateTimeField(allow_null=True)
    end_reason = serializers.CharField()


class PasswordLifetimesView(ApiView):
    """The settings of the organisations that this person sees."""

    query: ClassVar[frozenset[str]] = PAGE_QUERY | {"organisation", "state", "q"}

    @extend_schema(
        operation_id="password_lifetimes",
        parameters=[
            *PAGE_PARAMETERS,
            OpenApiParameter("organisation", str, description="Code of an organisation"),
            OpenApiParameter("state", str, enum=PasswordLifetime.State.values),
            OpenApiParameter("q", str, description="Name, group, login name, person; all words must occur"),
        ],
        responses=page_of(PasswordLifetimeSerializer),
    )
    def get(self, request: Request) -> Response:
        """In force and ended, newest first."""
        user = person_who_may(request, READ_PASSWORD_SETTINGS)
        rows = selectors.lifetimes(
            user,
            q=request.query_params.get("q", ""),
            state=choice(request, "state", PasswordLifetime.State.values),
            organisation=choice(request, "organisation", visible_codes(user)),
        )
        found = paged(request, rows, PasswordLifetimeSerializer)
        detail = {"query": request.query_params.dict()}
        trail.record(action="password_lifetime.list", now=timezone.now(), actor=user, detail=detail)
        return Response(found)
