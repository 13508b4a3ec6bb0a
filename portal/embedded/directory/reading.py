"""Searching: scope, deleted objects, computed attributes, value ranges, pages of at most 1,000."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field
from uuid import UUID

from portal.embedded.directory import messages, names
from portal.embedded.directory.domain import Domain
from portal.embedded.directory.failures import SIZE_LIMIT, SUCCESS, Refused, missing
from portal.embedded.directory.filters import Candidate, matches
from portal.embedded.directory.messages import BASE, ONE, Request, Search
from portal.embedded.directory.schema import ATTRIBUTES, spelling
from portal.embedded.directory.store import Entry, parent_key

PAGE_LIMIT = 1000
VALUE_LIMIT = 1500
_RANGE = re.compile(r"(?P<name>[^;]+);range=(?P<low>\d+)-(?P<high>\d+|\*)", re.IGNORECASE)
_COMPUTED = frozenset(name for name, attribute in ATTRIBUTES.items() if attribute.computed)

Values = list[tuple[str, list[bytes]]]


@dataclass
class Pages:
    """The unfinished paged searches of one connection, by cookie."""

    remaining: dict[bytes, list[UUID]] = field(default_factory=dict)


@dataclass
class Found:
    """What a search answers: entries, result code, the encoded paging control."""

    entries: list[tuple[str, Values]]
    code: int = SUCCESS
    controls: bytes = b""


def search(domain: Domain, identity: UUID | None, request: Request, pages: Pages) -> Found:
    """Run a search. Raises Refused."""
    query = request.operation
    assert isinstance(query, Search)
    if query.base == "" and query.scope == BASE:
        return Found([("", _select_root(domain, query.attributes))])
    if identity is None:
        raise Refused(1, "000004DC", "In order to perform this operation a bind must be completed")
    paging = request.control(messages.PAGING)
    if paging is None:
        found = _matching(domain, identity, request, query)
        limit = min(query.size_limit or PAGE_LIMIT, PAGE_LIMIT)
        entries = [(entry.dn, _select(domain, entry, query.attributes)) for entry in found[:limit]]
        return Found(entries, SIZE_LIMIT if len(found) > limit else SUCCESS)
    size, cookie = messages.parse_paging(paging.value)
    if cookie and cookie not in pages.remaining:
        raise Refused(53, "00000057", "unknown paging cookie")
    if cookie:
        rest = pages.remaining.pop(cookie)
    else:
        rest = [entry.guid for entry in _matching(domain, identity, request, query)]
    count = min(size or PAGE_LIMIT, PAGE_LIMIT)
    page, rest = rest[:count], rest[count:]
    following = secrets.token_bytes(8) if rest else b""
    if rest:
        pages.remaining[following] = rest
    current = (domain.store.entries[guid] for guid in page)
    return Found(
        [(entry.dn, _select(domain, entry, query.attributes)) for entry in current],
        controls=messages.paging_control(following),
    )


def _matching(domain: Domain, identity: UUID | None, request: Request, query: Search) -> list[Entry]:
    base = domain.store.by_dn(query.base)
    # As AD: what was deleted is shown to administrators only.
    show_deleted = request.control(messages.SHOW_DELETED) is not None and domain.is_administrator(identity)
    if base is None or (base.deleted and not show_deleted):
        raise missing()
    candidates: Iterable[Entry]
    if query.scope == BASE:
        candidates = [base]
    else:
        indexed = domain.store.candidates(query.filter)
        candidates = (
            _within(domain, base, query.scope) if indexed is None else _chosen(base, query.scope, indexed)
        )
    return [
        entry
        for entry in candidates
        if (show_deleted or not entry.deleted) and matches(query.filter, _candidate(domain, entry))
    ]


def _within(domain: Domain, base: Entry, scope: int) -> list[Entry]:
    return domain.store.children(base.dn) if scope == ONE else domain.store.subtree(base.dn)


def _chosen(base: Entry, scope: int, indexed: Iterable[Entry]) -> list[Entry]:
    """Those that an index gave and that lie within the scope."""
    key = base.key
    if scope == ONE:
        return [entry for entry in indexed if parent_key(entry) == key]
    return [entry for entry in indexed if entry.key == key or names.is_below(entry.key, key)]


def _candidate(domain: Domain, entry: Entry) -> Candidate:
    return Candidate(
        values=lambda name: values_of(domain, entry, name),
        chain=lambda attribute, dn: _linked(domain, entry, attribute, dn),
    )


def _linked(domain: Domain, entry: Entry, attribute: str, dn: str) -> bool:
    """Membership through nested groups: the filter (memberOf:1.2.840.113556.1.4.1941:=group)."""
    target = domain.store.by_dn(dn)
    if target is None or attribute != "memberof":
        return False
    seen: set[UUID] = set()
    waiting = [entry.guid]
    while waiting:
        for group in domain.store.groups_of(waiting.pop()):
            if group.guid == target.guid:
                return True
            if group.guid not in seen:
                seen.add(group.guid)
                waiting.append(group.guid)
    return False


def values_of(domain: Domain, entry: Entry, name: str) -> list[bytes]:
    """The values of one attribute by lower-case name, stored or computed."""
    if name in ("member", "msds-psoappliesto"):
        linked = (domain.store.entries.get(UUID(value.decode())) for value in entry.values.get(name, []))
        return [found.dn.encode() for found in linked if found is not None]
    if name not in _COMPUTED or name in entry.values:
        return entry.values.get(name, [])
    return _computed(domain, entry, name)


def _computed(domain: Domain, entry: Entry, name: str) -> list[bytes]:
    if name == "objectguid":
        return [entry.guid.bytes_le]
    if name == "distinguishedname":
        return [entry.dn.encode()]
    if name == "name":
        return [names.parse_rdn(names.first(entry.dn))[1].encode()]
    if name == "memberof":
        return [group.dn.encode() for group in domain.store.groups_of(entry.guid)]
    if not entry.is_a("user") or entry.deleted:
        return []
    if name == "msds-resultantpso":
        dn = domain.resultant_settings_dn(entry)
        return [dn.encode()] if dn else []
    if name == "msds-userpasswordexpirytimecomputed":
        return [str(domain.password_expiry(entry, domain.policy(entry))).encode()]
    if name == "msds-user-account-control-computed":
        return [str(domain.computed_control(entry, domain.policy(entry))).encode()]
    return []


def _select(domain: Domain, entry: Entry, wanted: tuple[str, ...]) -> Values:
    if wanted == ("1.1",):
        return []
    if not wanted or "*" in wanted:
        every = [*entry.values, "objectguid", "distinguishedname", "name", "memberof"]
        wanted = (*every, *(name for name in wanted if name != "*"))
    selected: dict[str, list[bytes]] = {}
    for name in wanted:
        ranged = _RANGE.fullmatch(name)
        lower = ranged["name"].lower() if ranged else name.lower()
        values = values_of(domain, entry, lower)
        if not values:
            continue
        if ranged or len(values) > VALUE_LIMIT:
            label, values = _slice(lower, values, ranged)
            selected[label] = values
        else:
            selected[spelling(lower)] = values
    return list(selected.items())


def _slice(name: str, values: list[bytes], ranged: re.Match[str] | None) -> tuple[str, list[bytes]]:
    low = int(ranged["low"]) if ranged else 0
    high = int(ranged["high"]) + 1 if ranged and ranged["high"] != "*" else len(values)
    part = values[low : min(high, low + VALUE_LIMIT)]
    end = low + len(part)
    last = "*" if end >= len(values) else str(end - 1)
    return f"{spelling(name)};range={low}-{last}", part


def _select_root(domain: Domain, wanted: tuple[str, ...]) -> Values:
    attributes = {
        "defaultNamingContext": [domain.base_dn.encode()],
        "namingContexts": [domain.base_dn.encode()],
        "rootDomainNamingContext": [domain.base_dn.encode()],
        "supportedLDAPVersion": [b"3"],
        "supportedControl": sorted(oid.encode() for oid in domain.controls),
        "dnsHostName": [f"dc1.{domain.dns_name}".encode()],
        "dsServiceName": [domain.controller_dn.encode()],
        "highestCommittedUSN": [str(domain.store.usn).encode()],
    }
    if wanted == ("1.1",):
        return []
    chosen = {name.lower() for name in wanted if name not in ("*", "+")}
    return [(name, values) for name, values in attributes.items() if not chosen or name.lower() in chosen]
