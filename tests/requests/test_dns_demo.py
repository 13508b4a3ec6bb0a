"""The demonstration has zones, a ticket that was carried out and one that waits, made by the portal's own services."""

from __future__ import annotations

import pytest

from portal.workflow.models import Application, Status
from requests.demo import story
from requests.zones.models import DnsRecord
from requests.zones.owners import KIND
from tests import factories
from tests.devices import world as devices
from tests.fake_dns import FakeDns
from tests.requests.world import Cast

pytestmark = pytest.mark.django_db


def test_the_demonstration_tells_of_dns(dns: FakeDns, monkeypatch: pytest.MonkeyPatch) -> None:
    from portal.gateways import dns_factory

    made = FakeDns(zone_names=("kokuho.pr", "10.in-addr.arpa"))
    monkeypatch.setattr(dns_factory, "get_dns", lambda: made)
    devices.segment("13", network="10.13.82.0/24", purpose="OWN_SYSTEM")
    Cast()
    factories.user("SECURITY_MANAGER")

    assert story.tell(federations=1) == 1
    assert story.tell(federations=1) == 0  # what is there stays

    assert sorted(Application.system.filter(kind=KIND).values_list("status", flat=True)) == [
        Status.COMPLETED,
        Status.IN_REVIEW,
    ]
    assert set(DnsRecord.system.values_list("organisation__code", flat=True)) == {"13"}
