"""What a line of each kind looks like: JSON schema out of the payload dataclass and the limits of its form."""

from __future__ import annotations

import dataclasses
import re
import types
import typing
from collections.abc import Iterator, Mapping
from typing import Any

from django import forms
from django.core.validators import (
    MaxLengthValidator,
    MaxValueValidator,
    MinLengthValidator,
    MinValueValidator,
    RegexValidator,
)
from django.utils.translation import gettext as _

from portal.common.api.problems import FieldProblem
from portal.workflow.kinds import ApplicationKind

_JSON_TYPES: dict[Any, str] = {str: "string", int: "integer", bool: "boolean", float: "number"}


def payload_schema(kind: ApplicationKind[Any]) -> dict[str, Any]:
    """JSON schema (2020-12) of one line. Labels and hints come translated from the form, limits from its validators.

    The schema says what a line must look like when the application is submitted; a draft may leave fields out. What needs
    the database or the directory (is the name free?) is checked at submission and cannot be said here. Fields that the
    portal fills in itself are marked readOnly and ignored when they are sent.
    """
    annotations = typing.get_type_hints(kind.payload_class)
    form_fields: Mapping[str, forms.Field] = kind.form_class.base_fields  # type: ignore[attr-defined]
    names = [field.name for field in dataclasses.fields(kind.payload_class)]
    names += [name for name in form_fields if name not in annotations]
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": str(kind.label),
        "type": "object",
        "properties": {name: _property(annotations.get(name), form_fields.get(name)) for name in names},
        "required": [name for name in names if name in form_fields and _is_required(kind, name)],
        "additionalProperties": False,
    }


def line_problems(kind: ApplicationKind[Any], lines: list[dict[str, Any]]) -> Iterator[FieldProblem]:
    """Fields that the kind does not have and values of the wrong JSON type. Missing fields are a matter of submission."""
    properties = payload_schema(kind)["properties"]
    for position, line in enumerate(lines):
        for name, value in line.items():
            path = f"lines/{position}/{name}"
            if name not in properties:
                yield FieldProblem(path, _("There is no such field."))
            elif not _fits(value, properties[name]):
                yield FieldProblem(path, _("This value has the wrong JSON type."))


def presentable(kind: ApplicationKind[Any], payload: Mapping[str, Any]) -> dict[str, Any]:
    """A stored line as the schema describes it: a draft typed into the browser holds its numbers as text."""
    properties = payload_schema(kind)["properties"]
    shown = {}
    for name, value in payload.items():
        declared = _types(properties.get(name, {}))
        if "integer" in declared and isinstance(value, str) and value.isascii() and value.isdigit():
            shown[name] = int(value)
        elif name in properties:
            shown[name] = value
    return shown


def _property(annotation: Any, form_field: forms.Field | None) -> dict[str, Any]:
    described: dict[str, Any] = (
        _of_annotation(annotation) if annotation is not None else {"type": _type_of_field(form_field)}
    )
    if form_field is None:
        return {**described, "readOnly": True}
    if form_field.label:
        described["title"] = str(form_field.label)
    if form_field.help_text:
        described["description"] = str(form_field.help_text)
    if "string" in _types(described):
        described.update(_text_limits(form_field))
    if "integer" in _types(described):
        described.update(_number_limits(form_field))
    if isinstance(form_field, forms.ChoiceField) and not isinstance(form_field, forms.ModelChoiceField):
        choices: Any = form_field.choices
        values = [value for value, _label in choices if value != ""]
        if values:
            described["enum"] = values
    return described


def _type_of_field(field: forms.Field | None) -> str:
    if isinstance(field, forms.BooleanField):
        return "boolean"
    return "integer" if isinstance(field, forms.IntegerField) else "string"


def _of_annotation(annotation: Any) -> dict[str, Any]:
    origin = typing.get_origin(annotation)
    if origin in (typing.Union, types.UnionType):
        members = [member for member in typing.get_args(annotation) if member is not type(None)]
        inner = _of_annotation(members[0])
        return {**inner, "type": [inner["type"], "null"]}
    if origin in (list, tuple):
        return {"type": "array", "items": _of_annotation(typing.get_args(annotation)[0])}
    if origin is dict or annotation is dict:
        return {"type": "object"}
    return {"type": _JSON_TYPES.get(annotation, "string")}


def _text_limits(field: forms.Field) -> dict[str, Any]:
    limits: dict[str, Any] = {}
    for validator in field.validators:
        if isinstance(validator, MaxLengthValidator):
            limits["maxLength"] = _limit(validator)
        elif isinstance(validator, MinLengthValidator):
            limits["minLength"] = _limit(validator)
        elif isinstance(validator, RegexValidator) and isinstance(validator.regex, re.Pattern):
            limits["pattern"] = validator.regex.pattern.replace(r"\Z", "$")
    return limits


def _number_limits(field: forms.Field) -> dict[str, Any]:
    names: dict[Any, str] = {MaxValueValidator: "maximum", MinValueValidator: "minimum"}
    return {names[type(v)]: _limit(v) for v in field.validators if type(v) in names}


def _limit(validator: Any) -> Any:
    return validator.limit_value() if callable(validator.limit_value) else validator.limit_value


def _is_required(kind: ApplicationKind[Any], name: str) -> bool:
    field = kind.form_class.base_fields[name]  # type: ignore[attr-defined]
    return bool(field.required or name in getattr(kind.form_class, "marked_required", ()))


def _types(described: Mapping[str, Any]) -> tuple[str, ...]:
    declared = described.get("type", ())
    return (declared,) if isinstance(declared, str) else tuple(declared)


def _fits(value: Any, described: Mapping[str, Any]) -> bool:
    if isinstance(value, bool):
        return "boolean" in _types(described)
    python_types: dict[str, Any] = {
        "string": str,
        "integer": int,
        "number": int | float,
        "null": type(None),
        "object": dict,
        "array": list,
    }
    matching = [
        name for name in _types(described) if name in python_types and isinstance(value, python_types[name])
    ]
    if matching == ["array"]:
        return all(_fits(item, described["items"]) for item in value)
    return bool(matching)
