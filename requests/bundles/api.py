"""Bundles over REST: read the boards, open one with all its applications."""

from __future__ import annotations

from typing import Any, ClassVar

from django.utils import timezone
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse

from portal.common.api.paging import PAGE_PARAMETERS, PAGE_QUERY, choice, page_of, paged
from portal.common.api.parsing import StrictSerializer
from portal.common.api.problems import FieldProblem, Problem, invalid, not_found
from portal.common.api.schema import IDEMPOTENCY_KEY
from portal.common.api.views import ApiView
from portal.orgs.api import person, person_who_may, visible_codes
from portal.orgs.models import Organisation
from portal.orgs.permissions import APPLY
from portal.trail import services as trail
from portal.workflow.api.errors import translated
from portal.workflow.api.idempotency import once
from portal.workflow.kinds import LineContext
from requests.bundles import forms, selectors, services, states
from requests.bundles.models import Action, Bundle


class PartSerializer(serializers.Serializer):
    """One thing that must happen to a machine."""

    column = serializers.CharField(source="part.column", help_text="register, whitelist, dns, …")
    kind = serializers.CharField(source="part.kind", help_text="Kind of the application")
    label = serializers.CharField(source="part.label")  # type: ignore[assignment]
    application = serializers.CharField(source="part.application.number", default=None)
    state = serializers.ChoiceField(states.PartState.choices)
    detail = serializers.CharField(help_text="What it waits for, or why it was not done or left out")


class MachineSerializer(serializers.Serializer):
    """One machine with its parts."""

    name = serializers.CharField(source="machine.name")
    old_name = serializers.CharField(source="machine.old_name", help_text="Exchange: the machine that goes")
    is_done = serializers.BooleanField()
    parts = PartSerializer(many=True)


class BundleSummarySerializer(serializers.Serializer):
    """A bundle in a list."""

    number = serializers.CharField()
    organisation = serializers.CharField(source="organisation.code")
    action = serializers.ChoiceField(Action.choices)
    state = serializers.ChoiceField(Bundle.State.choices)
    machines = serializers.IntegerField(source="machine_count")
    reason = serializers.CharField()
    desired_on = serializers.DateField(allow_null=True)
    submitted_at = serializers.DateTimeField(allow_null=True)
    finished_at = serializers.DateTimeField(allow_null=True)


class BundleSerializer(BundleSummarySerializer):
    """A bundle with its board."""

    machines = MachineSerializer(many=True, source="board.rows")  # type: ignore[assignment]


class LeftOutSerializer(StrictSerializer):
    """What hangs on a machine and shall not be ended or made, with the reason."""

    machine = serializers.CharField(max_length=15, help_text="Name of the machine of the row")
    label = serializers.CharField(  # type: ignore[assignment]
        max_length=300, help_text="As a refused answer or the board names the part"
    )
    reason = serializers.CharField(max_length=500)


class NewBundleSerializer(StrictSerializer):
    """Machines that come, are exchanged or go."""

    organisation = serializers.SlugRelatedField("code", queryset=Organisation.objects.all())
    action = serializers.ChoiceField(Action.choices)
    reason = serializers.CharField(max_length=2000)
    desired_on = serializers.DateField(required=False, allow_null=True, default=None)
    rows = serializers.ListField(
        child=serializers.DictField(),
        min_length=1,
        help_text="One for each machine, with the fields of the form: name, old_name, kind, mac, ip, …",
    )
    leave_out = LeftOutSerializer(many=True, required=False, default=list)


