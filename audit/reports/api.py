"""Audit reports over REST: list, one, files, and the steps by the same services as the screens."""

from __future__ import annotations

import base64
from typing import Any, ClassVar

from django.utils import timezone
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from audit.reports import access, handing, moves, selectors, services
from audit.reports.errors import ChangedMeanwhile, NotAllowed, Refused
from audit.reports.models import AuditReport, Presentation, ReportFile, ReportStatus
from audit.reports.revisions import CORRECTING
from audit.reports.services import MOVES
from portal.common.api.paging import PAGE_PARAMETERS, PAGE_QUERY, choice, page_of
from portal.common.api.parsing import StrictSerializer
from portal.common.api.problems import FieldProblem, Problem, invalid, not_allowed, not_found
from portal.common.api.schema import IDEMPOTENCY_KEY
from portal.common.api.views import ApiView
from portal.orgs.api import person
from portal.orgs.models import User
from portal.orgs.permissions import (
    CONFIRM_OWN_AUDIT_REPORTS,
    MAKE_AUDIT_REPORTS,
    PRESENT_AUDIT_REPORTS,
    STORE_AUDIT_COPIES,
    Permission,
)
from portal.trail import services as trail
from portal.trail.api import listed
from portal.workflow.api.idempotency import once


class AuditReportSerializer(serializers.Serializer):
    """One revision of the report of a month and federation."""

    month = serializers.CharField(source="cycle.key", help_text="Such as 2026-09")
    organisation = serializers.CharField(source="organisation.code")
    revision = serializers.IntegerField()
    version = serializers.IntegerField(help_text="Name it with a step")
    status = serializers.ChoiceField(choices=ReportStatus.choices, help_text="The last step that is done")
    is_current = serializers.BooleanField()
    is_supplement = serializers.BooleanField()
    reason = serializers.CharField(help_text="Of a correction or supplement")
    made_at = serializers.DateTimeField(allow_null=True)
    central_confirmed_at = serializers.DateTimeField(allow_null=True)
    provided_at = serializers.DateTimeField(allow_null=True)
    federation_confirmed_at = serializers.DateTimeField(allow_null=True)
    presentation = serializers.ChoiceField(choices=Presentation.choices)
    returned_at = serializers.DateTimeField(allow_null=True)
    stored_at = serializers.DateTimeField(allow_null=True)


class AuditFileSerializer(serializers.Serializer):
    """A file of a revision."""

    id = serializers.IntegerField(source="pk")
    log = serializers.CharField(source="log_kind")
    format = serializers.ChoiceField(choices=ReportFile.Format.choices)
    stage = serializers.ChoiceField(choices=ReportFile.Stage.choices)
    name = serializers.CharField()
    size = serializers.IntegerField()
    sha256 = serializers.CharField()


class OneAuditReportSerializer(AuditReportSerializer):
    """With its files."""

    files = AuditFileSerializer(many=True, source="shown_files")


class AuditFileContentSerializer(AuditFileSerializer):
    """A file with its content."""

    content = serializers.CharField(help_text="Base64")


class AuditStepBody(StrictSerializer):
    """The version that was read, and what some of the steps need."""

    version = serializers.IntegerField(min_value=1, max_value=2**31 - 1)
    presented = serializers.BooleanField(required=False, help_text="present: whether it was")
    to = serializers.CharField(required=False, max_length=200, help_text="present: to whom")
    on = serializers.DateField(required=False, help_text="present: on which day")
    reason = serializers.CharField(required=False, max_length=500, help_text="present, correct, supplement")
    enquiry = serializers.CharField(required=False, max_length=40, help_text="correct: its number")
    central_too = serializers.BooleanField(required=False, help_text="correct: about the check of 中央会 too")


# What is beside the way: by whom, and what the service takes besides the version; those it must have come first.
_BESIDE: dict[str, tuple[tuple[Permission, ...], tuple[str, ...], tuple[str, ...]]] = {
    "present": ((PRESENT_AUDIT_REPORTS,), ("presented",), ("to", "on", "reason")),
    "correct": (CORRECTING, ("reason", "enquiry"), ("central_too",)),
    "supplement": ((MAKE_AUDIT_REPORTS,), ("reason",), ()),
    "acknowledge": ((CONFIRM_OWN_AUDIT_REPORTS, STORE_AUDIT_COPIES), (), ()),
}
STEPS = (*MOVES, *_BESIDE)


def _who_and_what(step: str) -> tuple[tuple[Permission, ...], tuple[str, ...], tuple[str, ...]]:
    return _BESIDE.get(step) or ((MOVES[step].permission,), (), ())


def _values(step: str, sent: dict[str, Any]) -> dict[str, Any]:
    """What the service takes; 422 for what is missing or belongs to another step."""
    _permissions, needed, other = _who_and_what(step)
    missing = [name for name in ("version", *needed) if name not in sent]
    strange = [name for name in sent if name not in ("version", *needed, *other)]
    problems = [FieldProblem(name, _("Give this value.")) for name in missing]
    problems += [FieldProblem(name, _("This step does not take this value.")) for name in strange]
    if problems:
        raise invalid(problems, 422)
    return sent


