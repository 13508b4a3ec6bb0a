"""Strict input: JSON that PostgreSQL can hold, bodies of a bounded size, no field that nobody declared."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from django.utils.translation import gettext as _
from rest_framework import serializers
from rest_framework.exceptions import ParseError
from rest_framework.parsers import JSONParser

from portal.common.api.problems import FieldProblem, invalid, too_large

MAX_BODY_BYTES = 1024 * 1024
MAX_DEPTH = 10


class StrictJSONParser(JSONParser):
    """JSON of at most MAX_BODY_BYTES without duplicate names, NaN, deep nesting or characters that cannot be stored."""

    def parse(
        self, stream: Any, media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Any:
        """The parsed body.

        Raises ParseError for what is not JSON, a 413 problem for too much and a 400 problem that names the path of text
        with a NUL or half a surrogate pair.
        """
        # One byte more than allowed is read, so a wrong Content-Length does not help either.
        raw = stream.read(MAX_BODY_BYTES + 1)
        if len(raw) > MAX_BODY_BYTES:
            raise too_large()
        try:
            data = json.loads(
                raw.decode("utf-8"), object_pairs_hook=_unique_names, parse_constant=_no_constant
            )
        except (ValueError, RecursionError) as exc:
            raise ParseError from exc
        errors = list(_unstorable(data, (), 0))
        if errors:
            raise invalid(errors)
        return data


class StrictSerializer(serializers.Serializer):
    """A serializer that refuses fields it does not know, each with its path, instead of ignoring them."""

    def to_internal_value(self, data: Any) -> Any:
        """The checked values; raises ValidationError with every unknown and every wrong field at once."""
        errors: dict[str, Any] = {}
        if isinstance(data, Mapping):
            writable = {name for name, field in self.fields.items() if not field.read_only}
            errors = {str(name): [_("There is no such field.")] for name in data if name not in writable}
        try:
            values = super().to_internal_value(data)
        except serializers.ValidationError as exc:
            errors = {**errors, **exc.detail} if isinstance(exc.detail, dict) else errors
        if errors:
            raise serializers.ValidationError(errors)
        return values


class EmptySerializer(StrictSerializer):
    """A body without content: `{}` or nothing."""


def _unique_names(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name occurs twice")
    return found


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def _unstorable(data: Any, path: tuple[str, ...], depth: int) -> Iterator[FieldProblem]:
    if depth > MAX_DEPTH:
        yield FieldProblem("/".join(path), _("This is nested too deeply."))
    elif isinstance(data, str):
        if not is_storable(data):
            yield FieldProblem("/".join(path), _("Remove the characters that cannot be stored."))
    elif isinstance(data, dict):
        for name, value in data.items():
            if not is_storable(name):
                yield FieldProblem("/".join(path), _("Remove the characters that cannot be stored."))
            else:
                yield from _unstorable(value, (*path, name), depth + 1)
    elif isinstance(data, list):
        for position, value in enumerate(data):
            yield from _unstorable(value, (*path, str(position)), depth + 1)


def is_storable(text: str) -> bool:
    """Whether PostgreSQL can hold the text: no NUL, no lone surrogate."""
    return "\x00" not in text and not any("\ud800" <= character <= "\udfff" for character in text)
