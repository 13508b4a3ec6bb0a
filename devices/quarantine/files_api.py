"""Bringing a file of the quarantine server over REST, as on the screen (MAC-08)."""

from __future__ import annotations

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from devices.files_api import BroughtFileSerializer, FilesView, RowProblemSerializer, translated
from devices.quarantine import services
from portal.common.api.problems import not_allowed
from portal.common.api.schema import IDEMPOTENCY_KEY
from portal.orgs.api import person
from portal.orgs.permissions import RUN_OPERATIONS
from portal.workflow.api.idempotency import once


class QuarantineFileSerializer(serializers.Serializer):
    """What a file brought."""

    id = serializers.IntegerField(source="pk")
    rows = serializers.IntegerField(source="row_count")
    taken = serializers.IntegerField(source="taken_count", help_text="Rows that brought something newer")
    problems = RowProblemSerializer(many=True)


class QuarantineFilesView(FilesView):
    """Files of the quarantine server, brought by network operations."""

    @extend_schema(
        operation_id="quarantine_import",
        parameters=[IDEMPOTENCY_KEY],
        request={"multipart/form-data": BroughtFileSerializer},
        responses={201: QuarantineFileSerializer},
    )
    def post(self, request: Request) -> Response:
        """Every row that fits is taken over; the others are told by their row. 409: imported before with this mapping."""
        return once(request, person(request), lambda: self._take(request))

    def _take(self, request: Request) -> Response:
        user = person(request)
        if not user.may(RUN_OPERATIONS):
            raise not_allowed()
        sent = BroughtFileSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        file = sent.validated_data["file"]
        with translated():
            made = services.import_file(
                name=file.name or "", data=file.read(), actor=user, now=timezone.now()
            )
        return Response(QuarantineFileSerializer(made).data, status=201)
