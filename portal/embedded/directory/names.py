"""Distinguished names: splitting, comparing, joining. AD compares them without regard to case."""

from __future__ import annotations

import re
from functools import lru_cache
from uuid import UUID

_GUID = re.compile(r"<GUID=([0-9a-fA-F-]{32,36})>")
_HEX = re.compile(r"\\([0-9a-fA-F]{2})")


def split(dn: str) -> list[str]:
    """The components as written. Raises ValueError for what is no DN."""
    parts, current, escaped = [], "", False
    for char in dn:
        if escaped or char == "\\":
            current += char
            escaped = not escaped and char == "\\"
        elif char == ",":
            parts.append(current.strip())
            current = ""
        else:
            current += char
    parts.append(current.strip())
    if any("=" not in part or part.startswith("=") for part in parts):
        raise ValueError(f"{dn!r} is no DN")
    return parts


def parse_rdn(rdn: str) -> tuple[str, str]:
    """Attribute and unescaped value of one component."""
    attribute, _, value = rdn.partition("=")
    value = value.strip()
    # Hex pairs are UTF-8 bytes; a single escaped character stands for itself.
    unescaped = re.sub(
        r"(?:\\[0-9a-fA-F]{2})+",
        lambda found: bytes.fromhex(found.group().replace("\\", "")).decode("utf-8", "replace"),
        value,
    )
    return attribute.strip(), re.sub(r"\\(.)", r"\1", unescaped)


@lru_cache(maxsize=65536)
def key(dn: str) -> str:
    """The form in which two spellings of one DN are equal."""
    if not dn:
        return ""
    pairs = [parse_rdn(part) for part in split(dn)]
    return ",".join(f"{attribute.lower()}={_escape(value.casefold())}" for attribute, value in pairs)


def parent(dn: str) -> str:
    return ",".join(split(dn)[1:])


def first(dn: str) -> str:
    return split(dn)[0]


def is_below(child_key: str, ancestor_key: str) -> bool:
    return child_key.endswith("," + ancestor_key) if ancestor_key else True


def guid_of(dn: str) -> UUID | None:
    """The GUID of the form <GUID=...>."""
    found = _GUID.fullmatch(dn.strip())
    return UUID(found.group(1)) if found else None


def _escape(value: str) -> str:
    return value.replace("\\", "\\\\").replace(",", "\\,")
