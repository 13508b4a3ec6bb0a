"""Applications over REST. Each step is one service call; the table STEPS says which steps there are."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from typing import Any, ClassVar

from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_view
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse

from portal.common.api.paging import PAGE_PARAMETERS, PAGE_QUERY, choice, day, page_of
from portal.common.api.parsing import EmptySerializer, StrictSerializer
from portal.common.api.problems import invalid, not_found
from portal.common.api.schema import ETAG, IDEMPOTENCY_KEY, IF_MATCH
from portal.common.api.views import ApiView
from portal.orgs import permissions
from portal.orgs.api import person, person_who_may, visible_codes
from portal.orgs.models import User
from portal.trail import services as trail
from portal.trail.api import listed
from portal.workflow import kinds, selectors, services
from portal.workflow.api.errors import translated
from portal.workflow.api.idempotency import once
from portal.workflow.api.payloads import line_problems, payload_schema
from portal.workflow.api.preconditions import changed, etag, require_match
from portal.workflow.api.serializers import (
    ApplicationSerializer,
    ApplicationSummarySerializer,
    CommentSerializer,
    ContentSerializer,
    DecideSerializer,
    KindSerializer,
    NewApplicationSerializer,
)
from portal.workflow.content import Content
from portal.workflow.errors import ContentChanged
from portal.workflow.models import Application, Status
from portal.workflow.reports import arriving
from portal.workflow.reports.api import TellSerializer, tell


class KindsView(ApiView):
    """The kinds of application and what a line of each looks like."""

    @extend_schema(operation_id="kinds_list", responses=KindSerializer(many=True))
    def get(self, request: Request) -> Response:
        """Every kind, with the JSON schema of its payload."""
        own = person(request).organisations_where(permissions.APPLY)
        rows = [
            {
                "code": kind.code,
                "label": str(kind.label),
                "description": str(kind.description),
                "max_lines": kind.max_lines,
                "max_bulk_lines": kind.max_bulk_lines,
                "organisations": [o.code for o in own if kind in kinds.kinds_for(o)],
                "payload_schema": payload_schema(kind),
            }
            for kind in kinds.all_kinds()
        ]
        return Response(KindSerializer(rows, many=True).data)


class ApplicationsView(ApiView):
    """The list of applications, and new ones."""

    query = PAGE_QUERY | {"status", "kind", "organisation", "q", "since", "until"}

    @extend_schema(
        operation_id="applications_list",
        parameters=[
            *PAGE_PARAMETERS,
            OpenApiParameter("status", str, enum=Status.values),
            OpenApiParameter("kind", str, description="Code of a kind"),
            OpenApiParameter("organisation", str, description="Code of an organisation"),
            OpenApiParameter("q", str, description="Number, name, login name; all words must occur"),
            OpenApiParameter("since", date, description="Submitted on this day in Japan or later"),
            OpenApiParameter("until", date, description="Submitted on this day in Japan or earlier"),
        ],
        responses=page_of(ApplicationSummarySerializer),
    )
    def get(self, request: Request) -> Response:
        """The applications that this person sees, newest first."""
        user = person(request)
        filters = selectors.Filters(
            status=choice(request, "status", Status.values),
            kind=choice(request, "kind", (kind.code for kind in kinds.all_kinds())),
            organisation=choice(request, "organisation", visible_codes(user)),
            q=request.query_params.get("q", ""),
            since=day(request, "since"),
            until=day(request, "until"),
        )
        return listed(
            request, selectors.applications(user, filters), ApplicationSummarySerializer, "application.list"
        )

    @extend_schema(
        operation_id="applications_create",
        parameters=[IDEMPOTENCY_KEY, ETAG],
        request=NewApplicationSerializer,
        responses={201: ApplicationSerializer},
    )
    def post(self, request: Request) -> Response:
        """A new draft."""
        return once(request, person(request), lambda: self._create(request))

    def _create(self, request: Request) -> Response:
        user = person_who_may(request, permissions.APPLY)
        values = _checked(NewApplicationSerializer, request)
        content = _content(values["kind"], values)
        with translated():
            made = services.create_draft(
                kind=values["kind"],
                organisation_id=values["organisation"].pk,
                actor=user,
                content=content,
                now=timezone.now(),
            )
        response = _shown(user, _visible(user, made.number), status=201)
        response["Location"] = reverse("api_application", kwargs={"number": made.number}, request=request)
        return response


class ApplicationView(ApiView):
    """One application."""

    @extend_schema(operation_id="applications_read", parameters=[ETAG], responses=ApplicationSerializer)
    def get(self, request: Request, number: str) -> Response:
        """The application with its lines, stages and history; the live plan for a person who may decide."""
        user = person(request)
        application = _visible(user, number)
        arriving.note_read(application, reader=user, now=timezone.now())
        response = _shown(user, application)
        trail.record(
            action="application.view",
            now=timezone.now(),
            actor=user,
            object_type="application",
            object_id=application.pk,
            object_label=application.number,
            object_organisation_id=application.organisation_id,
        )
        return response

    @extend_schema(
        operation_id="applications_change",
        parameters=[IF_MATCH, ETAG],
        request=ContentSerializer,
        responses=ApplicationSerializer,
    )
    def patch(self, request: Request, number: str) -> Response:
        """Change a draft, or one that was returned or pulled back."""
        user = person(request)
        application = _visible(user, number)
        version = require_match(request, application)
        content = _content(application.kind, _checked(ContentSerializer, request), application)
        with translated():
            try:
                services.save_draft(
                    application_id=application.pk,
                    actor=user,
                    content=content,
                    version=version,
                    now=timezone.now(),
                )
            except ContentChanged as exc:
                raise changed(_visible(user, number)) from exc
        return _shown(user, _visible(user, number))


class StepView(ApiView):
    """One step of an application; `step_view` makes a subclass for each."""

    body: ClassVar[type[StrictSerializer]]
    take: ClassVar[Callable[..., Any]]

    def post(self, request: Request, number: str) -> Response:
        """Unseen: 404; a repeated key: the stored answer; then the version, the body and the service's own rules."""
        user = person(request)
        application = _visible(user, number)

        def work() -> Response:
            version = require_match(request, application)
            values = _checked(self.body, request)
            with translated():
                type(self).take(application=application, actor=user, version=version, values=values)
            return _shown(user, _visible(user, number))

        return once(request, user, work)


