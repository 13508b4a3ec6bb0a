"""Mismatches over REST: the sessions of a report, reasons for many at once, incidents."""

from __future__ import annotations

from typing import Any, ClassVar
from urllib.parse import unquote

from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from audit.ledgers.api import translated
from audit.reconciliation import reasons, selectors
from audit.reconciliation.masking import masked
from audit.reconciliation.models import Code, Incident, LogKind, Mismatch, ReasonCode, Side
from audit.reconciliation.review_views import MOST_AT_ONCE
from audit.reports import access
from audit.reports import selectors as reports
from audit.reports.models import AuditReport
from portal.common.api.paging import (
    PAGE_PARAMETERS,
    PAGE_QUERY,
    choice,
    envelope,
    page,
    page_of,
    wrong_parameter,
)
from portal.common.api.parsing import StrictSerializer
from portal.common.api.problems import not_allowed, not_found
from portal.common.api.schema import IDEMPOTENCY_KEY
from portal.common.api.views import ApiView
from portal.orgs.api import person, visible_codes
from portal.orgs.models import User
from portal.trail import services as trail
from portal.trail.api import listed
from portal.trail.sensitive import PURPOSES, Reason, ReasonForm
from portal.workflow.api.idempotency import once


class ReasonSerializer(serializers.Serializer):
    """What a party said of a session."""

    code = serializers.ChoiceField(choices=ReasonCode.choices)
    text = serializers.CharField()
    given_by = serializers.CharField(source="given_by_name")
    given_at = serializers.DateTimeField()


class MismatchSerializer(serializers.Serializer):
    """One session that differs, with the newest reason of each party."""

    id = serializers.IntegerField(source="pk")
    log_kind = serializers.ChoiceField(choices=LogKind.choices)
    code = serializers.ChoiceField(choices=Code.choices)
    host = serializers.CharField()
    account = serializers.CharField()
    client = serializers.CharField()
    object_name = serializers.CharField(
        source="object_shown", help_text="The name of a file is masked unless X-Reason says why it is needed"
    )
    actions = serializers.CharField()
    first_at = serializers.DateTimeField()
    last_at = serializers.DateTimeField()
    row_count = serializers.IntegerField()
    volume = serializers.IntegerField(help_text="Rows read, or bytes taken out")
    medium_serial = serializers.CharField()
    medium_permitted = serializers.BooleanField(allow_null=True)
    work_number = serializers.CharField()
    central_reason = ReasonSerializer(allow_null=True)
    federation_reason = ReasonSerializer(allow_null=True)


class IncidentSerializer(serializers.Serializer):
    """One suspicion of misuse."""

    number = serializers.CharField()
    organisation = serializers.CharField(source="organisation.code")
    month = serializers.CharField(source="cycle.key")
    text = serializers.CharField()
    state = serializers.ChoiceField(choices=Incident.State.choices)
    opened_by = serializers.CharField(source="opened_by.display_name")
    opened_at = serializers.DateTimeField()
    closed_by = serializers.CharField(source="closed_by.display_name", default="")
    closed_at = serializers.DateTimeField(allow_null=True)
    result = serializers.CharField()


class GivenReasons(StrictSerializer):
    """One reason for many sessions of one report."""

    mismatches = serializers.ListField(
        child=serializers.IntegerField(min_value=1, max_value=2**63 - 1),
        min_length=1,
        max_length=MOST_AT_ONCE,
    )
    code = serializers.ChoiceField(choices=ReasonCode.choices)
    text = serializers.CharField(max_length=reasons.TEXT_LENGTH)


class ReportSessionsView(ApiView):
    """The sessions of one log of a report."""

    query: ClassVar[frozenset[str]] = PAGE_QUERY | {
        "log",
        "code",
        "shown",
        "host",
        "account",
        "day",
        "reason",
        "q",
    }

    @extend_schema(
        operation_id="audit_mismatches_list",
        parameters=[
            *PAGE_PARAMETERS,
            OpenApiParameter("log", str, enum=LogKind.values, description="DATABASE when it is absent"),
            OpenApiParameter("code", str, enum=Code.values),
            OpenApiParameter(
                "shown", str, enum=["open", "given", "fits"], description="By reasons of the own party"
            ),
            OpenApiParameter("reason", str, enum=ReasonCode.values),
            OpenApiParameter("host", str),
            OpenApiParameter("account", str),
            OpenApiParameter("day", str, description="YYYY-MM-DD"),
            OpenApiParameter("q", str, description="Machine, account, object, medium, work number"),
            OpenApiParameter(
                "X-Purpose", str, OpenApiParameter.HEADER, enum=[code for code, _label in PURPOSES]
            ),
            OpenApiParameter(
                "X-Reason",
                str,
                OpenApiParameter.HEADER,
                description="Why whole names are needed, percent-encoded UTF-8; recorded",
            ),
        ],
        responses=page_of(MismatchSerializer),
    )
    def get(self, request: Request, month: str, code: str, revision: int) -> Response:
        """Names of files are masked; with purpose and reason they are whole, and both are recorded (SEC-02)."""
        user = _reader(request)
        report = _report(user, month, code, revision)
        why = _why(request)
        values = {name: request.query_params.get(name, "") for name in ("q", "host", "account", "day")}
        rows = selectors.sessions(
            user,
            report,
            choice(request, "log", LogKind.values) or LogKind.DATABASE,
            shown=choice(request, "shown", ("open", "given", "fits")),
            code=choice(request, "code", Code.values),
            reason=choice(request, "reason", ReasonCode.values),
            side=_side(user),
            **values,
        )
        found = page(request, rows)
        query = {"query": request.query_params.dict()}
        _record("mismatch.list", report, user, query)
        if why is not None:
            _record("audit_report.reveal", report, user, query | why.detail)
        shown: list[Any] = selectors.with_reasons(found.rows)
        for row in shown:
            row.object_shown = row.object_name if why else masked(row.object_name, row.log_kind)
        return Response(envelope(request, found, MismatchSerializer(shown, many=True).data))


