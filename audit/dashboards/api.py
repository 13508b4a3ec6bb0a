"""The overview of the audit over REST: federations by the twelve months of a fiscal year; read only."""

from __future__ import annotations

from typing import ClassVar

from django.utils import timezone
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from audit.dashboards import matrix, selectors
from audit.dashboards.matrix import Cell, Mark, Matrix
from audit.dashboards.views import parse_year
from audit.reports.api import reader
from portal.common.api.paging import wrong_parameter
from portal.common.api.views import ApiView
from portal.common.time import today
from portal.trail import services as trail


class AuditOverviewMonthSerializer(serializers.Serializer):
    """One month of the year, as the cells of each federation follow it."""

    month = serializers.DateField(source="first", format="%Y-%m", help_text="Such as 2026-09")
    due_on = serializers.DateField(allow_null=True, help_text="Of the return; null while it is not open")
    is_current = serializers.BooleanField(help_text="The month that one looks at")


class AuditOverviewCellSerializer(serializers.Serializer):
    """One federation in one month."""

    mark = serializers.ChoiceField(choices=Mark.choices)
    status = serializers.SerializerMethodField(help_text="Of the report; empty where there is none")
    revision = serializers.SerializerMethodField(help_text="Of the report; 0 where there is none")
    owed_step = serializers.SerializerMethodField(help_text="1 to 7 as in table 2-53; null: nothing is owed")
    owed_due_on = serializers.DateField(source="owed.due_on", default=None, help_text="Its last day")

    def get_status(self, cell: Cell) -> str:
        """As in the list of reports."""
        return str(cell.report.status) if cell.report else ""

    def get_revision(self, cell: Cell) -> int:
        """The one that counts."""
        return cell.report.revision if cell.report else 0

    def get_owed_step(self, cell: Cell) -> int | None:
        """The step that is next."""
        return int(cell.owed.step) if cell.owed else None


class AuditOverviewRowSerializer(serializers.Serializer):
    """One federation with its twelve months."""

    organisation = serializers.CharField(source="organisation.code")
    name = serializers.CharField(source="organisation.name")
    cells = AuditOverviewCellSerializer(many=True)


class AuditOverviewSerializer(serializers.Serializer):
    """A fiscal year of the federations that this person follows."""

    months = AuditOverviewMonthSerializer(many=True)
    federations = AuditOverviewRowSerializer(source="rows", many=True)
    counts = serializers.SerializerMethodField(help_text="Federations by mark in the current month")

    def get_counts(self, picture: Matrix) -> dict[str, int]:
        """Those that occur."""
        return {str(mark): count for mark, count in picture.counts.items()}


class AuditOverviewView(ApiView):
    """How the reports of a fiscal year stand."""

    query: ClassVar[frozenset[str]] = frozenset({"year"})

    @extend_schema(
        operation_id="audit_overview",
        parameters=[OpenApiParameter("year", str, description="Fiscal year such as 2026; left out: today's")],
        responses=AuditOverviewSerializer,
    )
    def get(self, request: Request) -> Response:
        """Federations in their usual order, whatever is urgent; a federation gets itself alone."""
        user, day = reader(request), today(timezone.now())
        sent = request.query_params.get("year", "")
        year = parse_year(sent) if sent else matrix.fiscal_year(day)
        if year is None:
            raise wrong_parameter("year", _("There is no such value."))
        current = selectors.current_cycle(user, year)
        picture = selectors.matrix_of(user, year=year, current=current, today=day)
        trail.record(action="audit_dashboard.view", now=timezone.now(), actor=user, detail={"year": year})
        return Response(AuditOverviewSerializer(picture).data)
