"""Planned outages over REST: the list, planning, changing, cancelling, confirming."""

from __future__ import annotations

from typing import Any, ClassVar

from django.utils import timezone
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse

from portal.common.api.paging import PAGE_PARAMETERS, PAGE_QUERY, choice, page_of
from portal.common.api.parsing import StrictSerializer
from portal.common.api.problems import FieldProblem, invalid, not_found
from portal.common.api.schema import IDEMPOTENCY_KEY
from portal.common.api.views import ApiView
from portal.orgs.api import person, person_who_may
from portal.orgs.models import Organisation, User
from portal.orgs.permissions import PLAN_OUTAGES
from portal.trail.api import listed
from portal.workflow.api.idempotency import once
from requests.enquiries.forms import TEXT_LENGTH
from requests.enquiries.problems import translated
from requests.outages import selectors, services
from requests.outages.errors import Refused
from requests.outages.models import Confirmer, Outage, Shown, System
from requests.outages.services import Plan

# Where the form of the screen has two fields, a program has one moment.
_PLACES = {"stops_on": "stops_at", "starts_on": "starts_at"}


class OutageSerializer(serializers.Serializer):
    """One planned outage."""

    number = serializers.CharField()
    title = serializers.CharField()
    systems = serializers.ListField(child=serializers.ChoiceField(choices=System.choices))
    detail = serializers.CharField()
    stops_at = serializers.DateTimeField()
    starts_at = serializers.DateTimeField()
    standing = serializers.SerializerMethodField(
        help_text="PLANNED, RUNNING, ATTENTION (the start is not confirmed), CONFIRMED, CANCELLED"
    )
    reason = serializers.CharField(help_text="Of a cancellation")

    def get_standing(self, outage: Outage) -> str:
        """As of now."""
        return outage.shown(timezone.now()).value


class ConfirmerSerializer(serializers.Serializer):
    """Who is named to confirm normality, and what they found."""

    login_name = serializers.CharField(source="person.login_name")
    name = serializers.CharField(source="person.display_name")
    organisation = serializers.CharField(source="organisation.code")
    result = serializers.CharField(help_text="NORMAL, TROUBLE, or empty: not yet")
    note = serializers.CharField()
    confirmed_at = serializers.DateTimeField(allow_null=True)


class OutageDetailSerializer(OutageSerializer):
    """One planned outage with whom it concerns, as far as the person sees them."""

    version = serializers.IntegerField(help_text="Name it with a change")
    organisations = serializers.ListField(child=serializers.CharField())
    confirmers = ConfirmerSerializer(many=True)


class OutagePlanSerializer(StrictSerializer):
    """What operations say about an outage."""

    title = serializers.CharField(max_length=100)
    systems = serializers.ListField(child=serializers.ChoiceField(choices=System.choices), min_length=1)
    detail = serializers.CharField(max_length=TEXT_LENGTH)
    stops_at = serializers.DateTimeField()
    starts_at = serializers.DateTimeField()
    organisations = serializers.ListField(
        child=serializers.CharField(max_length=20), help_text="Codes, or the one word ALL"
    )
    confirmers = serializers.ListField(
        child=serializers.CharField(max_length=64), help_text="Login names of those who confirm normality"
    )


class ChangedOutagePlanSerializer(OutagePlanSerializer):
    """The whole plan as it shall be."""

    version = serializers.IntegerField(min_value=1, max_value=2**31 - 1, help_text="As it was read")


class OutageCancelSerializer(StrictSerializer):
    """Why it does not take place."""

    version = serializers.IntegerField(min_value=1, max_value=2**31 - 1, help_text="As it was read")
    reason = serializers.CharField(max_length=500)


class OutageConfirmSerializer(StrictSerializer):
    """What a named person found."""

    result = serializers.ChoiceField(choices=Confirmer.Result.choices)
    note = serializers.CharField(max_length=500, required=False, default="", allow_blank=True)


class OutagesView(ApiView):
    """The outages that concern this person's organisations."""

    query: ClassVar[frozenset[str]] = PAGE_QUERY | {"state", "system", "month", "q"}

    @extend_schema(
        operation_id="outages_list",
        parameters=[
            *PAGE_PARAMETERS,
            OpenApiParameter("state", str, enum=Shown.values),
            OpenApiParameter("system", str, enum=System.values),
            OpenApiParameter("month", str, description="Such as 2026-12"),
            OpenApiParameter("q", str, description="Number, title, description; all words must occur"),
        ],
        responses=page_of(OutageSerializer),
    )
    def get(self, request: Request) -> Response:
        """Outages, those planned last first."""
        rows = selectors.outages(
            person(request),
            q=request.query_params.get("q", ""),
            state=choice(request, "state", Shown.values),
            system=choice(request, "system", System.values),
            month=request.query_params.get("month", ""),
        )
        return listed(request, rows, OutageSerializer, "outage.list")

    @extend_schema(
        operation_id="outages_plan",
        parameters=[IDEMPOTENCY_KEY],
        request=OutagePlanSerializer,
        responses={201: OutageDetailSerializer},
    )
    def post(self, request: Request) -> Response:
        """Announce a stop to everybody concerned (REQ-10)."""
        user = person_who_may(request, PLAN_OUTAGES)

        def work() -> Response:
            values = _checked(OutagePlanSerializer, request)
            with translated():
                made = _placed(services.plan, wanted=_plan(values), actor=user, now=timezone.now())
            response = _shown(user, made.number, status=201)
            response["Location"] = reverse("api_outage", kwargs={"number": made.number}, request=request)
            return response

        return once(request, user, work)


