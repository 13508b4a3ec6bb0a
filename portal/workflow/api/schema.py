"""The OpenAPI description with the payload of every registered kind in it."""

from __future__ import annotations

from functools import cache
from typing import Any

from drf_spectacular.generators import SchemaGenerator
from rest_framework.renderers import BaseRenderer

from portal.workflow import kinds
from portal.workflow.api.payloads import payload_schema

_CONTENT = ("Content", "NewApplication", "PatchedContent")


class KindsSchemaGenerator(SchemaGenerator):
    """Describes `lines` as any of the kinds' payloads, so that clients made from the description know their fields."""

    def get_schema(self, request: Any = None, public: bool = False) -> dict[str, Any]:
        """The whole description."""
        described: dict[str, Any] = super().get_schema(request, public)  # type: ignore[no-untyped-call]
        schemas = described["components"]["schemas"]
        references = []
        for kind in kinds.all_kinds():
            name = "".join(part.capitalize() for part in kind.code.replace(".", "_").split("_")) + "Line"
            schemas[name] = {key: value for key, value in payload_schema(kind).items() if key != "$schema"}
            # What is required counts at submission; a draft may lack it.
            schemas[name]["description"] = (
                f"{kind.code}; required: {', '.join(schemas[name].pop('required'))}"
            )
            references.append({"$ref": f"#/components/schemas/{name}"})
        for name in _CONTENT:
            if name in schemas and references:
                schemas[name]["properties"]["lines"]["items"] = {"anyOf": references}
        return described


def description(renderer: type[BaseRenderer], language: str) -> bytes:
    """The whole description as a document, in the active language; the same for everybody."""
    maker: Any = renderer  # a class can be a key; its stubs say otherwise
    return _document(maker, language, tuple(kind.code for kind in kinds.all_kinds()))


@cache
def _document(renderer: Any, language: str, codes: tuple[str, ...]) -> bytes:
    """Kept for as long as the process lives: to make it takes more than a second of computing."""
    described = KindsSchemaGenerator().get_schema(public=True)  # type: ignore[no-untyped-call]
    document = renderer().render(described, renderer.media_type, {})
    return document if isinstance(document, bytes) else document.encode()
