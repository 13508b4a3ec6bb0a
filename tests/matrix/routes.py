"""Every address that the resolver knows, by name."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from django.urls import URLPattern, URLResolver, get_resolver

API = "api/v1/"


@dataclass(frozen=True)
class Route:
    """One address: its name, or its pattern when it has none."""

    name: str
    pattern: str

    @property
    def is_api(self) -> bool:
        """Whether it belongs to the REST interface."""
        return self.pattern.startswith(API)


def every_route() -> list[Route]:
    """All routes, each once, in the order of the resolver."""
    return list(dict.fromkeys(_walk(get_resolver(), "", "")))


def _walk(resolver: URLResolver, pattern: str, namespace: str) -> Iterator[Route]:
    for entry in resolver.url_patterns:
        whole = pattern + str(entry.pattern)
        if isinstance(entry, URLResolver):
            yield from _walk(entry, whole, f"{namespace}{entry.namespace}:" if entry.namespace else namespace)
        elif isinstance(entry, URLPattern):
            yield Route(f"{namespace}{entry.name}" if entry.name else whole, whole)
