"""Operations register the segments of a federation and end them; the source names none for clients and printers."""

from __future__ import annotations

import ipaddress
from datetime import datetime, timedelta

from django.db import IntegrityError, connection, transaction
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from devices.computers.models import Segment
from devices.whitelist.models import WhitelistEntry
from portal.common.time import today
from portal.orgs.models import Organisation, User
from portal.orgs.permissions import FEDERATIONS, MANAGE_SEGMENTS
from portal.trail import services as trail

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

# Maintenance NAT and LAN (図2-34): never inside a federation's segment of machines.
_RESERVED_ELSEWHERE = ipaddress.IPv4Network("192.168.255.0/24")
_ONE_AT_A_TIME = 7_207_051  # advisory lock: a row that another one is just adding cannot be locked


class SegmentRefused(Exception):
    """The segment cannot be registered; `reason` is a sentence, `field` where it belongs."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(reason)
        self.field, self.reason = field, reason


class NotAllowed(Exception):
    """Only people of operations do this."""


@transaction.atomic
def add_segment(
    *,
    organisation: Organisation,
    network: str,
    purpose: str,
    vlan: int | None,
    note: str,
    actor: User,
    now: datetime,
) -> Segment:
    """Register a segment, valid from today on. Raises NotAllowed, SegmentRefused."""
    require(actor)
    if organisation.kind not in FEDERATIONS:
        raise SegmentRefused("organisation", _("Only federations have segments of machines."))
    found = parse_network(network)
    refuse_overlaps(found)
    refuse_live_entries(found, organisation, purpose)
    try:
        with transaction.atomic():
            segment: Segment = Segment.system.create(
                organisation=organisation,
                network=str(found),
                purpose=purpose,
                vlan=vlan,
                note=note,
                valid_from=today(now),
                registered_by=actor,
            )
    except IntegrityError as error:
        raise SegmentRefused("network", _("This segment is registered already.")) from error
    record("segment.add", segment, actor, now)
    return segment


@transaction.atomic
def end_segment(*, segment_id: int, actor: User, now: datetime) -> Segment:
    """The segment is not offered any more; machines keep it. Ending it twice is ending it once. Raises NotAllowed."""
    require(actor)
    segment: Segment = Segment.system.select_for_update(of=("self",)).get(pk=segment_id)
    if segment.valid_until is None:
        segment.valid_until = max(today(now) - timedelta(days=1), segment.valid_from)
        segment.save(update_fields=["valid_until", "updated_at"])
        record("segment.end", segment, actor, now)
    return segment


def parse_network(text: str) -> Network:
    """A network as 10.13.20.0/24, from /16 to /30, or as fd00:13:82::/64, from /48 to /64. Raises SegmentRefused."""
    if ":" in text:
        return _parse_ipv6(text)
    try:
        found = ipaddress.IPv4Network(text)
    except ValueError as error:
        text = _("Enter a network such as 10.13.20.0/24, without leading zeros.")
        raise SegmentRefused("network", text) from error
    if not found.is_private or found.overlaps(_RESERVED_ELSEWHERE):
        raise SegmentRefused(
            "network", _("Enter a private network; 192.168.255.0/24 belongs to maintenance.")
        )
    if not 16 <= found.prefixlen <= 30:
        raise SegmentRefused("network", _("A segment is between /16 and /30."))
    return found


def _parse_ipv6(text: str) -> ipaddress.IPv6Network:
    """Addresses that a machine can have anywhere; DNS alone asks for them (REQ-05)."""
    try:
        found = ipaddress.IPv6Network(text)
    except ValueError as error:
        text = _("Enter a network such as fd00:13:82::/64, with zeros behind its prefix.")
        raise SegmentRefused("network", text) from error
    is_odd = found.is_link_local or found.is_multicast or found.is_reserved or found.is_site_local
    if is_odd or found.network_address.ipv4_mapped is not None:
        text = _("No machine can have an address of this network (link-local, multicast, reserved).")
        raise SegmentRefused("network", text)
    if not 48 <= found.prefixlen <= 64:
        raise SegmentRefused("network", _("A segment of IPv6 is between /48 and /64."))
    return found


def refuse_overlaps(found: Network, besides: Segment | None = None) -> None:
    """Two live segments never overlap, whoever they belong to. Raises SegmentRefused."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_ONE_AT_A_TIME])
    for other in Segment.system.filter(valid_until=None):
        if other != besides and found.overlaps(ipaddress.ip_network(other.network)):
            raise SegmentRefused("network", _("It overlaps a segment that is registered already."))


def refuse_live_entries(found: Network, organisation: Organisation, purpose: str) -> None:
    """Entries from a segment that ended would go on where the guard covers nothing, or another federation stands (MAC-05).

    Raises SegmentRefused.
    """
    if found.version != 4:
        return  # the whitelist holds addresses of IPv4
    first, second, *_rest = found.network_address.packed
    live = WhitelistEntry.system.filter(
        state=WhitelistEntry.State.APPROVED, ip__startswith=f"{first}.{second}."
    )
    if purpose not in (Segment.Purpose.OWN_SYSTEM, Segment.Purpose.SERVER):
        live = live.exclude(organisation=organisation)
    count = sum(ipaddress.IPv4Address(ip) in found for ip in live.values_list("ip", flat=True))
    if count:
        text = ngettext(
            "%(count)d live whitelist entry lies in this network. Have it removed first.",
            "%(count)d live whitelist entries lie in this network. Have them removed first.",
            count,
        )
        raise SegmentRefused("network", text % {"count": count})


def require(actor: User) -> None:
    """Raises NotAllowed for anybody but people of operations."""
    if not actor.may(MANAGE_SEGMENTS):
        raise NotAllowed("only people of operations register segments")


def record(action: str, segment: Segment, actor: User | None, now: datetime) -> None:
    """What happened to a segment, in the trail."""
    trail.record(
        action=action,
        now=now,
        actor=actor,
        object_type="segment",
        object_id=segment.pk,
        object_label=segment.network,
        object_organisation_id=segment.organisation_id,
        detail={"purpose": segment.purpose},
    )
