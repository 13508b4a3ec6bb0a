"""The DNS names of machines: which hang on one, what an exchange makes of them, and what is proposed for a new one."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db.models import Q

from portal.gateways.dns import RecordSet, reverse_name
from portal.orgs.models import Organisation
from portal.workflow.kinds import LineContext
from requests.dns import lookups
from requests.dns.payloads import ADDRESS_TYPES, Action
from requests.zones.models import DnsRecord, DnsZone

_REVERSE = (".in-addr.arpa", ".ip6.arpa")


@dataclass(frozen=True, kw_only=True)
class Name:
    """One record that hangs on a machine."""

    machine: str
    type: str
    name: str
    value: str
    with_ptr: bool = False
    """Whether the PTR record of the address points back at the name."""

    @property
    def key(self) -> str:
        """What the record is told apart by."""
        return f"{self.name} {self.type} {self.value}"

    def ends(self) -> dict[str, Any]:
        """The line of a ticket that deletes it."""
        return line(Action.DELETE, self.type, self.name, self.value, with_ptr=self.with_ptr)


def line(
    action: str, kind: str, name: str, value: str, *, old_value: str = "", with_ptr: bool = False
) -> dict[str, Any]:
    """One line of a DNS ticket as its form takes it."""
    return {
        "action": str(action),
        "type": kind,
        "name": name,
        "value": value,
        "old_value": old_value,
        "ttl": None,
        "with_ptr": with_ptr,
    }


class Names:
    """What DNS and the register say of the machines of one organisation; asked once for all of them."""

    def __init__(self, organisation: Organisation, day: date) -> None:
        self._context = LineContext(organisation=organisation, actor=None, application=None, today=day)
        self._known = lookups.known(self._context)
        self._organisation = organisation

    def proposal(self, machine: str) -> str:
        """The name that a new machine could have; "" when no zone of names is open for the organisation."""
        zone = next(iter(self._zones()), None)
        return f"{machine.lower()}.{zone.name}" if zone is not None and machine else ""

    def takes_ptr(self, address: str) -> bool:
        """Whether a zone for the reverse lookup of the address is open."""
        zone = self._known.zone_of(reverse_name(address)) if address else None
        return zone is not None and zone.is_open

    def of(self, machines: Mapping[str, Sequence[str]]) -> list[Name]:
        """The records of these machines, given the addresses of each: its own name, what has its address, what points there.

        The servers are asked where they answer; what they do not tell is taken from the register (ACC-12).
        """
        candidates = self._candidates(machines)
        self._known.read([name for names in candidates.values() for name in names])
        return [
            found
            for machine, addresses in machines.items()
            for found in self._of_one(machine, addresses, candidates[machine])
        ]

    def _candidates(self, machines: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
        addresses = {a for found in machines.values() for a in found}
        zones = self._zones()
        own = {m: [f"{m.lower()}.{zone.name}" for zone in zones] for m in machines}
        rows = DnsRecord.system.filter(
            Q(type__in=ADDRESS_TYPES, value__in=addresses)
            | Q(name__in=[n for found in own.values() for n in found])
        )
        by_address: dict[str, list[str]] = {}
        for record in rows.exclude(name__endswith=_REVERSE[0]):
            by_address.setdefault(record.value, []).append(record.name)
        return {
            machine: list(
                dict.fromkeys(
                    [
                        *own[machine],
                        *(name for a in found for name in by_address.get(a, ())),
                        *(reverse_name(a) for a in found),
                    ]
                )
            )
            for machine, found in machines.items()
        }

    def _of_one(self, machine: str, addresses: Sequence[str], names: Sequence[str]) -> Iterator[Name]:
        forward = [
            found
            for name in names
            if not name.endswith(_REVERSE) and not self._is_foreign(name)
            for found in self._forward(machine, addresses, name)
        ]
        yield from forward
        covered = {reverse_name(n.value) for n in forward if n.with_ptr}
        for reverse in dict.fromkeys(map(reverse_name, addresses)):
            if reverse not in covered and not self._is_foreign(reverse):
                yield from self._pointers(machine, reverse)
        yield from self._aliases(machine, {n.name for n in forward})

    def _forward(self, machine: str, addresses: Sequence[str], name: str) -> Iterator[Name]:
        """What stands at a name of the machine's own, and of other names what has its address."""
        is_own = name.startswith(f"{machine.lower()}.")
        for found in self._sets(name):
            for value in found.values:
                is_address = found.type in ADDRESS_TYPES
                if is_own or (is_address and value in addresses):
                    back = is_address and self._points_back(value, name)
                    yield Name(machine=machine, type=found.type, name=name, value=value, with_ptr=back)

    def _pointers(self, machine: str, reverse: str) -> Iterator[Name]:
        """What an address of the machine points at, though no name has the address."""
        for found in self._sets(reverse):
            for value in found.values if found.type == "PTR" else ():
                yield Name(machine=machine, type="PTR", name=reverse, value=value)

    def _aliases(self, machine: str, targets: Collection[str]) -> Iterator[Name]:
        """What points at the machine's names, as the register knows it."""
        rows = DnsRecord.system.filter(target__in=targets, type__in=["CNAME", "SRV"]) if targets else ()
        for record in rows:
            if record.organisation_id == self._organisation.pk and record.name not in targets:
                yield Name(machine=machine, type=record.type, name=record.name, value=record.value)

    def _points_back(self, address: str, name: str) -> bool:
        try:
            reverse = reverse_name(address)
        except ValueError:
            return False
        return self.takes_ptr(address) and any(
            found.type == "PTR" and name in found.values for found in self._sets(reverse)
        )

    def _sets(self, name: str) -> list[RecordSet]:
        """What stands at a name: as the servers say, else the organisation's own as the register does (ORG-02)."""
        if self._known.zone_of(name) is None:
            return []
        found = self._known.at(name)
        if self._known.error is None:
            return found
        rows = DnsRecord.system.filter(name=name, organisation=self._organisation).order_by("type", "value")
        kept: dict[str, list[DnsRecord]] = {}
        for row in rows:
            kept.setdefault(row.type, []).append(row)
        return [RecordSet(name, kind, of[0].ttl, tuple(r.value for r in of)) for kind, of in kept.items()]

    def _is_foreign(self, name: str) -> bool:
        """Whether what stands at the name is not known as the organisation's own; the register knows that by itself (ORG-02)."""
        is_foreign = not self._known.may_name(name)
        return is_foreign and self._known.error is None

    def _zones(self) -> list[DnsZone]:
        """The zones of names that are open for the organisation, its own before the common ones."""
        zones = [z for z in self._known.zones.values() if not z.name.endswith(_REVERSE) and z.is_open]
        own = [z for z in zones if z.organisation_id in (None, self._organisation.pk)]
        return sorted(own, key=lambda z: (z.organisation_id is None, z.name))
