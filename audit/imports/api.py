"""Log files over REST: a machine brings the export, starts its import, and sees what became of it."""

from __future__ import annotations

import re
from datetime import date
from typing import Any, ClassVar

from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from audit.cycles.models import AuditCycle
from audit.imports import coverage, loading, selectors, storing
from audit.imports.errors import AlreadyThere, FileRefused, Refused
from audit.imports.models import LogImport
from audit.reconciliation.models import LogKind
from portal.common.api.paging import PAGE_PARAMETERS, PAGE_QUERY, choice, page_of, wrong_parameter
from portal.common.api.parsing import StrictSerializer
from portal.common.api.problems import FieldProblem, Problem, invalid, not_found
from portal.common.api.schema import IDEMPOTENCY_KEY
from portal.common.api.views import ApiView
from portal.orgs.api import person_who_may
from portal.orgs.models import User
from portal.orgs.permissions import IMPORT_LOGS, READ_LOGS
from portal.trail.api import listed
from portal.workflow.api.idempotency import once

_MONTH = re.compile(r"20\d\d-(0[1-9]|1[0-2])")
_AROUND = 64 * 1024


class LogImportSerializer(serializers.Serializer):
    """A file of log lines and what became of it."""

    id = serializers.IntegerField(source="pk")
    log = serializers.ChoiceField(choices=LogKind.choices, source="log_kind")
    month = serializers.SerializerMethodField(help_text="Such as 2026-09")
    file_name = serializers.CharField()
    sha256 = serializers.CharField()
    state = serializers.ChoiceField(choices=LogImport.State.choices)
    stand = serializers.CharField(
        help_text="As `state`, but QUEUED while no worker has taken a started import, and INTERRUPTED when its worker ended"
    )
    lines = serializers.IntegerField(source="line_count")
    lines_done = serializers.IntegerField()
    kept = serializers.IntegerField(source="kept_count")
    there_already = serializers.IntegerField(source="duplicate_count")
    through_application = serializers.IntegerField(source="application_count")
    unknown_machines = serializers.IntegerField(source="held_count")
    not_readable = serializers.IntegerField(source="refused_count")
    is_cut = serializers.BooleanField(help_text="The file ends in the middle")
    first_at = serializers.DateTimeField(allow_null=True)
    last_at = serializers.DateTimeField(allow_null=True)
    findings = serializers.DictField(help_text="By code: how often, and the first lines")
    problem = serializers.CharField()

    def get_month(self, made: LogImport) -> str:
        """Without its day."""
        return f"{made.month:%Y-%m}"


class LogFileSerializer(StrictSerializer):
    """A file and what it is."""

    log = serializers.ChoiceField(choices=LogKind.choices)
    month = serializers.RegexField(_MONTH, help_text="Such as 2026-09")
    file = serializers.FileField(help_text="CSV or JSON lines, also packed with gzip")
    start = serializers.BooleanField(default=False, required=False, help_text="Import it at once")


class LogImportsView(ApiView):
    """The files of log lines."""

    query: ClassVar[frozenset[str]] = PAGE_QUERY | {"log", "state"}
    parser_classes = (MultiPartParser,)  # type: ignore[assignment]
    largest = settings.AUDIT_LOG_MAX_BYTES + _AROUND

    @extend_schema(
        operation_id="audit_logs_list",
        parameters=[
            *PAGE_PARAMETERS,
            OpenApiParameter("log", str, enum=LogKind.values),
            OpenApiParameter("state", str, enum=LogImport.State.values),
        ],
        responses=page_of(LogImportSerializer),
    )
    def get(self, request: Request) -> Response:
        """Newest first."""
        person_who_may(request, READ_LOGS)
        rows = selectors.imports()
        exact = {
            "log_kind": choice(request, "log", LogKind.values),
            "state": choice(request, "state", LogImport.State.values),
        }
        rows = rows.filter(**{name: value for name, value in exact.items() if value})
        return listed(request, rows, LogImportSerializer, "logs.list")

    @extend_schema(
        operation_id="audit_logs_create",
        parameters=[IDEMPOTENCY_KEY],
        request={"multipart/form-data": LogFileSerializer},
        responses={201: LogImportSerializer},
    )
    def post(self, request: Request) -> Response:
        """Bring a file. 409: this very file was brought before, `id` names it. 422: it is no log that can be read."""
        user = person_who_may(request, IMPORT_LOGS)
        return once(request, user, lambda: self._take(request, user))

    def _take(self, request: Request, user: User) -> Response:
        sent = LogFileSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        values, now = sent.validated_data, timezone.now()
        file, month = values["file"], values["month"]
        try:
            made = storing.store_file(
                log_kind=values["log"],
                month=date(int(month[:4]), int(month[5:]), 1),
                name=file.name or "",
                file=file,
                actor=user,
                now=now,
            )
            if values["start"]:
                made = loading.start(import_id=made.pk, actor=user, now=now)
        except AlreadyThere as there:
            text = _("This very file was brought before. Nothing was changed.")
            raise Problem(409, "already-there", text, extra={"id": there.earlier.pk}) from there
        except (FileRefused, Refused) as refused:
            raise invalid([FieldProblem("file", refused.reason)], 422) from refused
        return Response(LogImportSerializer(made).data, status=201)


