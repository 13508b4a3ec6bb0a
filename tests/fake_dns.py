"""A stand-in for the DNS servers, for tests that are about the portal and not about DNS."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field, replace

from portal.gateways.dns import (
    Answer,
    Change,
    Record,
    RecordSet,
    Said,
    Zone,
    ZoneMissing,
    by_name,
    check_possible,
    is_below,
    mark_behind,
    zone_of,
)
from portal.gateways.dns_rules import owned_by_directory

_PAGE = 100
Sets = dict[tuple[str, str], RecordSet]


@dataclass
class FakeDns:
    """DNS in memory that keeps the port's promises (portal.gateways.dns.Dns).

    Two servers: the first takes the changes, the second has the same at once unless it is in `stale`, which keeps what
    it has, or in `silent`, which says nothing. `faults` maps a method name to errors that its next calls raise, first in
    first out; a class or an instance. `after` does the same once the call has taken effect, as a lost answer does.
    `calls` names every call.
    """

    zone_names: tuple[str, ...] = ("kokuho.pr", "82.13.10.in-addr.arpa")
    domain: str = "kokuho.pr"
    controllers: tuple[str, ...] = ("dc1.kokuho.pr",)
    servers: tuple[str, ...] = ("10.0.0.1", "10.0.0.2")
    negative_ttl: int = 900
    silent: set[str] = field(default_factory=set)
    stale: set[str] = field(default_factory=set)
    faults: dict[str, list[Exception | type[Exception]]] = field(default_factory=dict)
    after: dict[str, list[Exception | type[Exception]]] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)
    sets: Sets = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.serials = dict.fromkeys(self.zone_names, 1)
        self._copies: dict[str, tuple[Sets, dict[str, int]]] = {}

    def put(self, *records: Record) -> None:
        """Records that are simply there, of one set or many."""
        for record in records:
            held = self.sets.get((record.name, record.type))
            self.sets[record.name, record.type] = held.with_record(record) if held else RecordSet.of(record)

    def hold_back(self, server: str) -> None:
        """From now on this server keeps what it has."""
        self.stale.add(server)
        self._copies[server] = (dict(self.sets), dict(self.serials))

    def ping(self) -> None:
        self._called("ping")

    def zones(self) -> list[Zone]:
        self._called("zones")
        return [
            Zone(name=name, serial=self.serials[name], negative_ttl=self.negative_ttl)
            for name in sorted(self.zone_names)
        ]

    def read_zone(self, zone: str) -> Iterator[list[RecordSet]]:
        self._called("read_zone")
        self._require(zone)
        names = sorted({name for name, _ in self.sets if zone_of(name, self.zone_names) == zone})
        for start in range(0, len(names), _PAGE):
            found = by_name(self.sets.values(), names[start : start + _PAGE])
            yield [each for sets in found.values() for each in sets]

    def read(self, zone: str, name: str) -> list[RecordSet]:
        self._called("read")
        return self._at(zone, [name])[name]

    def read_many(self, zone: str, names: Collection[str]) -> dict[str, list[RecordSet]]:
        self._called("read_many")
        return self._at(zone, names)

    def replace(self, change: Change) -> list[RecordSet]:
        self._called("replace")
        check_possible(change, self._at(change.zone, [change.name])[change.name])
        if change.after is None:
            del self.sets[change.name, change.type]
        else:
            self.sets[change.name, change.type] = change.after
        self.serials[change.zone] += 1
        self._raise(self.after, "replace")
        return self._at(change.zone, [change.name])[change.name]

    def query(self, zone: str, name: str, record_type: str) -> list[Answer]:
        self._called("query")
        return mark_behind(self._answer(server, zone, name, record_type) for server in self.servers)

    def query_many(
        self, zone: str, questions: Collection[tuple[str, str]]
    ) -> dict[tuple[str, str], list[Answer]]:
        return {(name, kind): self.query(zone, name, kind) for name, kind in questions}

    def owned_by_directory(self, name: str) -> bool:
        return owned_by_directory(name, domain=self.domain, controllers=self.controllers)

    def close(self) -> None: ...

    def _answer(self, server: str, zone: str, name: str, record_type: str) -> Answer:
        if server in self.silent:
            return Answer(server=server, said=Said.SILENT, message="timed out")
        if zone not in self.zone_names:
            return Answer(server=server, said=Said.REFUSED, message="REFUSED")
        sets, serials = self._copies[server] if server in self.stale else (self.sets, self.serials)
        names = {held for held, _ in sets}
        found = sets.get((_answering(names, zone, name), record_type))
        found = replace(found, name=name) if found else None
        if found is None:
            said = Said.NO_DATA if _answering(names, zone, name) in names else Said.NO_NAME
        else:
            said = Said.ANSWER
        return Answer(server=server, said=said, found=found, serial=serials[zone])

    def _at(self, zone: str, names: Collection[str]) -> dict[str, list[RecordSet]]:
        self._require(zone)
        return by_name(self.sets.values(), names)

    def _require(self, zone: str) -> None:
        if zone not in self.zone_names:
            raise ZoneMissing(f"no zone {zone}", code="NOTAUTH")

    def _called(self, name: str) -> None:
        self.calls.append(name)
        self._raise(self.faults, name)

    @staticmethod
    def _raise(planned: dict[str, list[Exception | type[Exception]]], name: str) -> None:
        if planned.get(name):
            raise planned[name].pop(0)


def _answering(names: Collection[str], zone: str, name: str) -> str:
    """The name whose records answer: its own, or the wildcard's below the closest name that is there (RFC 4592)."""
    parent = name
    while parent != zone and not any(is_below(held, parent) for held in names):
        parent = parent.partition(".")[2]
    return name if parent == name else f"*.{parent}"
