"""Bringing a file of device alerts over REST, as on the screen (DEV-08)."""

from __future__ import annotations

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from devices.alerts import imports
from devices.exchange import selectors
from devices.files_api import BroughtFileSerializer, FilesView, RowProblemSerializer, translated
from portal.common.api.problems import not_allowed
from portal.common.api.schema import IDEMPOTENCY_KEY
from portal.orgs.api import person
from portal.workflow.api.idempotency import once


class AlertFileSerializer(BroughtFileSerializer):
    """A file of alerts of one federation."""

    organisation = serializers.CharField(max_length=20, help_text="Code of a federation")


class AlertImportSerializer(serializers.Serializer):
    """What a file brought."""

    id = serializers.IntegerField(source="pk")
    rows = serializers.IntegerField(source="row_count")
    new = serializers.IntegerField(source="new_count")
    known = serializers.IntegerField(source="known_count", help_text="Alerts that an earlier file had")
    problems = RowProblemSerializer(many=True)


class AlertFilesView(FilesView):
    """Files of alerts, brought by the security officer of the federation or by network operations."""

    @extend_schema(
        operation_id="alerts_import",
        parameters=[IDEMPOTENCY_KEY],
        request={"multipart/form-data": AlertFileSerializer},
        responses={201: AlertImportSerializer},
    )
    def post(self, request: Request) -> Response:
        """Each alert is kept once, whatever files bring it. 409: the very file was read before, without a wrong row."""
        return once(request, person(request), lambda: self._take(request))

    def _take(self, request: Request) -> Response:
        user = person(request)
        places = {organisation.code: organisation for organisation in selectors.organisations(user)}
        if not places:
            raise not_allowed()
        sent = AlertFileSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        organisation = places.get(sent.validated_data["organisation"])
        if organisation is None:
            raise not_allowed()
        file = sent.validated_data["file"]
        with translated():
            made = imports.import_alerts(
                organisation=organisation,
                name=file.name or "",
                data=file.read(),
                actor=user,
                now=timezone.now(),
            )
        return Response(AlertImportSerializer(made).data, status=201)
