"""DNS zones that are kept in Active Directory, over LDAPS with ldap3 (docs/adr/0026).

All records of a name are the values of one object. A change is one LDAP modify that deletes every value that was read,
byte for byte, and adds what shall be there: whoever changed or deleted one of them meanwhile makes it fail as a whole.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import ldap3

from portal.gateways import _dns_ad_records as records
from portal.gateways import _dns_ad_zones as ad
from portal.gateways import _dns_wire as wire
from portal.gateways import _ldap3_controllers as controllers
from portal.gateways import _ldap3_errors as errors
from portal.gateways import _ldap3_values as values
from portal.gateways import directory
from portal.gateways._ldap3_connection import Guard, KeptConnection, LdapSettings, Reply, Unguarded, probe
from portal.gateways.dns import (
    AccessDenied,
    Answer,
    Change,
    ChangedMeanwhile,
    DnsError,
    DnsUnavailable,
    InvalidRecord,
    OutcomeUnknown,
    RecordSet,
    Zone,
    by_name,
    check_effect,
    check_possible,
)
from portal.gateways.dns_rules import owned_by_directory

_ATTEMPTS = 3
_CONTROLLERS_KNOWN_FOR_SECONDS = 600.0
# The value was gone, was there already, the node is gone, the node is there already.
_RACED = frozenset(
    {
        errors.NO_SUCH_ATTRIBUTE,
        errors.ATTRIBUTE_OR_VALUE_EXISTS,
        errors.NO_SUCH_OBJECT,
        errors.ALREADY_EXISTS,
    }
)
_CLASSES = ["top", "dnsNode"]


@contextmanager
def _translated() -> Iterator[None]:
    """The directory's errors as those of DNS."""
    try:
        yield
    except directory.DirectoryError as error:
        raise _translate(error) from None


def _translate(error: directory.DirectoryError) -> DnsError:
    kinds: tuple[tuple[type[directory.DirectoryError], type[DnsError]], ...] = (
        (directory.DirectoryUnavailable, DnsUnavailable),
        (directory.OutcomeUnknown, OutcomeUnknown),
        (directory.AccessDenied, AccessDenied),
    )
    kind = next((ours for theirs, ours in kinds if isinstance(error, theirs)), DnsError)
    return kind(error.message, code=error.code)


@dataclass(frozen=True, kw_only=True)
class AdDnsSettings:
    """The directory that holds the zones, the servers that clients ask, and names besides AD's own to leave alone."""

    directory: LdapSettings
    servers: tuple[str, ...]
    zones: tuple[str, ...] = ()
    """Only these; empty: all that the service account may see."""
    protected: tuple[str, ...] = ()
    timeout: float = 5

    def __post_init__(self) -> None:
        for server in self.servers:
            wire.split_server(server)


