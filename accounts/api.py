"""The register of accounts over REST."""

from __future__ import annotations

from typing import ClassVar

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import selectors
from accounts.models import DirectoryAccount
from portal.common.api.paging import PAGE_PARAMETERS, PAGE_QUERY, choice, page_of
from portal.common.api.views import ApiView
from portal.orgs import permissions
from portal.orgs.api import person_who_may, visible_codes
from portal.trail.api import listed


class AccountSerializer(serializers.Serializer):
    """A Windowsユーザアカウント as last verified in AD."""

    object_guid = serializers.UUIDField()
    organisation = serializers.CharField(source="organisation.code")
    login_name = serializers.CharField()
    family_name = serializers.CharField()
    given_name = serializers.CharField()
    family_kana = serializers.CharField()
    given_kana = serializers.CharField()
    department = serializers.CharField()
    account_type = serializers.ChoiceField(choices=DirectoryAccount.AccountType.choices)
    staff_number = serializers.CharField()
    groups = serializers.ListField(child=serializers.CharField())
    expires_on = serializers.DateField(allow_null=True)
    deleted_at = serializers.DateTimeField(allow_null=True)
    remove_on = serializers.DateField(allow_null=True)
    state = serializers.ChoiceField(choices=DirectoryAccount.State.choices)
    state_label = serializers.CharField(source="get_state_display")
    verified_at = serializers.DateTimeField()


class AccountsView(ApiView):
    """The accounts of the organisations that this person sees."""

    query: ClassVar[frozenset[str]] = PAGE_QUERY | {"organisation", "state", "q"}

    @extend_schema(
        operation_id="accounts_list",
        parameters=[
            *PAGE_PARAMETERS,
            OpenApiParameter("organisation", str, description="Code of an organisation"),
            OpenApiParameter("state", str, enum=DirectoryAccount.State.values),
            OpenApiParameter("q", str, description="Name, reading or login name; all words must occur"),
        ],
        responses=page_of(AccountSerializer),
    )
    def get(self, request: Request) -> Response:
        """Accounts, newest first (ユーザ検索, ACC-02)."""
        user = person_who_may(request, permissions.READ_ACCOUNTS)
        rows = selectors.accounts(
            user,
            q=request.query_params.get("q", ""),
            state=choice(request, "state", DirectoryAccount.State.values),
            organisation=choice(request, "organisation", visible_codes(user)),
        )
        return listed(request, rows, AccountSerializer, "account.list")
