"""Zones, segments and the people of federation 13, with DNS servers in memory."""

from __future__ import annotations

from typing import Any

from django.utils import timezone

from portal.fulfilment import services as fulfilment
from portal.fulfilment.models import Operation
from portal.gateways import dns_factory
from portal.gateways.dns import Record, RecordSet
from portal.orgs.models import Organisation
from portal.workflow import services
from portal.workflow.content import Content
from portal.workflow.models import Application
from requests.zones.models import DnsZone
from requests.zones.owners import KIND, TARGET
from tests import factories, journeys
from tests.devices import world as devices
from tests.fake_dns import FakeDns

ZONE, REVERSE = "kokuho.pr", "82.13.10.in-addr.arpa"
Cast = journeys.Cast


def zone(name: str = ZONE, organisation: Organisation | None = None, **fields: Any) -> DnsZone:
    """A registered zone, open for tickets."""
    values = {"backend": "ad", "valid_from": factories.LONG_AGO, "negative_ttl": 900} | fields
    return DnsZone.objects.create(name=name, organisation=organisation, **values)


def country() -> None:
    """The two zones, and the 独自処理システム segments of two federations (図2-32)."""
    zone()
    zone(REVERSE)
    for code in ("13", "14"):
        devices.segment(code, network=f"10.{code}.82.0/24", purpose="OWN_SYSTEM")


def ipv6() -> None:
    """The reverse zone of IPv6, and a segment of each of the two federations."""
    zone("0.0.d.f.ip6.arpa")
    dns = dns_factory.get_dns()
    if isinstance(dns, FakeDns):
        dns.zone_names = (*dns.zone_names, "0.0.d.f.ip6.arpa")
    for code in ("13", "14"):
        devices.segment(code, network=f"fd00:{code}:82::/64", purpose="OWN_SYSTEM")


def record_set(name: str, kind: str, *values: str, ttl: int = 600) -> RecordSet:
    return RecordSet(f"{name}.{ZONE}" if "." not in name else name, kind, ttl, values)


def records(name: str, kind: str, *values: str, ttl: int = 600) -> tuple[Record, ...]:
    return record_set(name, kind, *values, ttl=ttl).records


def line(
    action: str = "ADD", name: str = "web1", kind: str = "A", value: str = "10.13.82.5", **more: Any
) -> dict[str, Any]:
    """The raw values of one line."""
    full = name if {".", ":"} & set(name) else f"{name}.{ZONE}"
    return {
        "action": action,
        "type": kind,
        "name": full,
        "value": value,
        "old_value": "",
        "ttl": None,
        "with_ptr": False,
    } | more


def submitted(cast: Cast, *lines: dict[str, Any]) -> Application:
    """A ticket that waits for the federation's approver."""
    draft = services.create_draft(
        kind=KIND,
        organisation_id=cast.applicant.organisation_id,
        actor=cast.applicant,
        content=Content(reason="独自処理システムの更改のため。", lines=lines),
        now=timezone.now(),
    )
    return services.submit(application_id=draft.pk, actor=cast.applicant, version=None, now=timezone.now())


def approved(cast: Cast, *lines: dict[str, Any]) -> Application:
    """A ticket that waits to be carried out."""
    application = submitted(cast, *lines)
    journeys.approve(application, cast.approver)
    return journeys.approve(application, cast.operator)


def carry_out(application: Application) -> Operation:
    """What a worker does; the operation of the first line."""
    fulfilment.drain(TARGET, now_fn=timezone.now)
    application.refresh_from_db()
    return journeys.operations(application)[0]
