"""Who I am and which organisations I see, over REST."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from portal.common.api.problems import not_allowed
from portal.common.api.views import ApiView
from portal.orgs.models import Organisation, User
from portal.orgs.permissions import OrganisationKind, Permission, Role


class OrganisationSerializer(serializers.Serializer):
    """An organisation of the network."""

    code = serializers.CharField()
    kind = serializers.ChoiceField(choices=OrganisationKind.choices)
    name = serializers.CharField()
    short_name = serializers.CharField()
    prefecture_number = serializers.IntegerField(allow_null=True)


class MembershipSerializer(serializers.Serializer):
    """A role that the person holds today."""

    organisation = OrganisationSerializer()
    role = serializers.ChoiceField(choices=Role.choices)
    role_label = serializers.CharField(source="get_role_display")
    valid_from = serializers.DateField()
    valid_until = serializers.DateField(allow_null=True)


class MeSerializer(serializers.Serializer):
    """The person behind the session or token."""

    uid = serializers.UUIDField()
    login_name = serializers.CharField()
    name = serializers.CharField(source="display_name")
    mail = serializers.CharField(source="email")
    language = serializers.CharField()
    organisation = OrganisationSerializer()
    memberships = MembershipSerializer(many=True, source="current_memberships")


def person(request: Request) -> User:
    """The person of an authenticated request."""
    user: Any = request.user
    return user  # type: ignore[no-any-return]


def person_who_may(request: Request, permission: Permission) -> User:
    """The person, who must have the permission somewhere; raises the 403 problem."""
    user = person(request)
    if not user.may(permission):
        raise not_allowed()
    return user


def visible_organisations(user: User) -> QuerySet[Organisation]:
    """The organisations whose rows this person sees (ORG-02)."""
    if user.scope.everything:
        return Organisation.objects.all()
    return Organisation.objects.filter(pk__in=user.scope.organisation_ids)


def visible_codes(user: User) -> list[str]:
    """Their codes; any other code is unknown to this person, whether it exists or not."""
    return list(visible_organisations(user).values_list("code", flat=True))


class OrganisationsView(ApiView):
    """The organisations that this person sees."""

    @extend_schema(operation_id="organisations_list", responses=OrganisationSerializer(many=True))
    def get(self, request: Request) -> Response:
        """In the order of the prefectures; at most 51, so without pages."""
        return Response(OrganisationSerializer(visible_organisations(person(request)), many=True).data)


class MeView(ApiView):
    """The person who asks."""

    @extend_schema(operation_id="me_read", responses=MeSerializer)
    def get(self, request: Request) -> Response:
        """Name, language and today's roles."""
        return Response(MeSerializer(person(request)).data)
