"""DNS in the demonstration, made through the portal's own services: two zones, and tickets done and waiting."""

from __future__ import annotations

from typing import Any

from django.utils import timezone

from portal.fulfilment import services as fulfilment
from portal.gateways import dns_factory
from portal.gateways.dns import DnsError
from portal.orgs.models import Organisation, User
from portal.orgs.permissions import FEDERATIONS, OrganisationKind, Role
from requests.demo.people import approve, holder, submitted
from requests.zones import refresh
from requests.zones import selectors as zones
from requests.zones.owners import KIND, TARGET
from requests.zones.services import ZoneRefused, add_zone

_DOMAIN, _REVERSE = "kokuho.pr", "10.in-addr.arpa"


def tell(*, federations: int) -> int:
    """Register the zones and let so many federations apply; how many did. Without DNS servers there is no story."""
    try:
        dns_factory.get_dns().zones()
    except DnsError:
        return 0
    operator = holder(Role.OPERATOR, Organisation.objects.get(kind=OrganisationKind.OPERATIONS))
    if operator is None or zones.live_zones(timezone.localdate()).exists():
        return 0
    for name in (_DOMAIN, _REVERSE):
        try:
            add_zone(name=name, organisation=None, is_open=True, actor=operator, now=timezone.now())
        except ZoneRefused:
            return 0
    refresh.refresh_all(now=timezone.now())
    staffed = Organisation.objects.filter(
        kind__in=FEDERATIONS, memberships__role=Role.SECURITY_MANAGER
    ).distinct()
    return sum(
        _tickets(organisation, operator) for organisation in staffed.order_by("sort_order")[:federations]
    )


def _tickets(organisation: Organisation, operator: User) -> bool:
    """One ticket that was carried out, and one that waits for the federation's approver."""
    applicant, approver = (holder(role, organisation) for role in (Role.APPLICANT, Role.APPROVER))
    if applicant is None or approver is None:
        return False
    host, network = f"kk{organisation.code}-web.{_DOMAIN}", f"10.{int(organisation.code)}.82"
    done = submitted(
        KIND,
        organisation,
        applicant,
        "独自処理システムのWebサーバを設置するため。",
        _line("A", host, f"{network}.10", with_ptr=True),
        _line("TXT", f"kk{organisation.code}-info.{_DOMAIN}", "owner=johosystem"),
    )
    approve(done, approver)
    approve(done, operator)
    fulfilment.drain(TARGET, now_fn=timezone.now)
    alias = _line("CNAME", f"kk{organisation.code}-portal.{_DOMAIN}", host)
    submitted(KIND, organisation, applicant, "利用者に案内する名前を用意するため。", alias)
    return True


def _line(record_type: str, name: str, value: str, *, with_ptr: bool = False) -> dict[str, Any]:
    return {
        "action": "ADD",
        "type": record_type,
        "name": name,
        "value": value,
        "old_value": "",
        "ttl": 3600,
        "with_ptr": with_ptr,
    }
