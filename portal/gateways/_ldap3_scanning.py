"""Reading thousands of objects in pages, and which domain controller they came from. Private to the adapter."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID

import ldap3

from portal.gateways import _ldap3_errors as errors
from portal.gateways import _ldap3_values as values
from portal.gateways._ldap3_connection import KeptConnection, Reply
from portal.gateways.directory import DirectoryEntry, DirectoryError, DomainController

PAGE_SIZE = 1000
_SHOW_DELETED = ("1.2.840.113556.1.4.417", True, None)
_ROOT_ATTRIBUTES = ["dsServiceName", "dnsHostName", "highestCommittedUSN"]


def pages(kept: KeptConnection, base: str, query: str, attributes: list[str]) -> Iterator[Reply]:
    """The answers of a paged search, one after the other; a missing base has none. Referrals are left out."""
    cookie: bytes | None = None
    while cookie != b"":

        def page(connection: ldap3.Connection, cookie: bytes | None = cookie) -> Any:
            return connection.search(
                base, query, attributes=attributes, paged_size=PAGE_SIZE, paged_cookie=cookie
            )

        reply = kept.read(page)
        if reply.result == errors.NO_SUCH_OBJECT:
            return
        if not reply.ok:
            raise errors.write_error(reply)
        yield reply
        cookie = reply.cookie


def all_values(kept: KeptConnection, dn: str, query: str, attribute: str) -> list[str] | None:
    """All values of a link, also beyond the 1,500 that one answer holds; None when no such object meets the query."""
    found: list[str] = []
    while True:
        name = f"{attribute};range={len(found)}-*" if found else attribute

        def part(connection: ldap3.Connection, name: str = name) -> Any:
            return connection.search(dn, query, search_scope=ldap3.BASE, attributes=[name])

        reply = kept.read(part)
        if not reply.ok and reply.result != errors.NO_SUCH_OBJECT:
            raise errors.write_error(reply)
        if not reply.entries:
            return None
        attributes = reply.entries[0]["raw_attributes"]
        # A big group answers "member;range=0-1499", and "...-*" with the last part.
        wanted = attribute.lower()
        key = max((key for key in attributes if key.lower().startswith(wanted)), key=len, default="")
        found += [value.decode() for value in attributes.get(key, [])]
        if ";range=" not in key.lower() or key.endswith("-*"):
            return found


def scan_accounts(
    kept: KeptConnection, base: str, marker: str, *, changed_since_usn: int | None
) -> Iterator[list[DirectoryEntry]]:
    """See Directory.scan_accounts."""
    terms = [] if changed_since_usn is None else [f"(uSNChanged>={changed_since_usn + 1})"]
    for reply in pages(kept, base, values.account_filter(*terms), values.scan_attributes(marker)):
        yield [values.parse_entry(item, marker) for item in reply.entries]


def scan_guids(kept: KeptConnection, base: str) -> Iterator[list[UUID]]:
    """See Directory.scan_guids."""
    for reply in pages(kept, base, values.account_filter(), ["objectGUID"]):
        yield [_guid(item) for item in reply.entries]


def is_deleted(kept: KeptConnection, guid: UUID) -> bool:
    """See Directory.is_deleted."""
    reply = kept.read(
        lambda connection: connection.search(
            values.guid_dn(guid),
            "(isDeleted=TRUE)",
            search_scope=ldap3.BASE,
            attributes=["objectGUID"],
            controls=[_SHOW_DELETED],
        )
    )
    if not reply.ok and reply.result != errors.NO_SUCH_OBJECT:
        raise errors.write_error(reply)
    return bool(reply.entries)


def domain_controller(kept: KeptConnection) -> DomainController:
    """See Directory.domain_controller. The invocationId changes when the server's database was restored."""
    root = _read(kept, "", _ROOT_ATTRIBUTES)
    if root is None:
        raise DirectoryError("the root of the directory cannot be read", code="root")
    service = _text(root, "dsServiceName")
    settings = _read(kept, service, ["invocationId"]) if service else None
    invocation = (_raw(settings, "invocationId") if settings else b"").hex()
    return DomainController(
        identity=f"{service}/{invocation}",
        name=_text(root, "dnsHostName"),
        highest_usn=int(_text(root, "highestCommittedUSN") or 0),
    )


def _read(kept: KeptConnection, dn: str, attributes: list[str]) -> dict[str, Any] | None:
    reply = kept.read(
        lambda connection: connection.search(
            dn, "(objectClass=*)", search_scope=ldap3.BASE, attributes=attributes
        )
    )
    return reply.entries[0] if reply.entries else None


def _raw(item: dict[str, Any], name: str) -> bytes:
    for key, found in item["raw_attributes"].items():
        if key.lower() == name.lower() and found:
            return bytes(found[0])
    return b""


def _text(item: dict[str, Any], name: str) -> str:
    return _raw(item, name).decode("utf-8", "replace")


def _guid(item: dict[str, Any]) -> UUID:
    return UUID(bytes_le=_raw(item, "objectGUID"))
