"""The whitelist over REST, for whatever guards the network: pulled with an ETag, or asked for one address (MAC-07)."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any, ClassVar

from django.http import StreamingHttpResponse
from django.utils import timezone
from django.utils.http import parse_etags
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from devices.api import reader
from devices.guard import mass, modes, selectors, versions
from devices.guard.models import GuardState, Mode
from devices.guard.render import Extract, render
from devices.whitelist.addresses import AddressRefused, parse_ip, parse_mac
from portal.common.api.paging import wrong_parameter
from portal.common.api.problems import FieldProblem, Problem, invalid
from portal.common.api.schema import IDEMPOTENCY_KEY
from portal.common.api.views import ApiView
from portal.common.time import today
from portal.gateways.guard import Form
from portal.orgs.api import person_who_may
from portal.orgs.models import Organisation, User
from portal.orgs.permissions import READ_DEVICES, READ_OPERATIONS, RUN_OPERATIONS
from portal.trail import services as trail
from portal.workflow.api.idempotency import once

_MARK = re.compile(r"[0-9]{1,15}(\.[0-9]{1,20})?", re.ASCII)
_NO_VERSION = gettext_lazy("There is no such version. Pull the whole list.")


class WhitelistView(ApiView):
    """The list of permitted pairs of MAC and IP address."""

    is_for_guards = True
    query: ClassVar[frozenset[str]] = frozenset({"organisation", "since"})

    @extend_schema(
        operation_id="whitelist_pull",
        parameters=[
            OpenApiParameter("organisation", str, description="Code of an organisation: only its part"),
            OpenApiParameter(
                "since", str, description="The mark of what you have: only what was removed and added since"
            ),
            OpenApiParameter(
                "If-None-Match", str, OpenApiParameter.HEADER, description="The ETag that you have"
            ),
        ],
        responses={
            200: OpenApiResponse(OpenApiTypes.OBJECT, description="version, modes and entries"),
            304: OpenApiResponse(description="You have the newest"),
            410: OpenApiResponse(description="Nothing can be said since that mark: take the whole list"),
            503: OpenApiResponse(description="The newest waits for a person: keep what you have"),
        },
    )
    def get(self, request: Request) -> Any:
        """The list in its newest version; 304 without a body when it is the one of the ETag."""
        user, now = reader(request), timezone.now()
        code = request.query_params.get("organisation", "")
        extract, made_at = _extract(user, code, _since(request), now)
        etag = _etag(extract, code, made_at)
        known = parse_etags(request.headers.get("If-None-Match", ""))
        if etag in known or f"W/{etag}" in known or "*" in known:
            return Response(status=304, headers={"ETag": etag})
        _refuse_held(versions.standing(now).number)
        detail = {"version": extract.version, "organisation": code, "since": extract.since}
        trail.record(action="guard.pull", now=now, actor=user, object_type="guard_file", detail=detail)
        answer = StreamingHttpResponse(render(Form.JSON, extract), content_type="application/json")
        answer["ETag"] = etag
        return answer


def _extract(user: User, code: str, since: int | None, now: datetime) -> tuple[Extract, datetime | None]:
    """The part that this person reads (ORG-02), or one organisation's, and when it was made. What ended is never in it."""
    found = versions.standing(now)
    number, shown = found.number, found.modes
    made_at: datetime | None = found.made_at
    organisations: tuple[int, ...] | None = None
    if code:
        part = versions.part_of(code, found.number)
        if part is None or not user.scope.allows(part[0]):
            raise wrong_parameter("organisation", _("There is no such value."))
        organisations = (part[0],) if _everywhere(user) or user.may(READ_DEVICES, part[0]) else ()
        number, shown, made_at = part[1], {code: shown[code]} if code in shown else {}, part[2]
    elif not _everywhere(user):
        mine = _own(user)
        organisations = tuple(mine)
        shown = {name: mode for name, mode in shown.items() if name in mine.values()}
        number, made_at = versions.parts_of(organisations, found.number)
    extract = Extract(
        version=number,
        mark=versions.mark_of(number, made_at),
        day=today(now),
        modes=shown,
        organisations=organisations,
        since=since,
    )
    return extract, made_at


def _refuse_held(version: int) -> None:
    """503 while a list that lost most of its entries waits for a person: the asker keeps what it has (MAC-07)."""
    if mass.is_pull_held(version):
        text = _(
            "The newest list lost most of its entries and waits for network operations. Keep the one that you have."
        )
        raise Problem(503, "unavailable", text)


def _own(user: User) -> dict[int, str]:
    return {row.pk: row.code for row in user.organisations_where(READ_DEVICES)}


def _everywhere(user: User) -> bool:
    return user.reads_everywhere(READ_DEVICES)


def _since(request: Request) -> int | None:
    """The version that the asker has. 400 for what is no mark, 410 for one that this database never made.

    A database that was restored gives numbers again with other lists, so a number alone names nothing: a difference from
    it could leave a removed address in.
    """
    text = request.query_params.get("since", "")
    if not text:
        return None
    if not _MARK.fullmatch(text):
        raise wrong_parameter("since", str(_NO_VERSION))
    number = versions.number_of(text)
    if number is None:
        raise Problem(410, "version-unknown", str(_NO_VERSION))
    return number


def _etag(extract: Extract, code: str, made_at: datetime | None) -> str:
    """Differs whenever the answer does: the version, the modes, and which part of the list was asked for."""
    modes_ = "".join(mode[0] for _code, mode in sorted(extract.modes.items()))
    part = code or ("all" if extract.organisations is None else "own")
    since = "" if extract.since is None else f"-{extract.since}"
    mine = "" if extract.organisations is None else "." + ".".join(map(str, sorted(extract.organisations)))
    made = f"{made_at.timestamp():.6f}" if made_at else ""
    return f'"{part}{mine}-{extract.version}.{made}{since}-{extract.day:%Y%m%d}-{modes_}"'


