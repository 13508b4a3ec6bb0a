"""GET kinds/: each kind with a JSON schema that a program can check its lines with."""

from __future__ import annotations

from typing import Any

import jsonschema
import pytest

from portal.orgs.permissions import Role
from portal.workflow import kinds
from portal.workflow.api.payloads import line_problems, payload_schema, presentable
from tests import factories
from tests.api.client import Api

pytestmark = pytest.mark.django_db


def test_the_schema_has_types_limits_labels_and_required_fields(locker: Any) -> None:
    schema = payload_schema(locker)

    assert schema["properties"]["name"] == {
        "type": "string",
        "title": "Name",
        "description": "As on the door",
        "maxLength": 20,
    }
    assert schema["properties"]["places"] == {
        "type": "integer",
        "title": "Places",
        "minimum": 1,
        "maximum": 9,
    }
    assert schema["properties"]["colour"]["enum"] == ["red"]
    assert schema["properties"]["serial"] == {"type": "string", "readOnly": True}
    assert schema["required"] == ["name", "places"]


def test_every_registered_kind_has_a_valid_schema_that_refuses_unknown_fields() -> None:
    for kind in kinds.all_kinds():
        schema = payload_schema(kind)
        jsonschema.Draft202012Validator.check_schema(schema)
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate({"no_such_field": 1}, schema)


def test_kinds_say_for_which_organisations_the_person_may_apply(locker: Any) -> None:
    def own(code: str, role: str) -> list[str]:
        rows = Api(factories.user(role, code=code)).get("kinds/")
        return next(row["organisations"] for row in rows if row["code"] == locker.code)

    assert own("13", Role.APPLICANT) == ["13"]
    assert own("13", Role.APPROVER) == []
    assert own("maintenance", Role.APPLICANT) == []  # ORG-06


@pytest.mark.parametrize(
    ("line", "path"),
    [
        ({"nmae": "x"}, "lines/0/nmae"),
        ({"name": 1}, "lines/0/name"),
        ({"name": None}, "lines/0/name"),
        ({"name": ["x"]}, "lines/0/name"),
        ({"places": "3"}, "lines/0/places"),
        ({"places": True}, "lines/0/places"),
        ({"places": 3.5}, "lines/0/places"),
    ],
)
def test_a_line_with_an_unknown_field_or_a_wrong_type_is_named(
    locker: Any, line: dict[str, Any], path: str
) -> None:
    assert [problem.path for problem in line_problems(locker, [line])] == [path]


def test_a_draft_may_lack_fields(locker: Any) -> None:
    assert list(line_problems(locker, [{}, {"name": ""}, {"places": 12}])) == []


def test_numbers_typed_into_the_browser_are_shown_as_numbers(locker: Any) -> None:
    assert presentable(locker, {"places": "3", "name": "3"}) == {"places": 3, "name": "3"}
