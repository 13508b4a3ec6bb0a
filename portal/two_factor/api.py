"""The batches of the two-factor exchange over REST, for network operations (READ_OPERATIONS). They name nobody."""

from __future__ import annotations

from typing import ClassVar

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from portal.common.api.paging import PAGE_PARAMETERS, PAGE_QUERY, page_of, paged
from portal.common.api.views import ApiView
from portal.orgs import permissions
from portal.orgs.api import person_who_may
from portal.two_factor import selectors
from portal.two_factor.models import BatchState


class ExchangeBatchSerializer(serializers.Serializer):
    """One file for the two-factor system and how far it is acknowledged."""

    number = serializers.IntegerField()
    file_name = serializers.CharField()
    state = serializers.ChoiceField(choices=BatchState.choices)
    row_count = serializers.IntegerField()
    answered = serializers.SerializerMethodField()
    refused = serializers.SerializerMethodField()
    sha256 = serializers.CharField()
    problem = serializers.CharField()
    created_at = serializers.DateTimeField()
    written_at = serializers.DateTimeField(allow_null=True)
    acknowledged_at = serializers.DateTimeField(allow_null=True)

    def get_answered(self, batch: object) -> int:
        """Rows with an acknowledgement."""
        return int(getattr(batch, "answered", None) or 0)

    def get_refused(self, batch: object) -> int:
        """Rows that were refused."""
        return int(getattr(batch, "refused", None) or 0)


class ExchangeBatchesView(ApiView):
    """Files for the two-factor system."""

    query: ClassVar[frozenset[str]] = PAGE_QUERY

    @extend_schema(
        operation_id="exchange_batches_list",
        parameters=[*PAGE_PARAMETERS],
        responses=page_of(ExchangeBatchSerializer),
    )
    def get(self, request: Request) -> Response:
        """Batches, newest first."""
        person_who_may(request, permissions.READ_OPERATIONS)
        return Response(paged(request, selectors.batches(), ExchangeBatchSerializer))
