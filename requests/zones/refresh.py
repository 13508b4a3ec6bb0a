"""Reading the zones from the servers into the register: on schedule, on demand and after each change (REQ-05)."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from portal.common.text import search_key
from portal.common.time import today
from portal.gateways import dns_factory
from portal.gateways.dns import DnsError, RecordSet, ZoneMissing
from portal.orgs.models import Organisation
from portal.orgs.permissions import OrganisationKind
from requests.zones import selectors
from requests.zones.models import DnsRecord, DnsZone
from requests.zones.owners import owners

_POINTING = frozenset({"CNAME", "PTR", "NS"})
_LAST_WORD = frozenset({"SRV", "MX"})
_KEPT = ("organisation", "ttl", "target", "seen_at", "search_text")


def refresh_all(*, now: datetime) -> str:
    """Read every registered zone; says how many could not be read."""
    failed = sum(not refresh_zone(zone=zone, now=now) for zone in selectors.live_zones(today(now)))
    if not failed:
        return ""
    return ngettext("%(count)d zone could not be read", "%(count)d zones could not be read", failed) % {
        "count": failed
    }


def refresh_zone(*, zone: DnsZone, now: datetime) -> bool:
    """Read one zone; records that are gone from the server go. A broken reading changes what it saw and removes nothing."""
    try:
        dns = dns_factory.get_dns()
        found = next((each for each in dns.zones() if each.name == zone.name), None)
        if found is None:
            raise ZoneMissing
        for sets in dns.read_zone(zone.name):
            _keep(zone, sets, now)
    except DnsError as error:
        DnsZone.objects.filter(pk=zone.pk).update(problem=_problem(error)[:500])
        return False
    zone.records.filter(seen_at__lt=now).delete()
    DnsZone.objects.filter(pk=zone.pk).update(refreshed_at=now, problem="", negative_ttl=found.negative_ttl)
    return True


def note_names(
    *, zone: DnsZone, names: Mapping[str, Sequence[RecordSet]], now: datetime, organisation_id: int
) -> None:
    """After changes: enter what each name holds now; what nobody else is known to hold is the applicant's."""
    _keep(zone, [found for sets in names.values() for found in sets], now, organisation_id)
    zone.records.filter(name__in=names, seen_at__lt=now).delete()


def _keep(
    zone: DnsZone, sets: Sequence[RecordSet], now: datetime, organisation_id: int | None = None
) -> None:
    """Enter these record sets; those of one name are together."""
    names: dict[str, list[RecordSet]] = {}
    for each in sets:
        names.setdefault(each.name, []).append(each)
    held = owners(names, today(now))
    organisations = _organisations(held)
    keeper = organisation_id or zone.organisation_id or _operations_id()
    rows = []
    for name, own in names.items():
        whose = next(iter(held[name])) if len(held[name]) == 1 else keeper
        code = organisations.get(whose, "")
        rows += [_row(zone, each, value, whose, code, now) for each in own for value in each.values]
    DnsRecord.system.bulk_create(
        sorted(rows, key=lambda row: (row.name, row.type, row.value_digest)),  # two never wait for each other
        update_conflicts=True,
        unique_fields=["zone", "name", "type", "value_digest"],
        update_fields=_KEPT,
        batch_size=500,
    )


def _row(zone: DnsZone, found: RecordSet, value: str, whose: int, code: str, now: datetime) -> DnsRecord:
    return DnsRecord(
        zone=zone,
        organisation_id=whose,
        name=found.name,
        type=found.type,
        ttl=found.ttl,
        value=value,
        target=target_of(found.type, value),
        value_digest=hashlib.sha256(value.encode()).hexdigest(),
        seen_at=now,
        search_text=search_key(found.name, found.type, value[:1000], code),
    )


def target_of(record_type: str, value: str) -> str:
    """The name that a record points at; "" when it points at none."""
    if record_type in _POINTING:
        return value.removesuffix(".").lower()[:253]
    if record_type in _LAST_WORD and value:
        return value.split()[-1].removesuffix(".").lower()[:253]
    return ""


def _organisations(held: Mapping[str, Iterable[int]]) -> dict[int, str]:
    ids = {pk for found in held.values() for pk in found}
    return dict(Organisation.objects.filter(pk__in=ids).values_list("pk", "short_name")) if ids else {}


def _operations_id() -> int:
    found = Organisation.objects.filter(kind=OrganisationKind.OPERATIONS).order_by("pk")
    return found.values_list("pk", flat=True)[0]


def _problem(error: DnsError) -> str:
    if isinstance(error, ZoneMissing):
        return _("The DNS server does not hold this zone.")
    return _("The zone could not be read completely (%(code)s).") % {
        "code": error.code or type(error).__name__
    }
