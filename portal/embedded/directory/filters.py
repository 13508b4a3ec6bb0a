"""Search filters: parsing from the wire and matching, with AD's comparison rules and bit operations."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from portal.embedded.directory import ber, names
from portal.embedded.directory.ber import BerError
from portal.embedded.directory.schema import Syntax, syntax_of

BIT_AND = "1.2.840.113556.1.4.803"
BIT_OR = "1.2.840.113556.1.4.804"
IN_CHAIN = "1.2.840.113556.1.4.1941"

Comparable = str | int | bytes


@dataclass(frozen=True)
class Filter:
    """`kind` is and, or, not, equal, substrings, at_least, at_most, present, or a matching rule's OID."""

    kind: str
    attribute: str = ""
    value: bytes = b""
    parts: tuple[Filter, ...] = ()
    pattern: re.Pattern[str] | None = None


@dataclass(frozen=True)
class Candidate:
    """What matching needs to know of an entry."""

    values: Callable[[str], list[bytes]]
    chain: Callable[[str, str], bool]
    """Whether this entry is linked, directly or through others, by an attribute to a DN."""


_SIMPLE = {0xA3: "equal", 0xA5: "at_least", 0xA6: "at_most", 0xA8: "equal"}
_SETS = {0xA0: "and", 0xA1: "or", 0xA2: "not"}


def parse_filter(tag: int, content: bytes) -> Filter:
    """A filter from its element. Raises BerError."""
    if tag in _SETS:
        return Filter(_SETS[tag], parts=tuple(parse_filter(*part) for part in ber.elements(content)))
    if tag == 0x87:
        return Filter("present", attribute=content.decode().lower())
    if tag in _SIMPLE:
        (_, name), (_, value) = ber.children(content)
        return Filter(_SIMPLE[tag], attribute=name.decode().lower(), value=value)
    if tag == 0xA4:
        return _parse_substrings(content)
    if tag == 0xA9:
        parts = dict(ber.children(content))
        return Filter(
            parts.get(0x81, b"").decode(), attribute=parts.get(0x82, b"").decode().lower(), value=parts[0x83]
        )
    raise BerError(f"unknown filter {tag:#x}")


def _parse_substrings(content: bytes) -> Filter:
    (_, name), (_, pieces) = ber.children(content)
    pattern = ""
    last = 0
    for last, piece in ber.elements(pieces):
        text = re.escape(piece.decode("utf-8", "replace").casefold())
        pattern += text if last == 0x80 else f".*{text}"
    if last != 0x82:
        pattern += ".*"
    return Filter("substrings", attribute=name.decode().lower(), pattern=re.compile(pattern, re.DOTALL))


def comparable(attribute: str, value: bytes) -> Comparable:
    """The form in which AD compares a value of this attribute."""
    syntax = syntax_of(attribute)
    if syntax is Syntax.BINARY:
        return value
    text = value.decode("utf-8", "replace")
    if syntax is Syntax.NUMBER:
        try:
            return int(text)
        except ValueError:
            return text
    if syntax is Syntax.NAME and "=" in text:
        try:
            return names.key(text)
        except ValueError:
            return text.casefold()
    return text.casefold()


def matches(query: Filter, entry: Candidate) -> bool:
    kind = query.kind
    if kind == "and":
        return all(matches(part, entry) for part in query.parts)
    if kind == "or":
        return any(matches(part, entry) for part in query.parts)
    if kind == "not":
        return not matches(query.parts[0], entry)
    if kind == "present":
        return query.attribute == "objectclass" or bool(entry.values(query.attribute))
    if kind == IN_CHAIN:
        return entry.chain(query.attribute, query.value.decode("utf-8", "replace"))
    return any(_value_matches(query, value) for value in entry.values(query.attribute))


def _value_matches(query: Filter, value: bytes) -> bool:
    if query.kind == "substrings":
        assert query.pattern is not None
        return query.pattern.fullmatch(value.decode("utf-8", "replace").casefold()) is not None
    found, wanted = comparable(query.attribute, value), comparable(query.attribute, query.value)
    if query.kind == "equal":
        return _equal(query.attribute, found, wanted)
    if type(found) is not type(wanted):
        return False
    if query.kind == "at_least":
        return found >= wanted  # type: ignore[operator]
    if query.kind == "at_most":
        return found <= wanted  # type: ignore[operator]
    if isinstance(found, int) and isinstance(wanted, int):
        return {BIT_AND: found & wanted == wanted, BIT_OR: bool(found & wanted)}.get(query.kind, False)
    return False


def _equal(attribute: str, found: Comparable, wanted: Comparable) -> bool:
    # objectCategory may be asked for by the short name of its class.
    if attribute == "objectcategory" and isinstance(found, str) and isinstance(wanted, str):
        return found == wanted or found.startswith(f"cn={wanted},")
    return found == wanted
