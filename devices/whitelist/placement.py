"""Where an address lies: which segment takes it, or why no machine of this federation may have it (MAC-05, REQ network facts)."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from datetime import date
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_network

from django.db.models import Q
from django.utils.translation import gettext as _

from devices.computers.models import Segment
from portal.workflow.models import ApplicationLine

# 図2-32 and 図2-33: 10.P.x of every federation P belongs to its 独自処理システム.
_OWN_SYSTEM = {
    82: "図2-32",
    86: "図2-32",
    88: "図2-32",
    182: "図2-32",
    84: "図2-33",
    184: "図2-33",
    186: "図2-33",
}
_MAYBE_HALF = frozenset({84, 184})  # "/24 もしくは /25"
_FEDERATIONS = range(1, 48)
_UPPER_HALF = 128
_MAINTENANCE_LAN = IPv4Network("192.168.255.0/24")
Network = IPv4Network | IPv6Network
_MAINTENANCE = {(64, 2), (74, 254)}  # 図2-34: 10.P.64.2 and 10.P.74.254


class Segments:
    """The segments of the whole country that live on a day, found by address. They never overlap while they live."""

    def __init__(self, segments: Iterable[Segment]) -> None:
        found: list[tuple[Network, Segment]] = [(ip_network(each.network), each) for each in segments]
        found.sort(key=lambda pair: (*_place_of(pair[0].network_address), pair[1].pk))
        self._found = found
        self._starts = [_place_of(network.network_address) for network, _segment in found]

    @classmethod
    def read(cls, day: date) -> Segments:
        """Those of all federations on that day: a conflict is a conflict whoever has the segment."""
        rows = Segment.system.filter(valid_from__lte=day)
        return cls(rows.filter(Q(valid_until=None) | Q(valid_until__gte=day)))

    def holding(self, address: IPv4Address | IPv6Address) -> tuple[Network, Segment] | None:
        """The segment in which an address lies."""
        at = bisect_right(self._starts, _place_of(address)) - 1
        if at < 0 or address not in self._found[at][0]:
            return None
        return self._found[at]


def _place_of(address: IPv4Address | IPv6Address) -> tuple[int, int]:
    return address.version, int(address)


class Misplaced(Exception):
    """No machine of the federation may have the address; `reason` is a sentence."""

    line: ApplicationLine | None = None  # whose address it is, where several are written together

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(reason)
        self.code, self.reason = code, reason


def place(ip: str, *, organisation_id: int, segments: Segments) -> Segment:
    """The federation's segment that takes the address. Raises Misplaced; says nothing about whose another one is (ORG-02)."""
    address = IPv4Address(ip)
    if _is_maintenance(address):
        text = _("This address is reserved for maintenance (図2-34).")
        raise Misplaced("maintenance", text)
    found = segments.holding(address)
    _refuse_own_systems(address, found, segments, organisation_id)
    if found is None:
        text = _(
            "The address lies outside every registered segment. Check it, or ask network operations to register the segment."
        )
        raise Misplaced("outside", text)
    network, segment = found
    if segment.organisation_id != organisation_id:
        text = _("The address does not lie in a segment of your organisation.")
        raise Misplaced("other_organisation", text)
    if segment.purpose == Segment.Purpose.SERVER:
        text = _("%(network)s is a segment of servers. The guard covers client PCs and printers (T 2-39).")
        raise Misplaced("servers", text % {"network": network})
    if address in (network.network_address, network.broadcast_address):
        text = _("%(address)s is the network or broadcast address of %(network)s. No machine can have it.")
        raise Misplaced("edge", text % {"address": ip, "network": network})
    return segment


def _is_maintenance(address: IPv4Address) -> bool:
    first, second, third, fourth = address.packed
    reserved = first == 10 and second in _FEDERATIONS and (third, fourth) in _MAINTENANCE
    return reserved or address in _MAINTENANCE_LAN


def _refuse_own_systems(
    address: IPv4Address,
    found: tuple[Network, Segment] | None,
    segments: Segments,
    organisation_id: int,
) -> None:
    """MAC-05: nothing inside a segment of a 独自処理システム, registered or only named by the source.

    What another federation registered is not told (ORG-02): its address is refused as lying elsewhere.
    """
    first, second, third, fourth = address.packed
    figure = _OWN_SYSTEM.get(third) if first == 10 and second in _FEDERATIONS else None
    own = found is not None and found[1].organisation_id == organisation_id
    if found is not None and own and found[1].purpose == Segment.Purpose.OWN_SYSTEM:
        raise Misplaced("own_system", _own_system(str(found[0]), figure or "図2-32・図2-33"))
    if figure is None:
        return
    if third in _MAYBE_HALF and fourth >= _UPPER_HALF:
        if found is not None and found[0].prefixlen > 24:
            return  # operations gave the other half to something else
        lower = segments.holding(IPv4Address(bytes((first, second, third, 1))))
        is_own = lower is not None and lower[1].organisation_id == organisation_id
        if lower is not None and is_own and lower[0].prefixlen > 24:
            text = _(
                "10.%(second)d.%(third)d.0 is assigned as /25 here, so this address lies outside it (図2-33). Only the central association assigns the other half."
            )
            raise Misplaced("other_half", text % {"second": second, "third": third})
    raise Misplaced("own_system", _own_system(f"10.{second}.{third}.0", figure))


def _own_system(network: str, figure: str) -> str:
    return _(
        "%(network)s belongs to a 独自処理システム (%(figure)s). The guard does not cover it (CNS ⑤(e))."
    ) % {"network": network, "figure": figure}
