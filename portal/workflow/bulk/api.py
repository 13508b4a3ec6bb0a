"""Handing in a table over REST (ACC-13): a file, whose rows become the lines of one draft, or every error with its address."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse

from portal.common.api.problems import FieldProblem, Problem, invalid, not_allowed
from portal.common.api.schema import IDEMPOTENCY_KEY
from portal.common.api.views import ApiView
from portal.orgs import permissions
from portal.orgs.api import person
from portal.workflow import kinds
from portal.workflow.api.errors import translated
from portal.workflow.api.idempotency import once
from portal.workflow.bulk import checking, services
from portal.workflow.bulk.cells import address
from portal.workflow.bulk.errors import AlreadyUploaded, FileRefused
from portal.workflow.bulk.models import Upload


class FileSerializer(serializers.Serializer):
    """A table for one kind and one organisation."""

    kind = serializers.CharField(max_length=60)
    organisation = serializers.CharField(max_length=20, help_text="Code of an organisation")
    file = serializers.FileField()
    again_reason = serializers.CharField(
        required=False, allow_blank=True, max_length=200, help_text="Why the same file once more"
    )


class MadeSerializer(serializers.Serializer):
    """The draft that the rows became."""

    number = serializers.CharField()
    rows = serializers.IntegerField()


class FilesView(ApiView):
    """Files of rows, as multipart/form-data with the fields of FileSerializer."""

    parser_classes = (MultiPartParser,)  # type: ignore[assignment]

    @extend_schema(
        operation_id="applications_from_file",
        parameters=[IDEMPOTENCY_KEY],
        request={"multipart/form-data": FileSerializer},
        responses={201: MadeSerializer},
    )
    def post(self, request: Request) -> Response:
        """One draft of all rows, or 422 with every error and the address of its cell. A file with passwords is refused."""
        return once(request, person(request), lambda: self._make(request))

    def _make(self, request: Request) -> Response:
        user = person(request)
        places = {o.code: o for o in user.organisations_where(permissions.APPLY)}
        if not places:
            raise not_allowed()
        sent = FileSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        values = sent.validated_data
        organisation = places.get(values["organisation"])
        if organisation is None:
            raise not_allowed()
        try:
            kind = kinds.get(values["kind"])
        except KeyError:
            raise invalid([FieldProblem("kind", _("There is no such kind of application."))]) from None
        now = timezone.now()
        with translated():
            try:
                upload = services.upload_file(
                    kind=kind.code,
                    organisation_id=organisation.pk,
                    actor=user,
                    name=values["file"].name or "",
                    data=values["file"].read(settings.BULK_MAX_BYTES + 1),
                    again_reason=values.get("again_reason", ""),
                    now=now,
                )
            except FileRefused as error:
                raise _refused([FieldProblem("file", reason) for reason in error.reasons]) from error
            except AlreadyUploaded as error:
                raise _handed_in_before(error) from error
            checked = checking.check(upload_id=upload.pk, now=now)
            if checked is None or checked.error_count:
                services.discard(upload_id=upload.pk, actor=user, now=now)  # it may be sent again as it is
                raise _refused(list(_row_problems(checked or upload)))
            made = services.take_over(upload_id=upload.pk, actor=user, version=None, now=now)
        response = Response({"number": made.number, "rows": made.line_count}, status=201)
        response["Location"] = reverse("api_application", kwargs={"number": made.number}, request=request)
        return response


def _row_problems(upload: Upload) -> Any:
    for row in upload.rows:
        for name, texts in row.get("e", {}).items():
            letter = upload.letters.get(name)
            where = address(letter, row["n"]) if letter else str(row["n"])
            for text in texts:
                yield FieldProblem(where, text)


def _refused(problems: list[FieldProblem]) -> Problem:
    return invalid(problems, 422)


def _handed_in_before(error: AlreadyUploaded) -> Problem:
    earlier = error.earlier
    number = earlier.application.number if earlier.application else None
    return Problem(
        409, "already-handed-in", _("This file was handed in before"), extra={"application": number}
    )
