"""Enquiries over REST: the list, asking, one with its conversation, and writing in it."""

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
from portal.orgs.api import person_who_may, visible_codes
from portal.orgs.models import User
from portal.orgs.permissions import ASK_ENQUIRIES, READ_ENQUIRIES
from portal.trail import services as trail
from portal.trail.api import listed
from portal.workflow.api.idempotency import once
from requests.enquiries import selectors, services
from requests.enquiries.forms import TEXT_LENGTH
from requests.enquiries.models import Category, Enquiry, EnquiryMessage
from requests.enquiries.problems import translated


class EnquirySerializer(serializers.Serializer):
    """One enquiry."""

    number = serializers.CharField()
    organisation = serializers.CharField(source="organisation.code")
    asker = serializers.CharField(source="asker.display_name")
    category = serializers.ChoiceField(choices=Category.choices)
    subject = serializers.CharField()
    desk = serializers.ChoiceField(choices=Enquiry.Desk.choices)
    state = serializers.ChoiceField(choices=Enquiry.State.choices, help_text="Whose turn it is")
    asked_at = serializers.DateTimeField()
    due_on = serializers.DateField(help_text="Until when it is to be answered, while it is OPEN")
    assigned_to = serializers.CharField(source="assigned_to.display_name", default="")
    closes_on = serializers.DateField(allow_null=True, help_text="Closed by the portal then, without a reply")
    closed_at = serializers.DateTimeField(allow_null=True)
    version = serializers.IntegerField(help_text="Name it with what you write")


class MessageSerializer(serializers.Serializer):
    """What somebody wrote in it."""

    kind = serializers.ChoiceField(choices=EnquiryMessage.Kind.choices)
    internal = serializers.BooleanField(help_text="Seen by those who answer only")
    at = serializers.DateTimeField()
    author = serializers.CharField(source="author_name")
    text = serializers.CharField()
    files = serializers.SerializerMethodField(help_text="Names of the files")

    def get_files(self, message: EnquiryMessage) -> list[str]:
        """The files came with the messages."""
        return [file.name for file in message.files.all()]


class ConversationSerializer(EnquirySerializer):
    """One enquiry with its messages, the oldest first."""

    messages = MessageSerializer(many=True, source="thread")


class QuestionSerializer(StrictSerializer):
    """A new enquiry. Files are attached on the screen."""

    organisation = serializers.CharField(max_length=20, help_text="Code of the organisation that asks")
    desk = serializers.ChoiceField(choices=Enquiry.Desk.choices, default=Enquiry.Desk.OPERATIONS)
    category = serializers.ChoiceField(choices=Category.choices)
    subject = serializers.CharField(max_length=100)
    text = serializers.CharField(max_length=TEXT_LENGTH)
    follows = serializers.CharField(
        max_length=20, required=False, default="", help_text="Number of the enquiry that this one refers to"
    )


class WrittenSerializer(StrictSerializer):
    """Something to be written in an enquiry."""

    kind = serializers.ChoiceField(
        choices=["REPLY", "ANSWER", "ASKED_BACK", "NOTE", "CLOSED"],
        help_text="REPLY and CLOSED: who asked; ANSWER, ASKED_BACK and NOTE: who answers",
    )
    version = serializers.IntegerField(min_value=1, max_value=2**31 - 1, help_text="As it was read")
    text = serializers.CharField(max_length=TEXT_LENGTH, required=False, default="", allow_blank=True)


