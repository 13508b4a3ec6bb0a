"""Reading the whitelist within a person's scope (ORG-02)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import UUID

from django.db.models import F, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy

from devices.computers.models import Computer
from devices.selectors import readable
from devices.whitelist.addresses import AddressRefused, parse_ip, parse_mac
from devices.whitelist.models import LocalAddress, WhitelistEntry, WhitelistEvent
from portal.common.search import matching
from portal.common.time import JST
from portal.orgs.models import User
from portal.orgs.permissions import ACCEPT_LOCAL, APPLY

_State = WhitelistEntry.State
# What the filter of the guard's progress offers (MAC-07).
PROGRESS: Mapping[str, Any] = {
    "not_exported": gettext_lazy("not handed to the guard yet"),
    "not_verified": gettext_lazy("not verified at the guard yet"),
    "verified": gettext_lazy("verified at the guard"),
}
_PROGRESS: Mapping[str, Q] = {
    "not_exported": Q(state=_State.APPROVED, exported_at=None),
    "not_verified": Q(state=_State.APPROVED, verified_at=None),
    "verified": Q(state=_State.APPROVED, verified_at__isnull=False),
}


def entries(
    user: User,
    q: str = "",
    *,
    state: str = "",
    organisation: str = "",
    progress: str = "",
    ends: str = "",
    segment: str = "",
) -> QuerySet[WhitelistEntry]:
    """The entries that this person may see; `q` finds addresses in any spelling, machines, places and makers."""
    rows = readable(user, WhitelistEntry.objects.visible_to(user))
    rows = rows.select_related("organisation", "computer__kind", "computer__operating_system", "segment")
    if state in _State.values:
        rows = rows.filter(state=state)
    if organisation:
        rows = rows.filter(organisation__code=organisation)
    if segment:
        rows = rows.filter(segment__network=segment)
    if progress in _PROGRESS:
        rows = rows.filter(_PROGRESS[progress])
    if ends == "soon":
        today = timezone.localdate()
        rows = rows.filter(
            state=_State.APPROVED, valid_until__gte=today, valid_until__lte=today + timedelta(days=30)
        )
    address = address_of(q)
    if address:
        return rows.filter(**address)  # type: ignore[no-any-return]
    return matching(rows, q)


def entry(user: User, uid: UUID) -> WhitelistEntry:
    """One entry; raises WhitelistEntry.DoesNotExist also for another federation's (ORG-02)."""
    found: WhitelistEntry = (
        entries(user)
        .select_related("approved_by", "last_line__application", "line__application", "replaced_by")
        .get(uid=uid)
    )
    return found


def history_of(user: User, entry: WhitelistEntry) -> QuerySet[WhitelistEvent]:
    """What happened to an entry, newest first."""
    return WhitelistEvent.objects.visible_to(user).filter(entry=entry).order_by("-id")


def same_addresses(user: User, entry: WhitelistEntry) -> QuerySet[WhitelistEntry]:
    """Earlier and later entries with the same MAC or IP address, newest first, as far as the person sees them."""
    same = Q(mac=entry.mac) | Q(ip=entry.ip)
    return entries(user).filter(same).exclude(pk=entry.pk).order_by("-approved_at")


def entries_of(user: User, computer: Computer) -> QuerySet[WhitelistEntry]:
    """The entries of a machine, the live ones first."""
    return entries(user).filter(computer=computer).order_by(F("ended_at").desc(nulls_first=True), "-id")


def holders(user: User, *, address: str, day: date) -> QuerySet[WhitelistEntry]:
    """Who had this MAC or IP address at any time of that day in Japan; operations ask about the country (MAC-06).

    Raises AddressRefused when the text is neither.
    """
    found = address_of(address)
    if not found:
        try:
            found = {"mac": parse_mac(address)}
        except AddressRefused as error:
            text = gettext_lazy("Enter a whole MAC or IP address.")
            raise AddressRefused("neither", str(text)) from error
    begin = datetime.combine(day, time(), JST)
    end = begin + timedelta(days=1)
    rows = entries(user).filter(**found, approved_at__lt=end)
    rows = rows.filter(Q(ended_at=None) | Q(ended_at__gte=begin))
    return rows.select_related("line__application").order_by("approved_at")


def address_of(text: str) -> dict[str, str]:
    """The filter for a text that is a whole MAC or IP address; nothing for anything else."""
    for field, parse in (("mac", parse_mac), ("ip", parse_ip)):
        try:
            return {field: parse(text)}
        except AddressRefused:
            continue
    return {}


def actions_of(user: User, entry: WhitelistEntry) -> list[str]:
    """What the page of an entry offers this person to apply for."""
    offered = entry.is_live and user.may(APPLY, entry.organisation_id)
    return ["REPLACE", "REMOVE"] if offered else []


def may_add(user: User, computer: Computer) -> bool:
    """Whether the page of a machine offers to apply for an entry; submission checks again."""
    in_use = computer.state == Computer.State.IN_USE and computer.kind.is_guarded
    return in_use and user.may(APPLY, computer.organisation_id)


def local_addresses(user: User) -> QuerySet[LocalAddress]:
    """The local addresses that operations accepted, as far as the person sees them, newest first."""
    rows = readable(user, LocalAddress.objects.visible_to(user))
    return rows.select_related("organisation", "accepted_by", "ended_by").order_by("-id")  # type: ignore[no-any-return]


def may_accept(user: User) -> bool:
    """Whether this person accepts local addresses."""
    return user.may(ACCEPT_LOCAL)
