"""Where AD keeps zones and names, and reading them over LDAP. Private to the adapter."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import ldap3
from ldap3.utils.dn import escape_rdn

from portal.gateways import _dns_ad_records as records
from portal.gateways import _ldap3_errors as errors
from portal.gateways import _ldap3_values as values
from portal.gateways._dns_ad_records import AdRecord
from portal.gateways._ldap3_connection import KeptConnection, Reply
from portal.gateways._ldap3_scanning import pages
from portal.gateways.dns import AccessDenied, DnsError, RecordSet, Zone, ZoneMissing

APEX = "@"
_NODE_ATTRIBUTES = ["name", "dnsRecord", "dNSTombstoned"]
_NAMES_PER_SEARCH = 100
_KNOWN_FOR_SECONDS = 60.0
# Application partitions of the domain and the forest, and where Windows 2000 kept them.
_CONTAINERS = (
    "CN=MicrosoftDNS,DC=DomainDnsZones,{base}",
    "CN=MicrosoftDNS,DC=ForestDnsZones,{base}",
    "CN=MicrosoftDNS,CN=System,{base}",
)


@dataclass(frozen=True)
class Node:
    """The object that holds all records of one name. `blobs` are its values, byte for byte."""

    dn: str
    name: str
    blobs: tuple[bytes, ...]
    tombstoned: bool

    @property
    def decoded(self) -> list[tuple[bytes, AdRecord]]:
        found = [(blob, records.decode(blob)) for blob in self.blobs]
        return [(blob, record) for blob, record in found if record is not None]

    @property
    def live(self) -> list[AdRecord]:
        """Its records; a node that was deleted has none, whatever remains in it."""
        if self.tombstoned:
            return []
        return [record for _, record in self.decoded if not record.is_tombstone]

    def sets(self) -> list[RecordSet]:
        """Its records as sets, by type. AD keeps a TTL per record; the least is that of the set."""
        by_type: dict[str, list[AdRecord]] = {}
        for record in self.live:
            by_type.setdefault(record.type, []).append(record)
        return [
            RecordSet(self.name, kind, min(each.ttl for each in found), tuple(each.value for each in found))
            for kind, found in sorted(by_type.items())
        ]


class Zones:
    """The zones in the directory, and their nodes."""

    def __init__(self, kept: KeptConnection, base_dn: str, allowed: Collection[str]) -> None:
        """`allowed`: only these zones are known; empty: all that the account sees."""
        self._kept, self._allowed = kept, frozenset(allowed)
        self._containers = [container.format(base=base_dn) for container in _CONTAINERS]
        self._known: dict[str, str] = {}
        self._known_at = 0.0

    def dn(self, zone: str) -> str:
        """The zone's object. Looked up again when it is not known. Raises ZoneMissing."""
        if zone not in self._known or time.monotonic() - self._known_at > _KNOWN_FOR_SECONDS:
            self._known, self._known_at = dict(self._find()), time.monotonic()
        if zone not in self._known:
            raise ZoneMissing(f"the directory shows no zone {zone}", code="no_zone")
        return self._known[zone]

    def all(self) -> list[Zone]:
        """Every zone with the numbers of its start of authority."""
        found = dict(self._find())
        return [self._zone(zone, found[zone]) for zone in sorted(found)]

    def name_servers(self) -> frozenset[str]:
        """Whom the zones name as their servers: domain controllers that answer for them."""
        apexes = (self._apex(zone, dn) for zone, dn in dict(self._find()).items())
        return frozenset(
            record.value for apex in apexes if apex for record in apex.live if record.type == "NS"
        )

    def nodes(self, zone: str, names: Sequence[str]) -> dict[str, Node]:
        """The nodes of these names that exist."""
        found: dict[str, Node] = {}
        for start in range(0, len(names), _NAMES_PER_SEARCH):
            terms = (
                values.equals("name", relative(name, zone))
                for name in names[start : start + _NAMES_PER_SEARCH]
            )
            query = f"(&(objectClass=dnsNode)(|{''.join(terms)}))"
            for node in self._nodes(self._in_zone(zone, query), zone):
                found[node.name] = node
        return found

    def pages(self, zone: str) -> Iterator[list[Node]]:
        """All nodes of a zone."""
        found = False
        for reply in pages(self._kept, self.dn(zone), "(objectClass=dnsNode)", _NODE_ATTRIBUTES):
            found = True
            yield self._nodes(reply, zone)
        if not found:  # the object of the zone is gone
            self.forget()
            self.dn(zone)

    def node_dn(self, zone: str, name: str) -> str:
        """Where the node of a name is, or would be."""
        return f"DC={escape_rdn(relative(name, zone))},{self.dn(zone)}"

    def forget(self) -> None:
        """Look the zones up again next time."""
        self._known = {}

    def _find(self) -> Iterator[tuple[str, str]]:
        for container in reversed(
            self._containers
        ):  # where a name is held twice, the domain's partition counts
            reply = self._search(container, "(objectClass=dnsZone)", ["name"])
            for item in reply.entries:
                name = values.text_of(item, "name").lower()
                if self._may_be_known(name):
                    yield name, str(item["dn"])

    def _may_be_known(self, name: str) -> bool:
        if not name or name.startswith("..") or name == "rootdnsservers":
            return False
        return not self._allowed or name in self._allowed

    def _zone(self, name: str, dn: str) -> Zone:
        apex = self._apex(name, dn)
        for record in apex.live if apex else []:
            if record.type == "SOA":
                try:
                    serial, negative = records.soa_numbers(record)
                except ValueError:
                    break
                return Zone(name=name, serial=serial, negative_ttl=negative)
        return Zone(name=name)

    def _apex(self, name: str, dn: str) -> Node | None:
        found = self._nodes(self._search(dn, f"(&(objectClass=dnsNode)(name={APEX}))"), name)
        return found[0] if found else None

    def _in_zone(self, zone: str, query: str) -> Reply:
        reply = self._search(self.dn(zone), query)
        if reply.result == errors.NO_SUCH_OBJECT:
            self.forget()
            reply = self._search(self.dn(zone), query)
        return reply

    def _search(self, base: str, query: str, attributes: list[str] | None = None) -> Reply:
        reply = self._kept.read(
            lambda connection: connection.search(
                base, query, search_scope=ldap3.LEVEL, attributes=attributes or _NODE_ATTRIBUTES
            )
        )
        if reply.ok or reply.result == errors.NO_SUCH_OBJECT:
            return reply
        refused = AccessDenied if reply.result == errors.ACCESS_DENIED else DnsError
        raise refused(reply.message, code=reply.code)

    @staticmethod
    def _nodes(reply: Reply, zone: str) -> list[Node]:
        made = (_node(item, zone) for item in reply.entries)
        return [node for node in made if node is not None]


def relative(name: str, zone: str) -> str:
    """A name within its zone, as nodes are called; "@" for the zone's own."""
    return APEX if name == zone else name.removesuffix(f".{zone}")


def sets_of(nodes: Iterable[Node]) -> list[RecordSet]:
    return [found for node in nodes for found in node.sets()]


def _node(item: dict[str, Any], zone: str) -> Node | None:
    """None for what is no name: objects of a replication conflict, and what servers note for themselves."""
    own = values.text_of(item, "name").lower()
    if not own or "\n" in own or own.startswith(".."):
        return None
    raw = {key.lower(): found for key, found in item["raw_attributes"].items()}
    return Node(
        dn=str(item["dn"]),
        name=zone if own == APEX else f"{own}.{zone}",
        blobs=tuple(bytes(blob) for blob in raw.get("dnsrecord", [])),
        tombstoned=values.text_of(item, "dNSTombstoned") == "TRUE",
    )