def reader(request: Request) -> User:
    """The person, who must read audit reports somewhere."""
    user = person(request)
    if not access.reach(user, timezone.now()):
        raise not_allowed()
    return user


def loaded(user: User, month: str, code: str, revision: int) -> Any:
    """The revision with its files; 404 for what the person does not see."""
    try:
        found: Any = selectors.report(user, month, code, revision)
    except AuditReport.DoesNotExist:
        raise not_found() from None
    found.shown_files = selectors.files(user, found)
    return found


def traced(action: str, user: User, report: AuditReport, **detail: Any) -> None:
    """Reading leaves a trace (SEC-02)."""
    trail.record(
        action=f"audit_report.{action}",
        now=timezone.now(),
        actor=user,
        object_type="audit_report",
        object_id=report.pk,
        object_label=str(report),
        object_organisation_id=report.organisation_id,
        detail=detail,
    )


class ReportsView(ApiView):
    """The audit reports that this person sees."""

    query: ClassVar[frozenset[str]] = PAGE_QUERY | {"organisation", "status", "month", "whose"}

    @extend_schema(
        operation_id="audit_reports_list",
        parameters=[
            *PAGE_PARAMETERS,
            OpenApiParameter("organisation", str, description="Code of a federation"),
            OpenApiParameter("status", str, enum=ReportStatus.values),
            OpenApiParameter("month", str, description="Such as 2026-09"),
            OpenApiParameter(
                "whose", str, enum=["mine", "late"], description="What waits for me; what is late"
            ),
        ],
        responses=page_of(AuditReportSerializer),
    )
    def get(self, request: Request) -> Response:
        """The revisions that count, newest first."""
        user = reader(request)
        codes = [place.code for place in selectors.organisations(user)]
        rows = selectors.reports(
            user,
            month=request.query_params.get("month", ""),
            status=choice(request, "status", ReportStatus.values),
            whose=choice(request, "whose", ["mine", "late"]),
            organisation=choice(request, "organisation", codes),
        )
        return listed(request, rows, AuditReportSerializer, "audit_report.list")


class ReportView(ApiView):
    """One revision."""

    @extend_schema(operation_id="audit_reports_read", responses=OneAuditReportSerializer)
    def get(self, request: Request, month: str, code: str, revision: int) -> Response:
        """With its files."""
        user = reader(request)
        found = loaded(user, month, code, revision)
        traced("view", user, found)
        return Response(OneAuditReportSerializer(found).data)


class FileView(ApiView):
    """A file of a revision."""

    query: ClassVar[frozenset[str]] = frozenset({"reason"})

    @extend_schema(
        operation_id="audit_reports_file",
        parameters=[
            OpenApiParameter("reason", str, required=True, description="What the file is needed for")
        ],
        responses=AuditFileContentSerializer,
    )
    def get(self, request: Request, month: str, code: str, revision: int, pk: int) -> Response:
        """Its content as Base64; the reason is recorded. 409 when it is not as it was made, 410 after its disposal."""
        user = reader(request)
        report = loaded(user, month, code, revision)
        reason = request.query_params.get("reason", "").strip()[:200]
        if not reason:
            text = _("Say what you need the file for.")
            raise Problem(400, "unknown-parameter", text, errors=[FieldProblem("reason", text)])
        try:
            found: Any = selectors.file(user, report, pk)
        except ReportFile.DoesNotExist:
            raise not_found() from None
        try:
            content = handing.content_of(found, report, actor=user, now=timezone.now())
        except handing.FileDisposed as refused:
            raise Problem(410, "content-disposed", refused.reason) from refused
        except handing.FileChanged as refused:
            raise Problem(409, "file-changed", refused.reason) from refused
        traced("download", user, report, file=found.name, sha256=found.sha256, reason=reason)
        data = AuditFileSerializer(found).data | {"content": base64.b64encode(content).decode()}
        return Response(data)


class StepView(ApiView):
    """A step of a revision."""

    @extend_schema(
        operation_id="audit_reports_step",
        request=AuditStepBody,
        responses=OneAuditReportSerializer,
        parameters=[IDEMPOTENCY_KEY, OpenApiParameter("step", str, "path", enum=list(STEPS))],
    )
    def post(self, request: Request, month: str, code: str, revision: int, step: str) -> Response:
        """409 when somebody was faster, 422 with what is missing."""
        user = reader(request)
        report = loaded(user, month, code, revision)
        if step not in STEPS:
            raise not_found()
        body = AuditStepBody(data=request.data)

        def work() -> Response:
            done = getattr(services, step)(
                report_id=report.pk,
                actor=user,
                now=timezone.now(),
                **_values(step, dict(body.validated_data)),
            )
            return Response(OneAuditReportSerializer(loaded(user, month, code, done.revision)).data)

        try:
            moves.require_any(user, _who_and_what(step)[0], report, timezone.now())
            body.is_valid(raise_exception=True)
            return once(request, user, work)
        except NotAllowed as error:
            raise not_allowed(error.reason) from error
        except ChangedMeanwhile as error:
            raise Problem(409, "changed-meanwhile", error.reason) from error
        except Refused as error:
            raise Problem(
                422, "invalid-content", error.reason, errors=[FieldProblem(error.field, error.reason)]
            ) from error
