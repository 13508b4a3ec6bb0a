"""LDAP requests as values, and responses as bytes (RFC 4511 section 4)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from portal.embedded.directory import ber
from portal.embedded.directory.ber import BerError
from portal.embedded.directory.filters import Filter, parse_filter

BASE, ONE, SUBTREE = 0, 1, 2
MODIFY_ADD, MODIFY_DELETE, MODIFY_REPLACE = 0, 1, 2

PAGING = "1.2.840.113556.1.4.319"
SHOW_DELETED = "1.2.840.113556.1.4.417"
TREE_DELETE = "1.2.840.113556.1.4.805"
POLICY_HINTS = "1.2.840.113556.1.4.2239"
SUPPORTED_CONTROLS = frozenset({PAGING, SHOW_DELETED, TREE_DELETE, POLICY_HINTS})


@dataclass(frozen=True)
class Control:
    oid: str
    critical: bool
    value: bytes


@dataclass(frozen=True)
class Bind:
    name: str
    password: bytes | None
    """None for anything but a simple bind."""


@dataclass(frozen=True)
class Unbind:
    pass


@dataclass(frozen=True)
class Search:
    base: str
    scope: int
    size_limit: int
    filter: Filter
    attributes: tuple[str, ...]


@dataclass(frozen=True)
class Change:
    operation: int
    attribute: str
    values: tuple[bytes, ...]


@dataclass(frozen=True)
class Modify:
    dn: str
    changes: tuple[Change, ...]


@dataclass(frozen=True)
class Add:
    dn: str
    attributes: Mapping[str, list[bytes]]


@dataclass(frozen=True)
class Delete:
    dn: str


@dataclass(frozen=True)
class ModifyDn:
    dn: str
    new_rdn: str
    delete_old: bool
    new_superior: str | None


@dataclass(frozen=True)
class Extended:
    oid: str


@dataclass(frozen=True)
class Abandon:
    pass


Operation = Bind | Unbind | Search | Modify | Add | Delete | ModifyDn | Extended | Abandon


@dataclass(frozen=True)
class Request:
    message_id: int
    operation: Operation
    controls: tuple[Control, ...] = field(default=())

    def control(self, oid: str) -> Control | None:
        return next((control for control in self.controls if control.oid == oid), None)


# The response tag for each request tag; unbind and abandon have none.
_RESPONSE_TAGS: Mapping[type, int] = {
    Bind: 0x61,
    Search: 0x65,
    Modify: 0x67,
    Add: 0x69,
    Delete: 0x6B,
    ModifyDn: 0x6D,
    Extended: 0x78,
}


def parse_request(data: bytes) -> Request:
    """One LDAPMessage. Raises BerError when it is none, or an operation that is not served."""
    try:
        ((_, envelope),) = ber.elements(data)
        (_, message_id), (tag, content), *rest = ber.children(envelope)
        parser = _PARSERS[tag]
        return Request(ber.to_int(message_id), parser(content), _controls(rest))
    except (ValueError, KeyError, IndexError, UnicodeDecodeError) as error:
        raise BerError(f"not a request: {type(error).__name__}") from error


def _controls(rest: list[tuple[int, bytes]]) -> tuple[Control, ...]:
    found = []
    for tag, content in rest:
        if tag != 0xA0:
            continue
        for _, item in ber.elements(content):
            (_, oid), *parts = ber.children(item)
            critical = any(tag == ber.BOOLEAN and value != b"\x00" for tag, value in parts)
            value = next((value for tag, value in parts if tag == ber.OCTETS), b"")
            found.append(Control(oid.decode(), critical, value))
    return tuple(found)


def _bind(content: bytes) -> Bind:
    _, (_, name), (tag, credentials) = ber.children(content)
    return Bind(name.decode(), credentials if tag == 0x80 else None)


def _search(content: bytes) -> Search:
    base, scope, _deref, size, _time, _types_only, query, attributes = ber.children(content)
    return Search(
        base=base[1].decode(),
        scope=ber.to_int(scope[1]),
        size_limit=ber.to_int(size[1]),
        filter=parse_filter(*query),
        attributes=tuple(name.decode() for _, name in ber.elements(attributes[1])),
    )


def _modify(content: bytes) -> Modify:
    (_, dn), (_, changes) = ber.children(content)
    found = []
    for _, change in ber.elements(changes):
        (_, operation), (_, attribute) = ber.children(change)
        (_, name), (_, values) = ber.children(attribute)
        found.append(Change(ber.to_int(operation), name.decode(), tuple(v for _, v in ber.elements(values))))
    return Modify(dn.decode(), tuple(found))


def _add(content: bytes) -> Add:
    (_, dn), (_, attributes) = ber.children(content)
    found: dict[str, list[bytes]] = {}
    for _, attribute in ber.elements(attributes):
        (_, name), (_, values) = ber.children(attribute)
        found.setdefault(name.decode(), []).extend(value for _, value in ber.elements(values))
    return Add(dn.decode(), found)


def _modify_dn(content: bytes) -> ModifyDn:
    (_, dn), (_, rdn), (_, delete_old), *rest = ber.children(content)
    return ModifyDn(dn.decode(), rdn.decode(), delete_old != b"\x00", rest[0][1].decode() if rest else None)


def _extended(content: bytes) -> Extended:
    return Extended(ber.children(content)[0][1].decode())


_PARSERS: Mapping[int, Callable[[bytes], Operation]] = {
    0x60: _bind,
    0x42: lambda _: Unbind(),
    0x63: _search,
    0x66: _modify,
    0x68: _add,
    0x4A: lambda content: Delete(content.decode()),
    0x6C: _modify_dn,
    0x77: _extended,
    0x50: lambda _: Abandon(),
}


def result(request: Request, code: int, message: str | bytes = "", *, controls: bytes = b"") -> bytes:
    """The closing response to a request. `message` gets the NUL at its end that AD sends."""
    text = message.encode() if isinstance(message, str) else message
    diagnostic = text + b"\x00" if text else b""
    body = ber.integer(code, ber.ENUMERATED) + ber.octets("") + ber.octets(diagnostic)
    response = ber.tlv(_RESPONSE_TAGS[type(request.operation)], body)
    return ber.sequence(ber.integer(request.message_id), response, controls)


def search_entry(message_id: int, dn: str, attributes: Iterable[tuple[str, list[bytes]]]) -> bytes:
    listed = [
        ber.sequence(ber.octets(name), ber.sequence(*map(ber.octets, values), tag=ber.SET))
        for name, values in attributes
    ]
    entry = ber.sequence(ber.octets(dn), ber.sequence(*listed), tag=0x64)
    return ber.sequence(ber.integer(message_id), entry)


def search_reference(message_id: int, urls: Iterable[str]) -> bytes:
    """A referral among the entries of a search: AD names its other partitions so."""
    return ber.sequence(ber.integer(message_id), ber.sequence(*map(ber.octets, urls), tag=0x73))


def paging_control(cookie: bytes) -> bytes:
    """The control of a paged answer; an empty cookie says that this was the last page."""
    value = ber.sequence(ber.integer(0), ber.octets(cookie))
    return ber.sequence(ber.sequence(ber.octets(PAGING), ber.octets(value)), tag=0xA0)


def parse_paging(value: bytes) -> tuple[int, bytes]:
    """Page size and cookie of a request's paging control."""
    ((_, content),) = ber.elements(value)
    (_, size), (_, cookie) = ber.children(content)
    return ber.to_int(size), cookie
