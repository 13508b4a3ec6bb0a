"""Free login names over REST, by the rule of an organisation (ACC-06)."""

from __future__ import annotations

from typing import Any

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.naming.pattern import Namesake
from accounts.naming.proposals import propose_login_names
from portal.common.api.parsing import StrictSerializer
from portal.common.api.problems import not_allowed, not_found
from portal.common.api.schema import IDEMPOTENCY_KEY
from portal.common.api.views import ApiView
from portal.common.text import ascii_identifier, katakana
from portal.orgs import permissions
from portal.orgs.api import person
from portal.workflow import drafts, errors, selectors
from portal.workflow.api.idempotency import once
from portal.workflow.models import Application

MOST_PEOPLE = 500


class NamesakeSerializer(StrictSerializer):
    """What of a person a login name is made of."""

    family_kana = serializers.CharField(max_length=100)
    given_kana = serializers.CharField(max_length=100)
    staff_number = serializers.CharField(required=False, default="", allow_blank=True, max_length=16)


class ProposalSerializer(StrictSerializer):
    """For whom names are wanted; with a draft they are held for it until it is submitted."""

    organisation = serializers.CharField(max_length=20, help_text="Code of an organisation")
    application = serializers.CharField(
        required=False, default="", allow_blank=True, max_length=20, help_text="Number of an own draft"
    )
    people = serializers.ListField(child=NamesakeSerializer(), allow_empty=False, max_length=MOST_PEOPLE)


class NamesSerializer(serializers.Serializer):
    """A name for each person in order; "" where the rule needs what is not known of the person."""

    login_names = serializers.ListField(child=serializers.CharField(allow_blank=True))


class LoginNamesView(ApiView):
    """Proposals of login names."""

    @extend_schema(
        operation_id="login_names_propose",
        parameters=[IDEMPOTENCY_KEY],
        request=ProposalSerializer,
        responses=NamesSerializer,
    )
    def post(self, request: Request) -> Response:
        """Free names, no two alike. Without a draft nothing is held, and somebody else may be faster."""
        return once(request, person(request), lambda: self._propose(request))

    def _propose(self, request: Request) -> Response:
        user = person(request)
        places = {place.code: place for place in user.organisations_where(permissions.APPLY)}
        if not places:
            raise not_allowed()
        sent = ProposalSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        values = sent.validated_data
        if values["organisation"] not in places:
            raise not_found()
        organisation = places[values["organisation"]]
        draft = _draft(request, organisation.code, values["application"])
        names = propose_login_names(
            organisation,
            [_namesake(row) for row in values["people"]],
            application=draft,
            keep=_names_of(draft),
            now=timezone.now(),
        )
        return Response({"login_names": names})


def _draft(request: Request, code: str, number: str) -> Application | None:
    """The draft of that number, which the person may write. Somebody else's is as unknown as none (ORG-02)."""
    if not number:
        return None
    user = person(request)
    try:
        found = selectors.application(user, number)
        drafts.require_editor(found, user, timezone.now())
    except (Application.DoesNotExist, errors.NotAllowed, errors.MoveNotAllowed):
        raise not_found() from None
    if found.organisation.code != code:
        raise not_found()
    return found


def _names_of(draft: Application | None) -> list[str]:
    """The names that the draft's lines have: they stay its own."""
    lines = draft.lines.all() if draft is not None else ()
    names = (line.payload.get("login_name") for line in lines)
    return [name.strip() for name in names if isinstance(name, str) and name.strip()]


def _namesake(row: dict[str, Any]) -> Namesake:
    return Namesake(
        family_kana=katakana(row["family_kana"]),
        given_kana=katakana(row["given_kana"]),
        staff_number=ascii_identifier(row["staff_number"]),
    )
