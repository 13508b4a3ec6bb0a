"""Changing a segment: the old row ends, another one begins today. Nothing that was in force is overwritten (MAC-05)."""

from __future__ import annotations

import ipaddress
from datetime import datetime, timedelta

from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from devices.computers.models import Computer, Segment
from devices.guard import waking
from devices.segments import services
from devices.segments.services import SegmentRefused
from devices.whitelist.models import WhitelistEntry
from portal.common.time import today
from portal.orgs.models import User
from portal.trail import services as trail

FIELDS = ("network", "purpose", "vlan", "note")
_UNCOVERED = (Segment.Purpose.OWN_SYSTEM, Segment.Purpose.SERVER)


class EntriesOutside(SegmentRefused):
    """Live entries would lie outside: somebody has to say that it is meant so."""

    def __init__(self, count: int) -> None:
        text = ngettext(
            "%(count)d live whitelist entry of this segment would lie outside it. Confirm that it is meant so.",
            "%(count)d live whitelist entries of this segment would lie outside it. Confirm that it is meant so.",
            count,
        )
        super().__init__("confirmed", text % {"count": count})


@transaction.atomic
def change_segment(
    *,
    segment_id: int,
    network: str,
    purpose: str,
    vlan: int | None,
    note: str,
    confirmed: bool,
    actor: User,
    now: datetime,
) -> Segment:
    """From today on the segment is another one; its machines and live entries follow. Unchanged is unchanged.

    Entries that would lie outside keep the old row, once that was confirmed. Raises NotAllowed, SegmentRefused.
    """
    services.require(actor)
    old: Segment = Segment.system.select_for_update(of=("self",)).get(pk=segment_id)
    if old.valid_until is not None:
        raise SegmentRefused("network", _("This segment has ended. Register another one."))
    found = services.parse_network(network)
    if old.is_ipv6 != (found.version == 6):
        text = _("A segment of IPv4 does not become one of IPv6, nor the other way. Register another one.")
        raise SegmentRefused("network", text)
    values = {"network": str(found), "purpose": purpose, "vlan": vlan, "note": note}
    before = {name: getattr(old, name) for name in FIELDS}
    if values == before:
        return old
    services.refuse_overlaps(found, besides=old)
    services.refuse_live_entries(found, old.organisation, purpose)
    _refuse_uncovered(old, purpose)
    inside = _inside(old, found, confirmed=confirmed)
    old.valid_until = max(today(now) - timedelta(days=1), old.valid_from)
    old.save(update_fields=["valid_until", "updated_at"])
    try:
        with transaction.atomic():
            new: Segment = Segment.system.create(
                organisation=old.organisation, valid_from=today(now), registered_by=actor, **values
            )
    except IntegrityError as error:
        raise SegmentRefused("network", _("This segment is registered already.")) from error
    WhitelistEntry.system.filter(pk__in=inside).update(segment=new, updated_at=now)
    Computer.system.filter(segment=old, state=Computer.State.IN_USE).update(segment=new, updated_at=now)
    if inside:
        waking.entries_written()  # the lists of the guards name the segment and its VLAN
    trail.record(
        action="segment.change",
        now=now,
        actor=actor,
        object_type="segment",
        object_id=new.pk,
        object_label=new.network,
        object_organisation_id=new.organisation_id,
        detail={"before": before, "after": values, "entries": len(inside)},
    )
    return new


def _refuse_uncovered(old: Segment, purpose: str) -> None:
    """A segment with live entries does not become one that the guard does not cover, wherever they lie (MAC-05)."""
    if purpose not in _UNCOVERED or old.purpose in _UNCOVERED:
        return
    if _live().filter(Q(segment=old) | Q(computer__segment=old)).exists():
        text = _("Machines of this segment have live whitelist entries. Have them removed first.")
        raise SegmentRefused("purpose", text)


def _inside(old: Segment, found: services.Network, *, confirmed: bool) -> list[int]:
    """The live entries of the segment that lie in the new network. Raises EntriesOutside for others, unless confirmed."""
    rows = list(_live().filter(segment=old).values_list("pk", "ip"))
    inside = [pk for pk, ip in rows if ipaddress.IPv4Address(ip) in found]
    if len(inside) < len(rows) and not confirmed:
        raise EntriesOutside(len(rows) - len(inside))
    return inside


def _live() -> QuerySet[WhitelistEntry]:
    return WhitelistEntry.system.filter(state=WhitelistEntry.State.APPROVED)