class BundlesView(ApiView):
    """The bundles of the organisations that this person sees, and a new one."""

    query: ClassVar[frozenset[str]] = PAGE_QUERY | {"organisation", "state", "action", "owed", "q"}

    @extend_schema(
        operation_id="bundles_list",
        parameters=[
            *PAGE_PARAMETERS,
            OpenApiParameter("organisation", str, description="Code of an organisation"),
            OpenApiParameter("state", str, description="DRAFT, OPEN, DONE or CALLED_OFF"),
            OpenApiParameter("action", str, description="INSTALL, REPLACE or REMOVE"),
            OpenApiParameter(
                "owed",
                str,
                description="1: those in which the federation must do something; old: open for long",
            ),
            OpenApiParameter("q", str, description="Number, machine, MAC or IP; all words must occur"),
        ],
        responses=page_of(BundleSummarySerializer),
    )
    def get(self, request: Request) -> Response:
        """Bundles, newest first."""
        user = person(request)
        rows = selectors.bundles(
            user,
            q=request.query_params.get("q", ""),
            state=choice(request, "state", Bundle.State.values),
            action=choice(request, "action", Action.values),
            owed=choice(request, "owed", ["1", "old"]),
            organisation=choice(request, "organisation", visible_codes(user)),
        )
        found = paged(request, rows, BundleSummarySerializer)
        detail = {"query": request.query_params.dict()}
        trail.record(action="bundle.list", now=timezone.now(), actor=user, detail=detail)
        return Response(found)

    @extend_schema(
        operation_id="bundles_create",
        parameters=[IDEMPOTENCY_KEY],
        request=NewBundleSerializer,
        responses={201: BundleSerializer},
    )
    def post(self, request: Request) -> Response:
        """Open a bundle and submit all its applications, or none of it: 422 names every row and field that is refused."""
        return once(request, person(request), lambda: self._create(request))

    def _create(self, request: Request) -> Response:
        user = person_who_may(request, APPLY)
        checked = NewBundleSerializer(data=request.data, context={"request": request})
        checked.is_valid(raise_exception=True)
        values = checked.validated_data
        rows = _rows(values, user)
        now = timezone.now()
        draft = services.Draft(reason=values["reason"], desired_on=values["desired_on"], rows=rows)
        with translated():
            bundle = services.create(
                action=values["action"],
                organisation_id=values["organisation"].pk,
                actor=user,
                draft=draft,
                now=now,
            )
            left_out = _left_out(bundle, values["leave_out"], user)
            bundle, review = services.submit(
                bundle_id=bundle.pk, actor=user, left_out=left_out, version=None, now=now
            )
        if bundle.state == Bundle.State.DRAFT:
            services.discard(bundle_id=bundle.pk, actor=user, now=now)
            raise invalid(_refused(review), 422)
        response = _shown(selectors.bundle(user, bundle.number), status=201)
        response["Location"] = reverse("api_bundle", kwargs={"number": bundle.number}, request=request)
        return response


class BundleView(ApiView):
    """One bundle."""

    @extend_schema(operation_id="bundles_read", responses=BundleSerializer)
    def get(self, request: Request, number: str) -> Response:
        """The bundle with its board; another federation's is as unknown as none (ORG-02)."""
        user = person(request)
        try:
            bundle = selectors.bundle(user, number)
        except Bundle.DoesNotExist:
            raise not_found() from None
        trail.record(
            action="bundle.view",
            now=timezone.now(),
            actor=user,
            object_type="bundle",
            object_id=bundle.pk,
            object_label=bundle.number,
            object_organisation_id=bundle.organisation_id,
        )
        return _shown(bundle)


def _rows(values: dict[str, Any], user: Any) -> list[dict[str, Any]]:
    """The rows as the form of the screen corrects them; 422 with every wrong field."""
    if len(values["rows"]) > services.most_machines():
        text = _("At most %(count)d machines fit into one.") % {"count": services.most_machines()}
        raise invalid([FieldProblem("rows", text)], 422)
    context = LineContext(
        organisation=values["organisation"], actor=user, application=None, today=timezone.localdate()
    )
    if not user.may(APPLY) or values["organisation"] not in user.organisations_where(APPLY):
        raise Problem(
            403,
            "not-allowed",
            _("You do not have the applicant role in this organisation. Ask its security manager for it."),
        )
    form_class = forms.row_form(values["action"], values["organisation"], context)
    problems, rows = [], []
    for number, row in enumerate(values["rows"]):
        form = form_class(row)
        problems += [
            FieldProblem(f"rows/{number}/{name}", _("There is no such field."))
            for name in row
            if name not in form.fields
        ]
        for name, texts in form.errors.items():
            problems += [
                FieldProblem(f"rows/{number}/{name}".removesuffix("/__all__"), str(t)) for t in texts
            ]
        rows.append(form.values)
    if problems:
        raise invalid(problems, 422)
    return rows


def _left_out(bundle: Bundle, wanted: list[dict[str, Any]], user: Any) -> dict[str, str]:
    if not wanted:
        return {}
    review = services.review(bundle=bundle, actor=user, left_out={}, now=timezone.now())
    names = {row.position: row.name for row in bundle.machines.all()}
    found = {(names[each.part.row].lower(), each.part.label): each.part.choice for each in review.parts}
    return {
        choice_: each["reason"]
        for each in wanted
        if (choice_ := found.get((each["machine"].lower(), each["label"])))
    }


def _refused(review: services.Review) -> list[FieldProblem]:
    problems = [FieldProblem(name, text) for name, texts in review.header.items() for text in texts]
    told: set[tuple[int, str]] = set()
    for row, fields in review.by_row.items():
        for name, texts in fields.items():
            problems += [FieldProblem(f"rows/{row}/{name}", text) for text in texts]
            told |= {(row, text) for text in texts}
    for each in review.parts:
        for text in each.errors if each.is_refused else ():
            if (each.part.row, text) not in told:
                problems.append(FieldProblem(f"rows/{each.part.row}", f"{each.part.label}: {text}"))
    return problems or [FieldProblem("rows", _("Nothing is needed."))]


def _shown(bundle: Bundle, status: int = 200) -> Response:
    bundle.board = states.board(bundle)  # type: ignore[attr-defined]
    return Response(BundleSerializer(bundle).data, status=status)