class ReportReasonsView(ApiView):
    """Reasons for the sessions of a report."""

    @extend_schema(
        operation_id="audit_mismatches_reason",
        request=GivenReasons,
        responses=ReasonSerializer(many=True),
        parameters=[IDEMPOTENCY_KEY],
    )
    def post(self, request: Request, month: str, code: str, revision: int) -> Response:
        """For the party of this person, while its step is open; 409 when it ended. All or none."""
        user = _reader(request)
        report = _report(user, month, code, revision)
        if not reasons.may_give(user, _side(user), report):
            raise not_allowed()
        body = GivenReasons(data=request.data)
        body.is_valid(raise_exception=True)
        known = set(
            Mismatch.objects.visible_to(user)
            .filter(reconciliation=report.reconciliation_id, pk__in=body.validated_data["mismatches"])
            .values_list("pk", flat=True)
        )
        if known != set(body.validated_data["mismatches"]):
            raise not_found()

        def work() -> Response:
            made = reasons.give_reason(
                report_id=report.pk, side=_side(user), **body.validated_data, actor=user, now=timezone.now()
            )
            return Response(ReasonSerializer(made, many=True).data)

        with translated():
            return once(request, user, work)


class IncidentsView(ApiView):
    """Suspected misuse."""

    query: ClassVar[frozenset[str]] = PAGE_QUERY | {"organisation", "state", "q"}

    @extend_schema(
        operation_id="audit_incidents_list",
        parameters=[
            *PAGE_PARAMETERS,
            OpenApiParameter("organisation", str, description="Code of a federation"),
            OpenApiParameter("state", str, enum=Incident.State.values),
            OpenApiParameter("q", str, description="Number, machine, account, text"),
        ],
        responses=page_of(IncidentSerializer),
    )
    def get(self, request: Request) -> Response:
        """Incidents, newest first."""
        user = _reader(request)
        rows = selectors.incidents(
            user,
            q=request.query_params.get("q", ""),
            state=choice(request, "state", Incident.State.values),
            organisation=choice(request, "organisation", visible_codes(user)),
        )
        return listed(request, rows, IncidentSerializer, "incident.list")


def _reader(request: Request) -> User:
    user = person(request)
    if not access.reach(user, timezone.now()):
        raise not_allowed()
    return user


def _report(user: User, month: str, code: str, revision: int) -> AuditReport:
    try:
        found = reports.report(user, month, code, revision)
    except AuditReport.DoesNotExist:
        raise not_found() from None
    if found.reconciliation_id is None:
        raise not_found()
    return found


def _why(request: Request) -> Reason | None:
    """For what whole names are asked for; None when they are not. In headers: addresses stand in logs (docs/adr/0041)."""
    purpose, text = (request.headers.get(name, "") for name in ("X-Purpose", "X-Reason"))
    if not (purpose or text):
        return None
    form = ReasonForm({"purpose": purpose, "text": unquote(text)})
    if not form.is_valid():
        name, problems = next(iter(form.errors.items()))
        raise wrong_parameter({"purpose": "X-Purpose", "text": "X-Reason"}[name], str(problems[0]))
    return form.reason()


def _side(user: User) -> str:
    return Side.CENTRAL.value if user.scope.everything else Side.FEDERATION.value


def _record(action: str, report: AuditReport, user: User, detail: dict[str, Any]) -> None:
    trail.record(
        action=action,
        now=timezone.now(),
        actor=user,
        object_type="audit_report",
        object_id=report.pk,
        object_label=str(report),
        object_organisation_id=report.organisation_id,
        detail=detail,
    )