class EnquiriesView(ApiView):
    """The enquiries of the organisations that this person sees."""

    query: ClassVar[frozenset[str]] = PAGE_QUERY | {"organisation", "state", "category", "q"}

    @extend_schema(
        operation_id="enquiries_list",
        parameters=[
            *PAGE_PARAMETERS,
            OpenApiParameter("organisation", str, description="Code of an organisation"),
            OpenApiParameter("state", str, enum=Enquiry.State.values),
            OpenApiParameter("category", str, enum=Category.values),
            OpenApiParameter("q", str, description="Number, subject, text or person; all words must occur"),
        ],
        responses=page_of(EnquirySerializer),
    )
    def get(self, request: Request) -> Response:
        """Enquiries, newest first."""
        user = person_who_may(request, READ_ENQUIRIES)
        rows = selectors.enquiries(
            user,
            q=request.query_params.get("q", ""),
            state=choice(request, "state", Enquiry.State.values),
            category=choice(request, "category", Category.values),
            organisation=choice(request, "organisation", visible_codes(user)),
        )
        return listed(request, rows, EnquirySerializer, "enquiry.list")

    @extend_schema(
        operation_id="enquiries_ask",
        parameters=[IDEMPOTENCY_KEY],
        request=QuestionSerializer,
        responses={201: ConversationSerializer},
    )
    def post(self, request: Request) -> Response:
        """Ask the desk that answers (REQ-11)."""
        user = person_who_may(request, ASK_ENQUIRIES)
        return once(request, user, lambda: self._ask(request, user))

    def _ask(self, request: Request, user: User) -> Response:
        body = QuestionSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        values = dict(body.validated_data)
        code, number = values.pop("organisation"), values.pop("follows")
        places = {place.code: place for place in user.organisations_where(ASK_ENQUIRIES)}
        if code not in places:
            text = _("You do not ask for this organisation.")
            raise invalid([FieldProblem("organisation", text)], 422)
        follows = _found(user, number) if number else None
        with translated():
            made = services.ask(
                organisation=places[code], follows=follows, actor=user, now=timezone.now(), **values
            )
        response = _shown(user, made.number, status=201)
        response["Location"] = reverse("api_enquiry", kwargs={"number": made.number}, request=request)
        return response


class EnquiryView(ApiView):
    """One enquiry."""

    @extend_schema(operation_id="enquiries_read", responses=ConversationSerializer)
    def get(self, request: Request, number: str) -> Response:
        """With what was written, as far as the person may read it."""
        user = person_who_may(request, READ_ENQUIRIES)
        found = _found(user, number)
        trail.record(
            action="enquiry.view",
            now=timezone.now(),
            actor=user,
            object_type="enquiry",
            object_id=found.pk,
            object_label=found.number,
            object_organisation_id=found.organisation_id,
        )
        return _shown(user, number)


class EnquiryMessagesView(ApiView):
    """What somebody writes in an enquiry."""

    @extend_schema(
        operation_id="enquiries_write",
        parameters=[IDEMPOTENCY_KEY],
        request=WrittenSerializer,
        responses=ConversationSerializer,
    )
    def post(self, request: Request, number: str) -> Response:
        """Reply, answer, ask back, note or close; 409 when somebody wrote since `version` was read."""
        user = person_who_may(request, READ_ENQUIRIES)
        found = _found(user, number)
        return once(request, user, lambda: self._write(request, user, found))

    def _write(self, request: Request, user: User, found: Enquiry) -> Response:
        body = WrittenSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        values = dict(body.validated_data)
        kind = values.pop("kind")
        common: dict[str, Any] = {"enquiry_id": found.pk, "actor": user, "now": timezone.now()} | values
        with translated():
            match kind:
                case "REPLY":
                    services.reply(**common)
                case "CLOSED":
                    services.close(**common)
                case "NOTE":
                    common.pop("version")  # a note says nothing to the asker, so it may cross with anything
                    services.add_note(**common)
                case _answer:
                    services.answer(asks_back=kind == "ASKED_BACK", **common)
        return _shown(user, found.number)


def _found(user: User, number: str) -> Enquiry:
    """One that the person may see; another federation's is as unknown as none (ORG-02)."""
    try:
        return selectors.enquiry(user, number)
    except Enquiry.DoesNotExist:
        raise not_found() from None


def _shown(user: User, number: str, status: int = 200) -> Response:
    found: Any = _found(user, number)
    found.thread = selectors.messages_of(user, found)
    return Response(ConversationSerializer(found).data, status=status)
