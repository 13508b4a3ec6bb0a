"""Reading zones, servers and open tickets for forms and checks, for all lines of an application together."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from django.db.models import Q
from django.utils.translation import gettext as _

from portal.gateways import dns_factory
from portal.gateways.dns import Dns, DnsError, RecordSet, ZoneMissing, reverse_address, reverse_name, zone_of
from portal.gateways.dns_rules import WILDCARD, wildcard_parent
from portal.orgs import networks
from portal.orgs.networks import Holder
from portal.orgs.permissions import FEDERATIONS
from portal.workflow.kinds import LineContext
from portal.workflow.models import ApplicationLine
from requests.dns.payloads import Action, DnsLine
from requests.zones import selectors
from requests.zones.models import DnsRecord, DnsZone
from requests.zones.owners import KIND, addresses_of, holding, owners

_SHARED = "requests.dns"
POINTING = frozenset({"CNAME", "SRV", "PTR"})  # types whose value ends with a name
_POINTING_READ = 50  # per name: more than anybody reads in a plan


class Known:
    """What is known about the names of one application: zones, record sets, holders, open tickets."""

    def __init__(self, context: LineContext) -> None:
        self.context = context
        self.own = context.organisation.pk
        self.is_federation = context.organisation.kind in FEDERATIONS
        self._zones: dict[str, DnsZone] | None = None
        self._sets: dict[str, list[RecordSet]] = {}
        self._owners: dict[str, frozenset[int]] = {}
        self._holders: dict[str, Holder | None] = {}
        self._open: dict[str, bool] = {}
        self.named: frozenset[str] = frozenset()
        """The names of all lines of the application."""
        self._pointing: dict[str, list[DnsRecord]] = {}
        self._below: dict[str, list[tuple[str, int]]] = {}
        self.missing: set[str] = set()
        """Zones that are registered and that the servers do not hold."""
        self.error: DnsError | None = None
        """Why the servers could not be asked; then nothing is known of records."""

    @property
    def dns(self) -> Dns:
        """The servers."""
        return dns_factory.get_dns()

    @property
    def zones(self) -> dict[str, DnsZone]:
        """Every registered zone."""
        if self._zones is None:
            self._zones = {zone.name: zone for zone in selectors.live_zones(self.context.today)}
        return self._zones

    def zone_of(self, name: str) -> DnsZone | None:
        """The registered zone that holds a name; another federation's does not exist for this one (ORG-02)."""
        found = zone_of(name, self.zones)
        zone = self.zones[found] if found else None
        is_foreign = self.is_federation and zone is not None and zone.organisation_id not in (None, self.own)
        return None if is_foreign else zone

    def read(self, names: Collection[str]) -> None:
        """Read what the servers hold at these names, each zone in one question."""
        wanted: dict[str, list[str]] = {}
        for name in set(names) - set(self._sets):
            if (zone := self.zone_of(name)) is not None:
                wanted.setdefault(zone.name, []).append(name)
        if self.error is not None:
            return
        fresh: dict[str, list[RecordSet]] = {}
        for zone_name, own in wanted.items():
            try:
                fresh |= self.dns.read_many(zone_name, own)
            except ZoneMissing:
                self.missing.add(zone_name)
                fresh |= {name: [] for name in own}
            except DnsError as error:
                self.error = error
                return
        self._sets |= fresh
        if fresh:
            self._owners |= owners(fresh, self.context.today)

    def at(self, name: str) -> list[RecordSet]:
        """What stands at a name; [] also while the servers cannot be asked."""
        if name not in self._sets:
            self.read([name])
        return self._sets.get(name, [])

    def above(self, name: str) -> list[str]:
        """The names between a name and its zone's own, the nearest first; none of a reverse name, which has its address."""
        zone = self.zone_of(name)
        if zone is None or zone.is_reverse:
            return []
        labels = name.removesuffix(zone.name).removesuffix(".").split(".")
        return [".".join([*labels[start:], zone.name]) for start in range(1, len(labels))]

    def wildcards(self, name: str) -> list[str]:
        """The wildcards that could answer for a name, the nearest first."""
        zone = self.zone_of(name)
        if zone is None or zone.is_reverse or name == zone.name:
            return []
        return [
            f"{WILDCARD}.{each}" for each in (*self.above(name), zone.name) if each != wildcard_parent(name)
        ]

    def wildcard_for(self, name: str) -> list[RecordSet]:
        """What a wildcard says for a name at which nothing stands. A name in between that is there ends its reach."""
        for wildcard in self.wildcards(name):
            if found := self.at(wildcard):
                return found
            if self.at(wildcard_parent(wildcard)):
                break
        return []

    def below(self, wildcard: str) -> list[tuple[str, int]]:
        """The names below the parent of a wildcard with their organisations, as the register knows them."""
        if wildcard not in self._below:
            self._below[wildcard] = selectors.names_below(wildcard_parent(wildcard))
        return self._below[wildcard]

    def is_protected(self, name: str) -> bool:
        """Whether AD keeps this name up itself; False while the servers cannot be asked for it."""
        try:
            return self.dns.owned_by_directory(name)
        except DnsError as error:
            self.error = error
            return False

    def owners(self, name: str) -> frozenset[int]:
        """The organisations that hold a name."""
        self.at(name)
        return self._owners.get(name, frozenset())

    def may_name(self, name: str) -> bool:
        """Whether the organisation may read what stands at a name: its own, or anything in its own zone (ORG-02)."""
        zone, owners = self.zone_of(name), self.owners(name)
        is_own_zone = zone is not None and zone.organisation_id == self.own
        return not self.is_federation or owners == {self.own} or (not owners and is_own_zone)

    def holder(self, address: str) -> Holder | None:
        """The segment in which an address lies."""
        if address not in self._holders:
            self.read_holders([address])
        return self._holders[address]

    def read_holders(self, addresses: Collection[str]) -> None:
        """Read the segments of these addresses."""
        found = networks.holders(addresses, self.context.today)
        self._holders |= {address: found.get(address) for address in addresses}

    def pointing_at(self, name: str) -> list[DnsRecord]:
        """What points at a name, as the register knows it; at most a few hundred."""
        if name not in self._pointing:
            self.read_pointing([name])
        return self._pointing[name]

    def read_pointing(self, names: Collection[str]) -> None:
        """Read what points at these names."""
        self._pointing |= {name: [] for name in names}
        for record in selectors.pointing_at(names)[: _POINTING_READ * len(names)] if names else ():
            self._pointing[record.target].append(record)

    def is_open_elsewhere(self, name: str) -> bool:
        """Whether another open ticket names this reverse name, itself or by the PTR of an address."""
        if name not in self._open:
            self.read_open([name])
        return self._open[name]

    def read_open(self, names: Collection[str]) -> None:
        """Read which of these reverse names other open tickets touch."""
        if not names:
            return
        by_address = {address: name for name in names if (address := reverse_address(name))}
        addresses = list(by_address)
        follows = Q(payload__value__in=addresses) | Q(payload__old_value__in=addresses)
        rows = ApplicationLine.system.filter(
            Q(subject_key__in=list(names)) | Q(follows, payload__with_ptr=True),
            is_open=True,
            application__kind=KIND,
        )
        if self.context.application is not None:
            rows = rows.exclude(application=self.context.application)
        held: set[str] = set()
        for key, payload in rows.values_list("subject_key", "payload"):
            held.add(key)
            if payload.get("with_ptr"):
                held |= {by_address[a] for a in (payload["value"], payload["old_value"]) if a in by_address}
        self._open |= {name: name in held for name in names}


