"""Own changes over REST: the register, and recording."""

from __future__ import annotations

from typing import Any, ClassVar

from django.utils import timezone
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from portal.common.api.paging import PAGE_PARAMETERS, PAGE_QUERY, choice, page_of
from portal.common.api.parsing import StrictSerializer
from portal.common.api.problems import FieldProblem, invalid
from portal.common.api.schema import IDEMPOTENCY_KEY
from portal.common.api.views import ApiView
from portal.common.time import JST
from portal.orgs.api import person_who_may, visible_codes
from portal.orgs.models import User
from portal.orgs.permissions import READ_OWN_CHANGES, RECORD_OWN_CHANGES
from portal.trail.api import listed
from portal.workflow.api.idempotency import once
from requests.own_changes import selectors, services
from requests.own_changes.forms import FORMS
from requests.own_changes.models import OwnChange, Subject
from requests.own_changes.reading import MOST_ROWS


class OwnChangeSerializer(serializers.Serializer):
    """A change that a federation made itself."""

    number = serializers.CharField()
    organisation = serializers.CharField(source="organisation.code")
    subject = serializers.ChoiceField(choices=Subject.choices)
    equipment = serializers.CharField()
    item = serializers.CharField(help_text="Port or policy")
    system_name = serializers.CharField()
    before = serializers.DictField(child=serializers.CharField(), help_text="Empty: not set up")
    after = serializers.DictField(child=serializers.CharField(), help_text="Empty: taken away")
    reason = serializers.CharField()
    changed_at = serializers.DateTimeField()
    changed_by = serializers.CharField()
    recorded_at = serializers.DateTimeField()
    recorded_by = serializers.CharField(source="recorded_by.display_name")
    digest = serializers.CharField()


class OwnChangeMadeSerializer(StrictSerializer):
    """A change that was made."""

    subject = serializers.ChoiceField(choices=Subject.choices)
    equipment = serializers.CharField(max_length=100)
    item = serializers.CharField(max_length=100, help_text="Port or policy")
    system_name = serializers.CharField(max_length=200, required=False, default="", allow_blank=True)
    before = serializers.DictField(
        child=serializers.CharField(allow_blank=True),
        required=False,
        default=dict,
        help_text="Left out: as the record before left it",
    )
    after = serializers.DictField(
        child=serializers.CharField(allow_blank=True),
        required=False,
        default=dict,
        help_text="Empty: taken away",
    )
    differs = serializers.BooleanField(
        required=False, default=False, help_text="`before` is another than the record before says"
    )
    reason = serializers.CharField(max_length=2000)
    changed_at = serializers.DateTimeField()
    changed_by = serializers.CharField(max_length=200)


class OwnChangesRecordSerializer(StrictSerializer):
    """Changes of one organisation, all or none, in their order."""

    organisation = serializers.CharField(max_length=20, help_text="Code of the organisation")
    changes = serializers.ListField(child=OwnChangeMadeSerializer(), min_length=1, max_length=MOST_ROWS)


class OwnChangesView(ApiView):
    """The records of the organisations that this person sees."""

    query: ClassVar[frozenset[str]] = PAGE_QUERY | {"organisation", "subject", "q"}

    @extend_schema(
        operation_id="own_changes",
        parameters=[
            *PAGE_PARAMETERS,
            OpenApiParameter("organisation", str, description="Code of an organisation"),
            OpenApiParameter("subject", str, enum=Subject.values),
            OpenApiParameter("q", str, description="Number, equipment, port or value; all words must occur"),
        ],
        responses=page_of(OwnChangeSerializer),
    )
    def get(self, request: Request) -> Response:
        """Newest first (REQ-14)."""
        user = person_who_may(request, READ_OWN_CHANGES)
        rows = selectors.changes(
            user,
            q=request.query_params.get("q", ""),
            subject=choice(request, "subject", Subject.values),
            organisation=choice(request, "organisation", visible_codes(user)),
        )
        return listed(request, rows, OwnChangeSerializer, "own_change.list")

    @extend_schema(
        operation_id="own_changes_record",
        parameters=[IDEMPOTENCY_KEY],
        request=OwnChangesRecordSerializer,
        responses={201: OwnChangeSerializer(many=True)},
    )
    def post(self, request: Request) -> Response:
        """Record what was changed: all of it, or none; a 422 names every field. A record is never changed (REQ-14)."""
        user = person_who_may(request, RECORD_OWN_CHANGES)
        return once(request, user, lambda: self._record(request, user))

    def _record(self, request: Request, user: User) -> Response:
        body = OwnChangesRecordSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        values = body.validated_data
        places = {place.code: place for place in user.organisations_where(RECORD_OWN_CHANGES)}
        if values["organisation"] not in places:
            text = _("You do not record changes of this organisation.")
            raise invalid([FieldProblem("organisation", text)], 422)
        wanted = _by_form(values["changes"])
        try:
            made = services.record(
                organisation=places[values["organisation"]], values=wanted, actor=user, now=timezone.now()
            )
        except services.RecordRefused as error:
            place = f"changes/{error.row}/{error.field}".removesuffix("/")
            raise invalid([FieldProblem(place, error.reason)], 422) from error
        rows = OwnChange.objects.visible_to(user).select_related("organisation", "recorded_by")
        found = rows.filter(pk__in=[each.pk for each in made]).order_by("pk")
        return Response(OwnChangeSerializer(found, many=True).data, status=201)


def _by_form(changes: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Each through the form of the screen, which corrects and refuses; every problem at once."""
    problems: list[FieldProblem] = []
    found = []
    for number, change in enumerate(changes):
        form_class = next(form for form in FORMS.values() if form.subject == change["subject"])
        moment = change["changed_at"].astimezone(JST)
        sides = {
            f"{side}_{part}": text for side in ("before", "after") for part, text in change[side].items()
        }
        kept = ("equipment", "item", "system_name", "differs", "reason", "changed_by")
        form = form_class(
            {name: change[name] for name in kept}
            | sides
            | {"changed_on": f"{moment:%Y/%m/%d}", "changed_time": f"{moment:%H:%M:%S}"}
        )
        unknown = [name for name in sides if name not in form.fields]
        wrong = {name: [_("There is no such field.")] for name in unknown} | dict(form.errors)
        problems += [
            FieldProblem(f"changes/{number}/{_place(name)}".removesuffix("/"), str(text))
            for name, texts in wrong.items()
            for text in texts
        ]
        found.append(form)
    if problems:
        raise invalid(problems, 422)
    return [form.to_values() for form in found]


def _place(name: str) -> str:
    """Where a field of the form stands in the body."""
    side, _line, part = name.partition("_")
    if side in ("before", "after"):
        return f"{side}/{part}"
    return {"changed_on": "changed_at", "changed_time": "changed_at", "__all__": ""}.get(name, name)