class LogImportView(ApiView):
    """One file."""

    @extend_schema(operation_id="audit_logs_read", responses=LogImportSerializer)
    def get(self, request: Request, pk: int) -> Response:
        """How far it is, and what it brought."""
        person_who_may(request, READ_LOGS)
        return Response(LogImportSerializer(_found(pk)).data)


class LogImportStartView(ApiView):
    """Import a file that was brought."""

    @extend_schema(
        operation_id="audit_logs_start",
        request=None,
        responses=LogImportSerializer,
        parameters=[IDEMPOTENCY_KEY],
    )
    def post(self, request: Request, pk: int) -> Response:
        """409 when it is being imported or was; 422 when the mapping does not fit its columns."""
        user = person_who_may(request, IMPORT_LOGS)
        _found(pk)

        def work() -> Response:
            try:
                made = loading.start(import_id=pk, actor=user, now=timezone.now())
            except Refused as refused:
                raise Problem(409, "cannot-start", refused.reason) from refused
            return Response(LogImportSerializer(made).data)

        return once(request, user, work)


class CoverageLineSerializer(serializers.Serializer):
    """A federation and its days on which expected rows are missing."""

    organisation = serializers.CharField(source="organisation.code")
    has_machine = serializers.SerializerMethodField(
        help_text="Whether a machine is registered that sends this log; without one nothing can be said"
    )
    days = serializers.SerializerMethodField(help_text="Day: machines that sent nothing")

    def get_has_machine(self, line: coverage.Line) -> bool:
        """A federation without one has no cells."""
        return bool(line.cells)

    def get_days(self, line: coverage.Line) -> dict[str, list[str]]:
        """Only days with a gap."""
        return {cell.day.isoformat(): list(cell.missing) for cell in line.cells if cell.missing}


class CoverageView(ApiView):
    """Whether logs are whole (AUD-10)."""

    query: ClassVar[frozenset[str]] = frozenset({"month", "log"})

    @extend_schema(
        operation_id="audit_coverage_read",
        parameters=[
            OpenApiParameter("month", str, required=True, description="Such as 2026-09"),
            OpenApiParameter("log", str, enum=LogKind.values),
        ],
        responses=CoverageLineSerializer(many=True),
    )
    def get(self, request: Request) -> Response:
        """By federation, in the order of the prefectures; at most 48, so without pages."""
        user = person_who_may(request, READ_LOGS)
        month = request.query_params.get("month", "")
        if not _MONTH.fullmatch(month):
            raise wrong_parameter("month", _("Enter a month such as 2026-09."))
        cycle = AuditCycle.objects.filter(month=date(int(month[:4]), int(month[5:]), 1)).first()
        kind = choice(request, "log", LogKind.values) or LogKind.DATABASE
        lines: list[Any] = coverage.coverage_map(user, cycle, kind, timezone.now()) if cycle else []
        if cycle:
            silent = {place.pk: place for place in coverage.unwatched(cycle, kind)}
            lines = [line for line in lines if line.organisation.pk not in silent]
            lines += [coverage.Line(place) for place in silent.values()]
            lines.sort(key=lambda line: (line.organisation.sort_order, line.organisation.code))
        return Response(CoverageLineSerializer(lines, many=True).data)


def _found(pk: int) -> LogImport:
    found = LogImport.objects.filter(pk=pk).first()
    if found is None:
        raise not_found()
    return found
