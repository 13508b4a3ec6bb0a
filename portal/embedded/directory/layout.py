"""The organisational units of the country: one per organisation, with the same five below each."""

from __future__ import annotations

from collections.abc import Iterator

ORGANISATION_OUS = (
    *(f"{number:02}" for number in range(1, 48)),
    "staging",
    "central",
    "operations",
    "maintenance",
)
CHILD_OUS = ("Users", "Administrators", "Computers", "Groups", "Deleted")


def organisational_units(root_ou: str) -> Iterator[str]:
    """The DNs of the root and all below it, each parent before its children."""
    yield root_ou
    for organisation in ORGANISATION_OUS:
        yield f"OU={organisation},{root_ou}"
        for child in CHILD_OUS:
            yield f"OU={child},OU={organisation},{root_ou}"
