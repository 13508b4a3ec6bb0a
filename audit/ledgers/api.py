"""The two ledgers over REST: lists, one work with its history, entering, changing and cancelling."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, ClassVar

from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from audit.ledgers import selectors, services
from audit.ledgers.forms import NAME_LENGTH, OBJECT_LENGTH
from audit.ledgers.importing import places_of
from audit.ledgers.models import Ledger, WorkChange, WorkEntry, Worker
from audit.ledgers.numbering import NUMBER_LENGTH
from audit.ledgers.services import WorkValues
from portal.common.api.paging import PAGE_PARAMETERS, PAGE_QUERY, choice, page_of
from portal.common.api.parsing import StrictSerializer
from portal.common.api.problems import FieldProblem, Problem, invalid, not_allowed, not_found
from portal.common.api.schema import IDEMPOTENCY_KEY
from portal.common.api.views import ApiView
from portal.common.text import ascii_identifier, person_name, squeeze
from portal.orgs.api import person_who_may, visible_codes
from portal.orgs.models import User
from portal.orgs.permissions import READ_LEDGERS
from portal.trail import services as trail
from portal.trail.api import listed
from portal.workflow.api.idempotency import once
from requests.enquiries.errors import ChangedMeanwhile, NotAllowed, Refused


def _names(longest: int = NAME_LENGTH, **more: Any) -> serializers.ListField:
    return serializers.ListField(
        child=serializers.CharField(max_length=longest), max_length=services.MOST_NAMES, **more
    )


class WorkSerializer(serializers.Serializer):
    """One work of a ledger."""

    id = serializers.IntegerField(source="pk")
    version = serializers.IntegerField(help_text="Name it with a change")
    ledger = serializers.ChoiceField(choices=Ledger.choices)
    organisation = serializers.CharField(source="organisation.code")
    work_number = serializers.CharField()
    application_number = serializers.CharField()
    work_type = serializers.CharField()
    worker = serializers.ChoiceField(choices=Worker.choices)
    planned_from = serializers.DateTimeField()
    planned_until = serializers.DateTimeField()
    actual_from = serializers.DateTimeField(allow_null=True)
    actual_until = serializers.DateTimeField(allow_null=True)
    persons = serializers.ListField(child=serializers.CharField())
    accounts = serializers.ListField(child=serializers.CharField())
    hosts = serializers.ListField(child=serializers.CharField())
    objects_touched = serializers.ListField(child=serializers.CharField())
    medium_serial = serializers.CharField()
    text = serializers.CharField()
    expected_rows = serializers.IntegerField(allow_null=True)
    expected_files = serializers.IntegerField(allow_null=True)
    approved_by_name = serializers.CharField()
    cancelled = serializers.BooleanField()
    cancel_reason = serializers.CharField()


class WorkChangeSerializer(serializers.Serializer):
    """One change of a work."""

    at = serializers.DateTimeField()
    actor = serializers.CharField(source="actor_name")
    verb = serializers.ChoiceField(choices=WorkChange.Verb.choices)
    reason = serializers.CharField()
    values = serializers.DictField(help_text="The whole work after the change")


class WorkWithHistorySerializer(WorkSerializer):
    """One work with every change, the oldest first."""

    history = WorkChangeSerializer(many=True, source="changes")


class WorkBody(StrictSerializer):
    """What a work says."""

    work_type = serializers.CharField(max_length=40)
    worker = serializers.ChoiceField(choices=Worker.choices)
    planned_from = serializers.DateTimeField()
    planned_until = serializers.DateTimeField()
    actual_from = serializers.DateTimeField(required=False, allow_null=True, default=None)
    actual_until = serializers.DateTimeField(required=False, allow_null=True, default=None)
    persons = _names()
    accounts = _names()
    hosts = _names()
    objects_touched = _names(OBJECT_LENGTH, required=False, default=list)
    application_number = serializers.CharField(max_length=40, required=False, allow_blank=True, default="")
    medium_serial = serializers.CharField(max_length=100, required=False, allow_blank=True, default="")
    text = serializers.CharField(max_length=2000)
    expected_rows = serializers.IntegerField(
        required=False, allow_null=True, default=None, min_value=0, max_value=10**15
    )
    expected_files = serializers.IntegerField(
        required=False, allow_null=True, default=None, min_value=0, max_value=10**9
    )
    approved_by_name = serializers.CharField(max_length=100, required=False, allow_blank=True, default="")
    accepts_overlap = serializers.BooleanField(
        required=False,
        default=False,
        help_text="Without it a work that overlaps with others is answered with 409",
    )

    def values(self) -> WorkValues:
        """What the service takes, corrected as on the screen."""
        said = {name: self.validated_data[name] for name in WorkValues.__dataclass_fields__}
        for name, normalise in (
            ("persons", person_name),
            ("accounts", ascii_identifier),
            ("hosts", ascii_identifier),
            ("objects_touched", squeeze),
        ):
            said[name] = [word for each in said[name] if (word := normalise(each))]
        return WorkValues(**said)


class NewWorkBody(WorkBody):
    """A work to be entered."""

    ledger = serializers.ChoiceField(choices=Ledger.choices)
    organisation = serializers.CharField(max_length=20, help_text="Code of the federation")
    work_number = serializers.CharField(
        max_length=NUMBER_LENGTH, required=False, allow_blank=True, default="", help_text="Empty: proposed"
    )


class ChangeWorkBody(WorkBody):
    """The whole work as it is to be."""

    version = serializers.IntegerField(min_value=1, max_value=2**31 - 1, help_text="As it was read")
    reason = serializers.CharField(max_length=300)


class CancelWorkBody(StrictSerializer):
    """Why it does not take place."""

    version = serializers.IntegerField(min_value=1, max_value=2**31 - 1, help_text="As it was read")
    reason = serializers.CharField(max_length=300)


@contextmanager
def translated() -> Iterator[None]:
    """Turns what the services raise into the problem that says it to a program."""
    try:
        yield
    except NotAllowed as error:
        raise not_allowed(error.reason) from error
    except ChangedMeanwhile as error:
        raise Problem(409, "changed-meanwhile", error.reason) from error
    except Refused as error:
        raise invalid([FieldProblem(error.field, error.reason)], 422) from error


def _refuse_overlap(user: User, organisation_id: int, values: WorkValues, besides: int | None = None) -> None:
    found = selectors.overlapping(
        user,
        organisation_id=organisation_id,
        begin=values.actual_from or values.planned_from,
        end=values.actual_until or values.planned_until,
        accounts=values.accounts,
        hosts=values.hosts,
        besides=besides,
    )
    if found:
        numbers = "、".join(each.work.work_number for each in found)
        raise Problem(409, "overlapping-work", numbers, extra={"works": [each.work.pk for each in found]})


class WorksView(ApiView):
    """The works of both ledgers that this person sees."""

    query: ClassVar[frozenset[str]] = PAGE_QUERY | {
        "ledger",
        "organisation",
        "state",
        "work_type",
        "worker",
        "month",
        "q",
    }

    @extend_schema(
        operation_id="works_list",
        parameters=[
            *PAGE_PARAMETERS,
            OpenApiParameter("ledger", str, enum=Ledger.values),
            OpenApiParameter("organisation", str, description="Code of a federation"),
            OpenApiParameter("state", str, enum=list(selectors.SHOWN)),
            OpenApiParameter("work_type", str),
            OpenApiParameter("worker", str, enum=Worker.values),
            OpenApiParameter("month", str, description="Such as 2026-11"),
            OpenApiParameter(
                "q", str, description="Number, account, machine, person, work; all words must occur"
            ),
        ],
        responses=page_of(WorkSerializer),
    )
    def get(self, request: Request) -> Response:
        """Works, those entered last first (AUD-03, AUD-05)."""
        user = person_who_may(request, READ_LEDGERS)
        rows = selectors.works(
            user,
            q=request.query_params.get("q", ""),
            ledger=choice(request, "ledger", Ledger.values),
            state=choice(request, "state", selectors.SHOWN),
            work_type=request.query_params.get("work_type", ""),
            worker=choice(request, "worker", Worker.values),
            month=request.query_params.get("month", ""),
            organisation=choice(request, "organisation", visible_codes(user)),
        )
        return listed(request, rows, WorkSerializer, "work.list")

    @extend_schema(
        operation_id="works_enter",
        request=NewWorkBody,
        responses={201: WorkSerializer},
        parameters=[IDEMPOTENCY_KEY],
    )
    def post(self, request: Request) -> Response:
        """Enter a work. 409 `overlapping-work` names the others, 422 what cannot be."""
        user = person_who_may(request, READ_LEDGERS)
        if not any(services.may_write(user, ledger) for ledger in Ledger.values):
            raise not_allowed()
        body = NewWorkBody(data=request.data)
        body.is_valid(raise_exception=True)
        given = body.validated_data
        places = {place.code: place for place in places_of(given["ledger"], user)}
        if not places:
            raise not_allowed()
        if given["organisation"] not in places:
            raise invalid([FieldProblem("organisation", "unknown")])

        def work() -> Response:
            place, values = places[given["organisation"]], body.values()
            if not given["accepts_overlap"]:
                _refuse_overlap(user, place.pk, values)
            entry = services.enter(
                ledger=given["ledger"],
                organisation=place,
                values=values,
                work_number=squeeze(given["work_number"]),
                actor=user,
                now=timezone.now(),
            )
            return Response(WorkSerializer(entry).data, status=201)

        with translated():
            return once(request, user, work)


class OneWorkView(ApiView):
    """A view of one work."""

    def load(self, user: User, pk: int) -> WorkEntry:
        """What the person may not see is as unknown as none (ORG-02)."""
        try:
            return selectors.work(user, pk)
        except WorkEntry.DoesNotExist:
            raise not_found() from None

    def keeper(self, request: Request, pk: int) -> tuple[User, WorkEntry]:
        """Who writes in its ledger."""
        user = person_who_may(request, READ_LEDGERS)
        entry = self.load(user, pk)
        if not services.may_write(user, entry.ledger, entry.organisation_id):
            raise not_allowed()
        return user, entry


class WorkView(OneWorkView):
    """One work."""

    @extend_schema(operation_id="works_read", responses=WorkWithHistorySerializer)
    def get(self, request: Request, pk: int) -> Response:
        """With its history."""
        user = person_who_may(request, READ_LEDGERS)
        entry = self.load(user, pk)
        trail.record(
            action="work.view",
            now=timezone.now(),
            actor=user,
            object_type="work",
            object_id=entry.pk,
            object_label=entry.work_number,
            object_organisation_id=entry.organisation_id,
        )
        return Response(WorkWithHistorySerializer(entry).data)


class ChangeWorkView(OneWorkView):
    """Change a work."""

    @extend_schema(
        operation_id="works_change",
        request=ChangeWorkBody,
        responses=WorkSerializer,
        parameters=[IDEMPOTENCY_KEY],
    )
    def post(self, request: Request, pk: int) -> Response:
        """409 when somebody changed it since `version` was read."""
        user, entry = self.keeper(request, pk)
        body = ChangeWorkBody(data=request.data)
        body.is_valid(raise_exception=True)

        def work() -> Response:
            values = body.values()
            if not body.validated_data["accepts_overlap"]:
                _refuse_overlap(user, entry.organisation_id, values, besides=entry.pk)
            changed = services.change(
                entry_id=entry.pk,
                version=body.validated_data["version"],
                values=values,
                reason=body.validated_data["reason"],
                actor=user,
                now=timezone.now(),
            )
            return Response(WorkSerializer(changed).data)

        with translated():
            return once(request, user, work)


class CancelWorkView(OneWorkView):
    """Cancel a work."""

    @extend_schema(
        operation_id="works_cancel",
        request=CancelWorkBody,
        responses=WorkSerializer,
        parameters=[IDEMPOTENCY_KEY],
    )
    def post(self, request: Request, pk: int) -> Response:
        """It stays in the ledger as cancelled."""
        user, entry = self.keeper(request, pk)
        body = CancelWorkBody(data=request.data)
        body.is_valid(raise_exception=True)

        def work() -> Response:
            gone = services.cancel(entry_id=entry.pk, **body.validated_data, actor=user, now=timezone.now())
            return Response(WorkSerializer(gone).data)

        with translated():
            return once(request, user, work)
