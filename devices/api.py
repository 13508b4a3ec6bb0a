"""The registers of machines and segments over REST. They are changed by applications (POST applications/)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, ClassVar

from django.core.exceptions import ObjectDoesNotExist
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from devices import selectors
from devices.computers.models import Computer, Segment
from devices.exchange import errors as exchange
from devices.permits import errors as permits
from portal.common.api.paging import PAGE_PARAMETERS, PAGE_QUERY, choice, page_of, paged
from portal.common.api.parsing import StrictSerializer
from portal.common.api.problems import FieldProblem, Problem, not_allowed, not_found
from portal.common.api.views import ApiView
from portal.orgs.api import person_who_may, visible_codes
from portal.orgs.models import User
from portal.orgs.permissions import READ_DEVICES, Permission
from portal.trail.api import listed
from portal.workflow.api.idempotency import once


def reader(request: Request) -> User:
    """The person, who must be allowed to read devices."""
    return person_who_may(request, READ_DEVICES)


class StepView(ApiView):
    """What somebody of a federation records or answers about one thing of it, once."""

    permission: ClassVar[Permission]
    body: ClassVar[type[StrictSerializer]]
    shown: ClassVar[type[serializers.Serializer]]
    load: ClassVar[
        Callable[..., Any]
    ]  # selector of (user, key); DoesNotExist also for another federation's (ORG-02)

    def take(self, found: Any, user: User, values: dict[str, Any]) -> None:
        """The service call."""
        raise NotImplementedError

    def step(self, request: Request, key: Any) -> Response:
        """404 for what the person does not see, 403 for who may not, then the body, then the service's own rules."""
        user = reader(request)
        try:
            found = self.load(user, key)
        except ObjectDoesNotExist:
            raise not_found() from None
        if not user.may(self.permission, found.organisation_id):
            raise not_allowed()
        body = self.body(data=request.data)
        body.is_valid(raise_exception=True)

        def work() -> Response:
            self.take(found, user, body.validated_data)
            return Response(self.shown(self.load(user, key)).data)

        with translated():
            return once(request, user, work)


@contextmanager
def translated() -> Iterator[None]:
    """Turns what the services of permits, alerts and the exchange raise into the problem that says it to a program."""
    try:
        yield
    except (permits.NotAllowed, exchange.NotAllowed) as error:
        raise not_allowed(error.reason) from error
    except permits.MoveNotAllowed as error:
        text = _("Somebody else changed this permit meanwhile. Look again.")
        raise Problem(409, "not-in-this-state", text) from error
    except permits.ReasonNotConfirmed as error:
        text = _("Confirm the reason for writing first (T 2-32 no. 1).")
        raise _refused("confirms_reason", text) from error
    except exchange.AnsweredMeanwhile as error:
        raise Problem(409, "changed-meanwhile", error.reason) from error
    except exchange.AnswerRefused as error:
        raise _refused(error.field, error.reason) from error


def _refused(field: str, reason: str) -> Problem:
    return Problem(422, "invalid-content", reason, errors=[FieldProblem(field, reason)])


class ComputerSerializer(serializers.Serializer):
    """A PC, server or printer."""

    uid = serializers.UUIDField()
    organisation = serializers.CharField(source="organisation.code")
    name = serializers.CharField()
    kind = serializers.CharField(source="kind.code")
    kind_label = serializers.CharField(source="kind.name")
    operating_system = serializers.CharField(source="operating_system.code", default="")
    business_system = serializers.CharField(source="business_system.code")
    has_own_skysea = serializers.BooleanField()
    segment = serializers.CharField(source="segment.network", default="")
    agents = serializers.ListField(child=serializers.CharField())
    department = serializers.CharField()
    place = serializers.CharField()
    state = serializers.ChoiceField(choices=Computer.State.choices)
    state_label = serializers.CharField(source="get_state_display")
    registered_at = serializers.DateTimeField(source="created_at")
    retired_at = serializers.DateTimeField(allow_null=True)


class ComputersView(ApiView):
    """The machines of the organisations that this person sees."""

    query: ClassVar[frozenset[str]] = PAGE_QUERY | {"organisation", "state", "kind", "q"}

    @extend_schema(
        operation_id="computers_list",
        parameters=[
            *PAGE_PARAMETERS,
            OpenApiParameter("organisation", str, description="Code of an organisation"),
            OpenApiParameter("state", str, enum=Computer.State.values),
            OpenApiParameter("kind", str, description="Code of a kind of machine"),
            OpenApiParameter("q", str, description="Name, department, place; all words must occur"),
        ],
        responses=page_of(ComputerSerializer),
    )
    def get(self, request: Request) -> Response:
        """Machines, newest first."""
        user = reader(request)
        rows = selectors.computers(
            user,
            q=request.query_params.get("q", ""),
            state=choice(request, "state", Computer.State.values),
            kind=request.query_params.get("kind", ""),
            organisation=choice(request, "organisation", visible_codes(user)),
        )
        return listed(request, rows, ComputerSerializer, "computer.list")


class SegmentSerializer(serializers.Serializer):
    """A network segment of a federation."""

    organisation = serializers.CharField(source="organisation.code")
    network = serializers.CharField()
    purpose = serializers.ChoiceField(choices=Segment.Purpose.choices)
    vlan = serializers.IntegerField(allow_null=True)
    valid_from = serializers.DateField()
    valid_until = serializers.DateField(allow_null=True)


class SegmentsView(ApiView):
    """The segments that are valid today."""

    query: ClassVar[frozenset[str]] = PAGE_QUERY | {"organisation"}

    @extend_schema(
        operation_id="segments_list",
        parameters=[
            *PAGE_PARAMETERS,
            OpenApiParameter("organisation", str, description="Code of an organisation"),
        ],
        responses=page_of(SegmentSerializer),
    )
    def get(self, request: Request) -> Response:
        """Segments, newest first."""
        user = reader(request)
        rows = selectors.segments(user, organisation=choice(request, "organisation", visible_codes(user)))
        return Response(paged(request, rows, SegmentSerializer))