class AdDns:
    """An implementation of the port `portal.gateways.dns.Dns`."""

    def __init__(self, settings: AdDnsSettings, guard: Guard | None = None) -> None:
        self._settings = settings
        self._kept = KeptConnection(settings.directory, guard or Unguarded())
        self._zones = ad.Zones(self._kept, settings.directory.base_dn, settings.zones)
        self._controllers: frozenset[str] = frozenset()
        self._controllers_at = float("-inf")
        self.servers = settings.servers

    @_translated()
    def ping(self) -> None:
        reply = self._kept.read(probe)
        if not reply.ok:
            raise DnsError(reply.message, code=reply.code)

    @_translated()
    def zones(self) -> list[Zone]:
        return self._zones.all()

    def read_zone(self, zone: str) -> Iterator[list[RecordSet]]:
        pages = self._zones.pages(zone)
        while (page := self._next_page(pages)) is not None:
            yield page

    @_translated()
    def _next_page(self, pages: Iterator[list[ad.Node]]) -> list[RecordSet] | None:
        nodes = next(pages, None)
        return None if nodes is None else ad.sets_of(nodes)

    def read(self, zone: str, name: str) -> list[RecordSet]:
        return self.read_many(zone, [name])[name]

    @_translated()
    def read_many(self, zone: str, names: Collection[str]) -> dict[str, list[RecordSet]]:
        return by_name(ad.sets_of(self._zones.nodes(zone, sorted(names)).values()), names)

    @_translated()
    def replace(self, change: Change) -> list[RecordSet]:
        for _ in range(_ATTEMPTS):
            near = self._zones.nodes(change.zone, [change.name, change.zone])
            node = near.get(change.name)
            check_possible(change, node.sets() if node else [])
            if self._written(change, node, _next_serial(near)):
                break
        else:
            raise ChangedMeanwhile(f"{change.name} does not hold still", code="restless", found=change.before)
        try:
            sets = self.read(change.zone, change.name)
        except DnsError as error:
            raise OutcomeUnknown("confirmed but not read back", code="not_read_back") from error
        check_effect(change, sets)
        return sets

    def query(self, zone: str, name: str, record_type: str) -> list[Answer]:
        return self.query_many(zone, [(name, record_type)])[name, record_type]

    def query_many(
        self, zone: str, questions: Collection[wire.Question]
    ) -> dict[wire.Question, list[Answer]]:
        timeout = self._settings.timeout
        # Domain controllers number their copies of a zone each for itself.
        return wire.query_all(self.servers, zone, questions, timeout=timeout, copies=False)

    @_translated()
    def owned_by_directory(self, name: str) -> bool:
        if time.monotonic() - self._controllers_at > _CONTROLLERS_KNOWN_FOR_SECONDS:
            self._controllers = self._find_controllers()
            self._controllers_at = time.monotonic()
        known = self._controllers.union(self._settings.protected)
        return owned_by_directory(name, domain=self._settings.directory.domain, controllers=known)

    def close(self) -> None:
        self._kept.close()

    def _find_controllers(self) -> frozenset[str]:
        reply = self._kept.read(
            lambda connection: connection.search(
                self._settings.directory.base_dn, controllers.CONTROLLERS, attributes=["dNSHostName"]
            )
        )
        if not reply.ok:
            raise DnsError(reply.message, code=reply.code)
        hosts = {values.text_of(item, "dNSHostName") for item in reply.entries}
        return self._zones.name_servers() | frozenset(filter(None, hosts))

    def _written(self, change: Change, node: ad.Node | None, serial: int) -> bool:
        """Send the change; False when the node is no longer what was read. Raises OutcomeUnknown when no answer came."""
        try:
            after = change.after
            made = (
                [records.make(after.type, after.ttl, value, serial) for value in after.values]
                if after
                else []
            )
        except ValueError as error:
            raise InvalidRecord(str(error), problems={"value": "directory"}) from None
        reply = self._add(change, made) if node is None else self._modify(change, node, made, serial)
        if reply.ok:
            return True
        if reply.result in _RACED:
            self._zones.forget()  # the zone itself may be gone
            return False
        raise _translate(errors.write_error(reply))

    def _add(self, change: Change, made: list[records.AdRecord]) -> Reply:
        dn = self._zones.node_dn(change.zone, change.name)
        attributes = {"dnsRecord": [records.encode(record) for record in made], "dNSTombstoned": "FALSE"}
        return self._kept.write(lambda connection: connection.add(dn, _CLASSES, attributes))

    def _modify(self, change: Change, node: ad.Node, made: list[records.AdRecord], serial: int) -> Reply:
        kept = [replace(record, serial=serial) for record in node.live if record.type != change.type]
        wanted = [*kept, *made]
        gone = not wanted
        if gone:
            wanted = [records.tombstone(datetime.now(UTC), serial)]
        read = [blob for blob, _ in node.decoded]
        changes: dict[str, list[Any]] = {
            # Also those that stay: with a new serial they are other values, so that of two writers one fails.
            "dnsRecord": [
                *([(ldap3.MODIFY_DELETE, read)] if read else []),
                (ldap3.MODIFY_ADD, [records.encode(record) for record in wanted]),
            ]
        }
        if gone or node.tombstoned:
            changes["dNSTombstoned"] = [(ldap3.MODIFY_REPLACE, ["TRUE" if gone else "FALSE"])]
        return self._kept.write(lambda connection: connection.modify(node.dn, changes))


def _next_serial(near: dict[str, ad.Node]) -> int:
    """Newer than the zone and than every record that is written over, as a DNS server would number it."""
    seen = [record.serial for node in near.values() for _, record in node.decoded]
    seen += [
        records.soa_numbers(record)[0] for node in near.values() for record in node.live if _is_soa(record)
    ]
    return max(seen, default=0) % (2**32 - 1) + 1


def _is_soa(record: records.AdRecord) -> bool:
    return record.type == "SOA" and len(record.data) >= 20