class WhitelistCheckSerializer(serializers.Serializer):
    """Whether one address is permitted now."""

    mac = serializers.CharField()
    ip = serializers.CharField(allow_null=True)
    permitted = serializers.BooleanField(help_text="On the list; with ip: with this address")
    name = serializers.CharField()
    organisation = serializers.CharField()
    mode = serializers.CharField(help_text="MONITOR or BLOCK; empty when it is not on the list")
    version = serializers.IntegerField()


class WhitelistCheckView(ApiView):
    """One address."""

    is_for_guards = True
    query: ClassVar[frozenset[str]] = frozenset({"mac", "ip"})

    @extend_schema(
        operation_id="whitelist_check",
        parameters=[
            OpenApiParameter("mac", str, required=True, description="In any usual spelling"),
            OpenApiParameter("ip", str, description="Also ask for this IPv4 address"),
        ],
        responses=WhitelistCheckSerializer,
    )
    def get(self, request: Request) -> Response:
        """Exactly this address, as the list stands now. Another federation's is answered as if it were not there."""
        user, now = reader(request), timezone.now()
        mac, ip = _addresses(request)
        listed = selectors.listed(user, now).filter(mac=mac)
        row = listed.values_list("ip", "name", "organisation__code", named=True).first()
        found = versions.standing(now)
        fits = row is not None and (ip is None or row.ip == ip)
        if not fits:
            _refuse_held(found.number)
        body = {
            "mac": mac,
            "ip": ip or (row.ip if row else None),
            "permitted": fits,
            "name": row.name if row else "",
            "organisation": row.organisation__code if row else "",
            "mode": found.modes.get(row.organisation__code, "") if row else "",
            "version": found.number if _everywhere(user) else versions.parts_of(_own(user), found.number)[0],
        }
        return Response(body)


def _addresses(request: Request) -> tuple[str, str | None]:
    found: list[str | None] = []
    problems: list[FieldProblem] = []
    for name, parse in (("mac", parse_mac), ("ip", parse_ip)):
        text = request.query_params.get(name)
        try:
            found.append(None if name == "ip" and text is None else parse(text))
        except AddressRefused as error:
            problems.append(FieldProblem(name, str(error)))
    if problems:
        raise invalid(problems)
    return str(found[0]), found[1]


class GuardSerializer(serializers.Serializer):
    """How one guard stands."""

    name = serializers.CharField()
    outcome = serializers.ChoiceField(source="state.outcome", choices=GuardState.Outcome.choices)
    version_handed_over = serializers.IntegerField(source="state.swapped_id", allow_null=True)
    version_verified = serializers.IntegerField(source="state.verified_id", allow_null=True)
    verified_at = serializers.DateTimeField(source="state.verified_at", allow_null=True)
    entries = serializers.IntegerField(source="state.row_count")
    is_behind = serializers.BooleanField()
    step = serializers.CharField(source="state.step")
    problem = serializers.CharField(source="state.problem")
    failed_since = serializers.DateTimeField(source="state.failed_since", allow_null=True)


class GuardsView(ApiView):
    """The guards of this installation, for network operations."""

    @extend_schema(operation_id="guards_list", responses=GuardSerializer(many=True))
    def get(self, request: Request) -> Response:
        """Every guard."""
        person_who_may(request, READ_OPERATIONS)
        return Response(GuardSerializer(selectors.guards(), many=True).data)


class GuardModeSerializer(serializers.Serializer):
    """The mode of a federation (MAC-04)."""

    organisation = serializers.CharField(source="organisation.code")
    mode = serializers.ChoiceField(choices=Mode.choices)
    since = serializers.DateField(allow_null=True)
    next_mode = serializers.CharField(source="next.mode", default="")
    next_from = serializers.DateField(source="next.valid_from", default=None)


class GuardDecisionSerializer(serializers.Serializer):
    """A decision about the mode."""

    organisation = serializers.CharField()
    mode = serializers.ChoiceField(choices=Mode.choices)
    valid_from = serializers.DateField()
    reason = serializers.CharField(max_length=300)


class GuardModesView(ApiView):
    """Monitor mode or cutting off, for each federation."""

    @extend_schema(operation_id="guard_modes_list", responses=GuardModeSerializer(many=True))
    def get(self, request: Request) -> Response:
        """Today's mode of every federation, and what was decided for later."""
        person_who_may(request, READ_OPERATIONS)
        return Response(GuardModeSerializer(selectors.mode_rows(timezone.now()), many=True).data)

    @extend_schema(
        operation_id="guard_modes_decide",
        parameters=[IDEMPOTENCY_KEY],
        request=GuardDecisionSerializer,
        responses={201: GuardDecisionSerializer},
    )
    def post(self, request: Request) -> Response:
        """Decide the mode of a federation from a day on."""
        user = person_who_may(request, RUN_OPERATIONS)
        given = GuardDecisionSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        return once(request, user, lambda: self._decide(user, given))

    def _decide(self, user: User, given: GuardDecisionSerializer) -> Response:
        values = dict(given.validated_data)
        chosen = Organisation.objects.filter(code=values.pop("organisation")).first()
        if chosen is None:
            raise invalid([FieldProblem("organisation", _("There is no such value."))])
        try:
            modes.decide(organisation=chosen, **values, actor=user, now=timezone.now())
        except modes.ModeRefused as error:
            raise invalid([FieldProblem(error.field, error.reason)], 422) from error
        return Response(given.data, status=201)