class OutageView(ApiView):
    """One outage."""

    @extend_schema(operation_id="outages_read", responses=OutageDetailSerializer)
    def get(self, request: Request, number: str) -> Response:
        """As it stands now; one that does not concern the person is as unknown as none (ORG-02)."""
        return _shown(person(request), number)

    @extend_schema(
        operation_id="outages_change",
        parameters=[IDEMPOTENCY_KEY],
        request=ChangedOutagePlanSerializer,
        responses=OutageDetailSerializer,
    )
    def post(self, request: Request, number: str) -> Response:
        """Change it and tell everybody again; 409 when somebody changed it since `version` was read."""
        user = person_who_may(request, PLAN_OUTAGES)
        outage = _found(user, number)

        def work() -> Response:
            values = _checked(ChangedOutagePlanSerializer, request)
            common: dict[str, Any] = {"outage_id": outage.pk, "version": values.pop("version"), "actor": user}
            with translated():
                _placed(services.change, wanted=_plan(values), now=timezone.now(), **common)
            return _shown(user, number)

        return once(request, user, work)


class OutageCancelView(ApiView):
    """It does not take place."""

    @extend_schema(
        operation_id="outages_cancel",
        parameters=[IDEMPOTENCY_KEY],
        request=OutageCancelSerializer,
        responses=OutageDetailSerializer,
    )
    def post(self, request: Request, number: str) -> Response:
        """Everybody concerned is told why."""
        user = person_who_may(request, PLAN_OUTAGES)
        outage = _found(user, number)

        def work() -> Response:
            values = _checked(OutageCancelSerializer, request)
            with translated():
                services.cancel(outage_id=outage.pk, actor=user, now=timezone.now(), **values)
            return _shown(user, number)

        return once(request, user, work)


class OutageConfirmView(ApiView):
    """Whether everything works again."""

    @extend_schema(
        operation_id="outages_confirm",
        parameters=[IDEMPOTENCY_KEY],
        request=OutageConfirmSerializer,
        responses=OutageDetailSerializer,
    )
    def post(self, request: Request, number: str) -> Response:
        """Of a person who is named; when the last one found it normal, everybody concerned gets the report."""
        user = person(request)
        outage = _found(user, number)

        def work() -> Response:
            values = _checked(OutageConfirmSerializer, request)
            with translated():
                services.confirm(outage_id=outage.pk, actor=user, now=timezone.now(), **values)
            return _shown(user, number)

        return once(request, user, work)


def _checked(serializer: type[StrictSerializer], request: Request) -> dict[str, Any]:
    body = serializer(data=request.data)
    body.is_valid(raise_exception=True)
    return dict(body.validated_data)


def _plan(values: dict[str, Any]) -> Plan:
    """With organisations and persons; 422 names every one that cannot be chosen."""
    places = {place.code: place for place in Organisation.objects.all()}
    people = {person.login_name: person for person in selectors.people_who_confirm()}
    codes = list(places) if values["organisations"] == ["ALL"] else values["organisations"]
    problems = [
        FieldProblem(f"{field}/{position}", text)
        for field, chosen, known, text in (
            ("organisations", codes, places, _("There is no organisation with this code.")),
            ("confirmers", values["confirmers"], people, _("Nobody with this login name can be named.")),
        )
        for position, each in enumerate(chosen)
        if each not in known
    ]
    if problems:
        raise invalid(problems, 422)
    values |= {"organisations": [places[code] for code in codes]}
    return Plan(**values | {"confirmers": [people[name] for name in values["confirmers"]]})


def _placed(service: Any, **values: Any) -> Outage:
    """The service call; what it refuses stands at the field of the body."""
    try:
        return service(**values)  # type: ignore[no-any-return]
    except Refused as refused:
        refused.field = _PLACES.get(refused.field, refused.field)
        raise


def _found(user: User, number: str) -> Outage:
    try:
        return selectors.outage(user, number)
    except Outage.DoesNotExist:
        raise not_found() from None


def _shown(user: User, number: str, status: int = 200) -> Response:
    found: Any = _found(user, number)
    data = OutageSerializer(found).data | {
        "version": found.version,
        "organisations": [place.code for place in selectors.concerned(user, found)],
        "confirmers": ConfirmerSerializer(selectors.confirmers(user, found), many=True).data,
    }
    return Response(data, status=status)