def known(context: LineContext) -> Known:
    """What the lines of this application share."""
    found = context.shared.get(_SHARED)
    if found is None:
        found = context.shared[_SHARED] = Known(context)
    return found  # type: ignore[no-any-return]


def prepare(context: LineContext, payloads: Sequence[DnsLine]) -> None:
    """Read names, reverse names, segments and open tickets of all lines together."""
    found = known(context)
    found.named = frozenset(line.name for line in payloads)
    reverse = [reverse_name(address) for line in payloads for address in _addresses(line)]
    targets = [line.comes.split()[-1] for line in payloads if line.comes and line.type in POINTING]
    own = [line.name for line in payloads]
    around = [each for name in (*own, *targets) for each in (*found.above(name), *found.wildcards(name))]
    found.read([*own, *reverse, *targets, *around])
    found.read_pointing([line.name for line in payloads if line.action == Action.DELETE])
    found.read_open(reverse)
    spoken = {address for line in payloads for address in _addresses(line)}
    spoken |= {a for line in payloads if (a := reverse_address(line.name))}
    found.read_holders(spoken | addresses_of(s for line in payloads for s in found.at(line.name)))


def _addresses(line: DnsLine) -> list[str]:
    if line.type not in ("A", "AAAA"):
        return []
    return [address for address in (line.value, line.old_value) if address]


def no_zone() -> str:
    """Says nothing about zones of other organisations (ORG-02)."""
    return _(
        "No zone that holds this name is registered for your organisation. Check the end of the name, or ask network operations."
    )


def holders_of(sets: Sequence[RecordSet], held: Mapping[str, Any]) -> frozenset[int]:
    """The organisations in whose segments the addresses of these records lie."""
    return holding(addresses_of(sets), held)
