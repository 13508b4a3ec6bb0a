"""Which segments of the figures a federation can get, and what stands in them today (REQ-09)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from ipaddress import IPv4Network, ip_network

from portal.orgs import networks
from portal.orgs.models import Organisation
from portal.orgs.networks import Registered
from requests.networks.models import SegmentPool

_PREFECTURES = range(1, 48)
FREE, HALF, USED, AHEAD = "FREE", "HALF", "USED", "AHEAD"


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """A segment that could be given."""

    network: str
    vlan: int
    figure: str


@dataclass(frozen=True, kw_only=True)
class Place:
    """One row of the figures for one federation, with the segments that overlap it."""

    pool: SegmentPool
    network: IPv4Network
    held: tuple[Registered, ...]
    day: date

    @property
    def state(self) -> str:
        """FREE, USED, HALF (a half of it is free) or AHEAD (its first day is still to come)."""
        if not self.held:
            return FREE
        if self.pool.may_be_half and len(self.halves_left) == 1:
            return HALF
        return AHEAD if all(each.valid_from > self.day for each in self.held) else USED

    @property
    def halves_left(self) -> list[IPv4Network]:
        """The halves in which nothing stands."""
        halves = self.network.subnets(prefixlen_diff=1)
        return [half for half in halves if not any(_overlaps(half, each) for each in self.held)]


def prefecture_of(organisation: Organisation) -> int | None:
    """P of the figures; None for an organisation without a prefecture number."""
    number = int(organisation.code) if organisation.code.isdecimal() else 0
    return number if number in _PREFECTURES else None


def places(
    organisation: Organisation, rows: Iterable[SegmentPool], live: Sequence[Registered], day: date
) -> list[Place]:
    """The rows of the figures for one federation; none for an organisation without a prefecture number."""
    number = prefecture_of(organisation)
    if number is None:
        return []
    mine = [each for each in live if each.network.startswith(f"10.{number}.")]
    wide = [each for each in live if int(each.network.rpartition("/")[2]) < 16]
    found = []
    for row in rows:
        network = IPv4Network(f"10.{number}.{row.octet}.0/24")
        held = tuple(each for each in (*mine, *wide) if _overlaps(network, each))
        found.append(Place(pool=row, network=network, held=held, day=day))
    return found


def candidates(organisation: Organisation, use: str, prefix: int, day: date) -> list[Candidate]:
    """What is free for this use and size, in the order of the figures; a half beside a used one first."""
    rows = SegmentPool.objects.filter(use=use)
    found: list[tuple[bool, Candidate]] = []
    for place in places(organisation, rows, networks.the_register().live(day), day):
        if prefix == 25:
            free = place.halves_left if place.pool.may_be_half else []
        else:
            free = [] if place.held else [place.network]
        for network in free:
            made = Candidate(network=str(network), vlan=place.pool.vlan, figure=place.pool.figure)
            found.append((place.state != HALF, made))
    return [each for _whole, each in sorted(found, key=lambda pair: pair[0])]


def own_segments(organisation: Organisation, day: date) -> list[Registered]:
    """The segments of 独自処理システム that a federation holds and has not given back."""
    live = networks.the_register().live(day)
    mine = [each for each in live if each.organisation_id == organisation.pk]
    return [each for each in mine if each.is_own_system and each.valid_until is None]


def _overlaps(network: IPv4Network, held: Registered) -> bool:
    return network.overlaps(ip_network(held.network))