def step_view(name: str, text: str, body: type[StrictSerializer], take: Callable[..., Any]) -> type[StepView]:
    """The endpoint of one step: `take` gets application, actor, version and the checked values of `body`."""
    view = type(
        f"{name.title().replace('-', '')}View", (StepView,), {"body": body, "take": staticmethod(take)}
    )
    described = extend_schema(
        operation_id=f"applications_{name.replace('-', '_')}",
        description=text,
        parameters=[IF_MATCH, IDEMPOTENCY_KEY, ETAG],
        request=body,
        responses={200: ApplicationSerializer},
    )
    return extend_schema_view(post=described)(view)


def _submit(*, application: Application, actor: User, version: int, values: Mapping[str, Any]) -> None:
    try:
        services.submit(application_id=application.pk, actor=actor, version=version, now=timezone.now())
    except ContentChanged as exc:
        raise changed(application) from exc


def _decide(service: Callable[..., Any]) -> Callable[..., None]:
    def take(*, application: Application, actor: User, version: int, values: Mapping[str, Any]) -> None:
        service(application_id=application.pk, actor=actor, now=timezone.now(), **values)

    return take


def _pull_back(*, application: Application, actor: User, version: int, values: Mapping[str, Any]) -> None:
    services.pull_back(application_id=application.pk, actor=actor, now=timezone.now())


def _withdraw(*, application: Application, actor: User, version: int, values: Mapping[str, Any]) -> None:
    services.withdraw(application_id=application.pk, actor=actor, now=timezone.now(), **values)


STEPS = {
    "submit": step_view("submit", "Submit a draft, or the next revision.", EmptySerializer, _submit),
    "approve": step_view("approve", "Approve the open stage.", DecideSerializer, _decide(services.approve)),
    "reject": step_view(
        "reject", "Reject for good; needs a comment.", DecideSerializer, _decide(services.reject)
    ),
    "return": step_view("return", "Send back; needs a comment.", DecideSerializer, _decide(services.return_)),
    "pull-back": step_view("pull-back", "Take back what nobody decided yet.", EmptySerializer, _pull_back),
    "told": step_view(
        "told",
        "A colleague told the applicant the result, whose report no mail delivered.",
        TellSerializer,
        tell,
    ),
    "withdraw": step_view("withdraw", "End what is not approved yet.", CommentSerializer, _withdraw),
}


def _visible(user: User, number: str) -> Application:
    try:
        return selectors.application(user, number)
    except Application.DoesNotExist:
        raise not_found() from None


def _shown(user: User, application: Application, status: int = 200) -> Response:
    actions = selectors.actions(user, application)
    application.actions = actions  # type: ignore[attr-defined]
    application.decision = _decision(user, application) if actions.decide else None  # type: ignore[attr-defined]
    return Response(
        ApplicationSerializer(application).data, status=status, headers={"ETag": etag(application)}
    )


def _decision(user: User, application: Application) -> dict[str, Any] | None:
    view = selectors.decision_view(user, application, timezone.now())
    if view.stage is None or not view.may_decide:
        return None
    return {
        "stage_id": view.stage.pk,
        "content_hash": application.content_hash,
        "plan_digest": view.plan_digest,
        "plan_changed": view.plan_changed,
        "acts_for": view.acts_for,
        "plans": view.plans,
        "changes": view.changes,
    }


def _checked(serializer: type[StrictSerializer], request: Request) -> dict[str, Any]:
    """The checked body; an absent one counts as an empty object."""
    checked = serializer(data=request.data, context={"request": request})
    checked.is_valid(raise_exception=True)
    return checked.validated_data


def _content(kind: str, values: Mapping[str, Any], application: Application | None = None) -> Content:
    """The content of the body over that of the application; a 400 problem for lines that the kind cannot read."""
    lines = values.get("lines")
    if lines is not None:
        problems = list(line_problems(kinds.get(kind), lines))
        if problems:
            raise invalid(problems)
    elif application is not None:
        lines = [line.payload for line in application.lines.all()]
    return Content(
        reason=values.get("reason", application.reason if application else ""),
        desired_on=values.get("desired_on", application.desired_on if application else None),
        lines=tuple(lines or ()),
    )
