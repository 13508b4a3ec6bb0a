"""What the endpoints share that take a file of another system (multipart/form-data)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from django.utils.translation import gettext as _
from rest_framework import serializers
from rest_framework.parsers import MultiPartParser

from devices.exchange.errors import AlreadyImported
from devices.exchange.reading import LARGEST
from devices.quarantine import services as quarantine
from portal.common.api.parsing import StrictSerializer
from portal.common.api.problems import FieldProblem, Problem, invalid
from portal.common.api.views import ApiView
from portal.workflow.bulk.errors import FileRefused

_AROUND = 64 * 1024  # the other fields of the form and the lines between them


class RowProblemSerializer(serializers.Serializer):
    """A row that could not be used."""

    row = serializers.IntegerField()
    reasons = serializers.SerializerMethodField()

    def get_reasons(self, problem: Mapping[str, Any]) -> list[str]:
        """Everything that is wrong with it."""
        return list(problem.get("reasons") or [problem["text"]])


class BroughtFileSerializer(StrictSerializer):
    """A file."""

    file = serializers.FileField(help_text="CSV or Excel, read with the mapping in force; at most 20 MiB")


class FilesView(ApiView):
    """Takes one file, as the screen does."""

    parser_classes = (MultiPartParser,)  # type: ignore[assignment]
    largest = LARGEST + _AROUND


@contextmanager
def translated() -> Iterator[None]:
    """Turns what reading a file raises into the problem that says it to a program."""
    try:
        yield
    except FileRefused as error:
        raise invalid([FieldProblem("file", reason) for reason in error.reasons], 422) from error
    except (AlreadyImported, quarantine.AlreadyImported) as error:
        raise Problem(
            409, "already-imported", _("This file was imported before. Nothing was changed.")
        ) from error
