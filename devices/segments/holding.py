"""Tells other rooms which segment holds an address (portal.orgs.networks)."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date
from ipaddress import ip_address

from devices.computers.models import Segment
from devices.whitelist.placement import Segments
from portal.orgs.networks import Holder


def holders(addresses: Collection[str], day: date) -> dict[str, Holder]:
    """The segment of each address that lies in one on that day."""
    segments = Segments.read(day)
    found: dict[str, Holder] = {}
    for text in addresses:
        held = segments.holding(ip_address(text))
        if held is not None:
            network, segment = held
            found[text] = Holder(
                organisation_id=segment.organisation_id,
                network=str(network),
                is_own_system=segment.purpose == Segment.Purpose.OWN_SYSTEM,
            )
    return found
