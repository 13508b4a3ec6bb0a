"""Distinguished names and addresses of controllers, taken apart as text."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

_ESCAPED = re.compile(r"(?:\\[0-9A-Fa-f]{2})+|\\(.)")


def parent_dn(dn: str) -> str:
    """The DN without its first component, minding escaped commas."""
    escaped = False
    for index, char in enumerate(dn):
        if escaped:
            escaped = False
        elif char == "\\":
            escaped = True
        elif char == ",":
            return dn[index + 1 :].lstrip()
    return ""


def path_below(dn: str, base_dn: str) -> str:
    """Where an object lies below a container, as people read it from the top down: "Users/Section 1"; "" elsewhere."""
    parts: list[str] = []
    while dn and dn.casefold() != base_dn.casefold():
        above = parent_dn(dn)
        first = dn[: len(dn) - len(above)].rstrip().removesuffix(",") if above else dn
        # A slash within a name is not one between names.
        parts.append(_unescaped(first.partition("=")[2]).replace("/", "／"))
        dn = above
    return "/".join(reversed(parts)) if dn else ""


def _unescaped(value: str) -> str:
    def plain(found: re.Match[str]) -> str:
        if found.group(1):
            return found.group(1)
        return bytes.fromhex(found.group(0).replace("\\", "")).decode("utf-8", "replace")

    return _ESCAPED.sub(plain, value)


def controller_name(url: str) -> str:
    """A domain controller as people call it: its name, and the port when it is not the usual one."""
    parts = urlsplit(url)
    return f"{parts.hostname}" if parts.port in (None, 636) else f"{parts.hostname}:{parts.port}"
