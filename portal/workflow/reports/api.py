"""Result reports over REST."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from portal.common.api.paging import PAGE_PARAMETERS, PAGE_QUERY, choice, page_of, paged
from portal.common.api.parsing import StrictSerializer
from portal.common.api.problems import not_allowed, not_found
from portal.common.api.views import ApiView
from portal.orgs.api import person, visible_codes
from portal.orgs.models import User
from portal.orgs.permissions import READ_OPERATIONS, TAKE_REPORTS
from portal.trail import services as trail
from portal.workflow.models import Application, Status
from portal.workflow.reports import arriving, selectors
from portal.workflow.reports.models import Reached, ResultReport


class ArrivalSerializer(serializers.Serializer):
    """When a report was made, and how it reached the applicant."""

    issued_at = serializers.DateTimeField()
    reached_at = serializers.DateTimeField(
        allow_null=True, help_text="Null: on its way, or its mail was refused"
    )
    reached_how = serializers.ChoiceField(choices=[*Reached.choices, ("", "")])
    reached_by = serializers.CharField(source="reached_by.display_name", default="")
    reached_note = serializers.CharField()


class ResultReportSerializer(ArrivalSerializer):
    """The result report of one application (REQ-12)."""

    application = serializers.CharField(source="application_number")
    organisation = serializers.CharField(source="organisation.code")
    applicant = serializers.CharField(source="recipient.display_name")
    digest = serializers.CharField(help_text="SHA-256 over `content` as JSON with sorted keys")


class ResultReportContentSerializer(ResultReportSerializer):
    """With all that it says."""

    content = serializers.SerializerMethodField(
        help_text="outcome; lines with position, subject and operations (target, status, by, started_at, settled_at, note, "
        "evidence); decision (by, acted_for, stage, at, comment) of a rejection"
    )

    @extend_schema_field(OpenApiTypes.OBJECT)
    def get_content(self, report: ResultReport) -> Any:
        """As it was frozen."""
        return report.content


class TellSerializer(StrictSerializer):
    """That the applicant was told."""

    note = serializers.CharField(max_length=arriving.NOTE_LENGTH, help_text="When and how")


class ResultReportView(ApiView):
    """The report of one application."""

    @extend_schema(operation_id="applications_report", responses=ResultReportContentSerializer)
    def get(self, request: Request, number: str) -> Response:
        """404 while there is none. The applicant who reads it has received it."""
        from portal.workflow import selectors as applications

        user, now = person(request), timezone.now()
        try:
            application = applications.application(user, number)
        except Application.DoesNotExist:
            raise not_found() from None
        if application.report is None:
            raise not_found()
        trail.record(
            action="application.report",
            now=now,
            actor=user,
            object_type="application",
            object_id=application.pk,
            object_label=application.number,
            object_organisation_id=application.organisation_id,
        )
        arriving.note_read(application, reader=user, now=now)
        return Response(ResultReportContentSerializer(application.report).data)


class ResultReportsView(ApiView):
    """The reports of the organisations in which this person follows them."""

    query: ClassVar[frozenset[str]] = PAGE_QUERY | {"organisation", "state", "outcome", "q"}

    @extend_schema(
        operation_id="reports_list",
        parameters=[
            *PAGE_PARAMETERS,
            OpenApiParameter("organisation", str, description="Code of an organisation"),
            OpenApiParameter(
                "state", str, enum=["open", "all"], description="Left out: those that did not arrive"
            ),
            OpenApiParameter("outcome", str, enum=Status.values),
            OpenApiParameter("q", str, description="Application number or applicant"),
        ],
        responses=page_of(ResultReportSerializer),
    )
    def get(self, request: Request) -> Response:
        """Newest first."""
        user = person(request)
        if not (user.may(READ_OPERATIONS) or user.may(TAKE_REPORTS)):
            raise not_allowed()
        rows = selectors.reports(
            user,
            q=request.query_params.get("q", ""),
            state=choice(request, "state", (selectors.OPEN, selectors.ALL)),
            outcome=choice(request, "outcome", Status.values),
            organisation=choice(request, "organisation", visible_codes(user)),
        )
        found = paged(request, rows, ResultReportSerializer)
        detail = {"query": request.query_params.dict()}
        trail.record(action="report.list", now=timezone.now(), actor=user, detail=detail)
        return Response(found)


def tell(*, application: Application, actor: User, version: int, values: Mapping[str, Any]) -> None:
    """The step "told" of an application."""
    arriving.told(application_id=application.pk, actor=actor, note=values["note"], now=timezone.now())
