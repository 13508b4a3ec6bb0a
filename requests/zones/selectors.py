"""Reading zones and records within a person's scope (ORG-02)."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date
from typing import Any

from django.db.models import Count, Q, QuerySet

from portal.common.search import matching
from portal.orgs.models import Organisation, User
from portal.orgs.permissions import READ_DNS
from requests.zones.models import DnsRecord, DnsZone

_ABOUT = 50
_BELOW = 500


def live_zones(day: date) -> QuerySet[DnsZone]:
    """The zones that are registered and not ended, whoever they belong to: for the portal itself."""
    rows = DnsZone.objects.filter(valid_from__lte=day, valid_until=None)
    return rows.select_related("organisation")


def zones(user: User) -> QuerySet[DnsZone]:
    """The zones that this person may see: the common ones, and those of organisations in which they read DNS."""
    rows = DnsZone.objects.select_related("organisation", "registered_by")
    if user.reads_everywhere(READ_DNS):
        return rows
    own = user.organisations_where(READ_DNS)
    return rows.filter(Q(organisation=None) | Q(organisation__in=own)) if own else rows.none()


def with_counts(rows: QuerySet[DnsZone], user: User) -> QuerySet[DnsZone]:
    """With how many of its records this person sees."""
    seen = (
        Q()
        if user.reads_everywhere(READ_DNS)
        else Q(records__organisation__in=user.organisations_where(READ_DNS))
    )
    return rows.annotate(seen_records=Count("records", filter=seen))


def organisations(user: User) -> list[Organisation]:
    """The organisations whose records this person can read, for the filter."""
    if user.reads_everywhere(READ_DNS):
        return list(Organisation.objects.all())
    return user.organisations_where(READ_DNS)


def records(
    user: User, q: str = "", *, zone: str = "", type: str = "", organisation: str = ""
) -> QuerySet[DnsRecord]:
    """The records that this person may see; all words of `q` in name, type, value or organisation."""
    own = user.organisations_where(READ_DNS)
    rows: Any = DnsRecord.objects.visible_to(user).select_related("organisation", "zone")
    if not own:
        return rows.none()  # type: ignore[no-any-return]
    if not user.reads_everywhere(READ_DNS):
        rows = rows.filter(organisation__in=own)
    exact = {"zone__name": zone, "type": type, "organisation__code": organisation}
    rows = rows.filter(**{name: value for name, value in exact.items() if value})
    return matching(rows, q)  # type: ignore[no-any-return]


def pointing_at(names: Collection[str]) -> QuerySet[DnsRecord]:
    """What points at these names, as the register knows it; for plans, which name those of others only by number."""
    return DnsRecord.system.filter(target__in=names).order_by("name", "type")


def names_below(name: str) -> list[tuple[str, int]]:
    """Names below a name with the organisation of their records, at most some hundred; for plans, as `pointing_at`."""
    rows = DnsRecord.system.filter(name__endswith=f".{name}").exclude(name__startswith="*.")
    return list(rows.order_by("name").values_list("name", "organisation_id").distinct()[:_BELOW])


def records_about(
    user: User, names: Collection[str], addresses: Collection[str], *, organisation_id: int
) -> QuerySet[DnsRecord]:
    """The records at these names, and the A and AAAA records of the organisation with these addresses, as the person may see them.

    For the page of one machine: at most fifty, in one statement.
    """
    at_address = Q(organisation_id=organisation_id, type__in=("A", "AAAA"), value__in=list(addresses))
    rows = records(user).filter(Q(name__in=list(names)) | at_address)
    return rows.order_by("name", "type", "pk")[:_ABOUT]
