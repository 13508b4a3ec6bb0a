"""Enquiries over REST: the list, and one with its conversation."""

from __future__ import annotations

from typing import Any, ClassVar

from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from portal.common.api.paging import PAGE_PARAMETERS, PAGE_QUERY, choice, page_of
from portal.common.api.problems import not_found
from portal.common.api.views import ApiView
from portal.orgs.api import person_who_may, visible_codes
from portal.orgs.permissions import READ_ENQUIRIES
from portal.trail import services as trail
from portal.trail.api import listed
from requests.enquiries import selectors
from requests.enquiries.models import Category, Enquiry, EnquiryMessage


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


class EnquiryView(ApiView):
    """One enquiry."""

    @extend_schema(operation_id="enquiries_read", responses=ConversationSerializer)
    def get(self, request: Request, number: str) -> Response:
        """With what was written, as far as the person may read it."""
        user = person_who_may(request, READ_ENQUIRIES)
        try:
            found: Any = selectors.enquiry(user, number)
        except Enquiry.DoesNotExist:
            raise not_found() from None
        found.thread = selectors.messages_of(user, found)
        trail.record(
            action="enquiry.view",
            now=timezone.now(),
            actor=user,
            object_type="enquiry",
            object_id=found.pk,
            object_label=found.number,
            object_organisation_id=found.organisation_id,
        )
        return Response(ConversationSerializer(found).data)
