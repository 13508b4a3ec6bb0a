"""The register of zones and records: who registers, who sees what, and what a reading keeps and removes (REQ-05, ORG-02)."""

from __future__ import annotations

import pytest
from django.urls import reverse
from django.utils import timezone

from portal.gateways.dns import DnsUnavailable
from portal.orgs.permissions import Role
from requests.zones import refresh, selectors, services
from requests.zones.models import DnsRecord, DnsZone
from tests import factories
from tests.fake_dns import FakeDns
from tests.requests import world
from tests.requests.world import Cast, line, records
from tests.roles import client_of

pytestmark = pytest.mark.django_db


def held() -> dict[str, str]:
    """Whose each name of the register is."""
    return dict(DnsRecord.system.values_list("name", "organisation__code"))


def test_req_05_operations_register_a_zone_that_the_servers_hold(cast: Cast, dns: FakeDns) -> None:
    DnsZone.objects.all().delete()
    dns.put(*records("web1", "A", "10.13.82.5"))
    browser = client_of(cast.operator)

    unknown = browser.post(reverse("dns_zone_list"), {"name": "example.jp"})
    found = browser.post(reverse("dns_zone_list"), {"name": "Kokuho.pr.", "is_open": "on"})
    again = browser.post(reverse("dns_zone_list"), {"name": "kokuho.pr"})

    assert (unknown.status_code, found.status_code, again.status_code) == (422, 302, 422)
    assert "82.13.10.in-addr.arpa" in unknown.content.decode()
    assert held() == {"web1.kokuho.pr": "13"}
    with pytest.raises(services.NotAllowed):
        services.add_zone(
            name=world.REVERSE, organisation=None, is_open=True, actor=cast.applicant, now=timezone.now()
        )


def test_org_02_a_record_belongs_to_whose_address_it_is_or_whose_ticket_made_it(
    cast: Cast, dns: FakeDns
) -> None:
    world.carry_out(world.approved(cast, line(name="text", kind="TXT", value="x")))
    dns.put(
        *records("web1", "A", "10.13.82.5"),
        *records("web1", "TXT", "with it"),
        *records("other", "A", "10.14.82.5"),
        *records(f"5.{world.REVERSE}", "PTR", "web1.kokuho.pr"),
        *records("nobody", "MX", "10 mail.kokuho.pr"),
    )

    refresh.refresh_all(now=timezone.now())

    assert held() == {
        "text.kokuho.pr": "13",
        "web1.kokuho.pr": "13",
        "other.kokuho.pr": "14",
        f"5.{world.REVERSE}": "13",
        "nobody.kokuho.pr": "operations",
    }
    seen = {record.name for record in selectors.records(cast.applicant)}
    assert "other.kokuho.pr" not in seen
    assert "nobody.kokuho.pr" not in seen
    assert {r.name for r in selectors.records(cast.applicant, "WEB1 txt")} == {"web1.kokuho.pr"}
    assert selectors.records(cast.operator).count() == 6


def test_req_05_a_reading_removes_what_is_gone_and_a_broken_one_removes_nothing(
    cast: Cast, dns: FakeDns
) -> None:
    zone = DnsZone.objects.get(name=world.ZONE)
    dns.put(*records("gone", "A", "10.13.82.5"), *records("stays", "A", "10.13.82.6"))
    refresh.refresh_zone(zone=zone, now=timezone.now())
    del dns.sets["gone.kokuho.pr", "A"]

    dns.faults["read_zone"] = [DnsUnavailable("", code="timeout")]
    assert not refresh.refresh_zone(zone=zone, now=timezone.now())
    zone.refresh_from_db()
    assert "timeout" in zone.problem
    assert set(held()) == {"gone.kokuho.pr", "stays.kokuho.pr"}

    assert refresh.refresh_zone(zone=zone, now=timezone.now())
    zone.refresh_from_db()
    assert (zone.problem, zone.negative_ttl) == ("", 900)
    assert set(held()) == {"stays.kokuho.pr"}


def test_req_05_a_zone_is_read_closed_opened_and_ended_on_its_page(cast: Cast, dns: FakeDns) -> None:
    zone = DnsZone.objects.get(name=world.ZONE)
    dns.put(*records("web1", "A", "10.13.82.5"))
    browser, page = client_of(cast.operator), reverse("dns_zone", args=[zone.pk])

    for step, is_open, count in (
        ("refresh", True, 1),
        ("close", False, 1),
        ("open", True, 1),
        ("end", False, 0),
    ):
        assert browser.post(page, {"step": step}).status_code == 302
        zone.refresh_from_db()
        assert (step, zone.is_open, zone.records.count()) == (step, is_open, count)
    assert browser.post(page, {"step": "open"}).status_code == 404
    assert zone not in selectors.live_zones(timezone.localdate())


def test_org_02_a_federation_sees_common_zones_and_its_own(cast: Cast) -> None:
    world.zone("kk14.example", factories.organisation("14"))
    world.zone("kk13.example", factories.organisation("13"))

    seen = {zone.name for zone in selectors.zones(cast.applicant)}

    assert seen == {world.ZONE, world.REVERSE, "kk13.example"}
    assert selectors.zones(factories.user(Role.USER)).count() == 0
    assert selectors.zones(cast.operator).count() == 4


def test_req_05_the_register_as_list_file_print_and_over_rest(cast: Cast, dns: FakeDns) -> None:
    dns.put(*records("web1", "A", "10.13.82.5"), *records("web2", "A", "10.14.82.5"))
    refresh.refresh_all(now=timezone.now())
    browser = client_of(cast.applicant)

    for name, query in (("list", ""), ("print", ""), ("export", "?format=csv"), ("export", "?format=xlsx")):
        answer = browser.get(reverse(f"dns_record_{name}") + query)
        assert answer.status_code == 200, name
        if query != "?format=xlsx":
            body = b"".join(answer.streaming_content) if answer.streaming else answer.content
            text = body.decode("utf-8-sig")
            assert "web1.kokuho.pr" in text
            assert "web2.kokuho.pr" not in text
    found = browser.get("/api/v1/dns/records/?zone=kokuho.pr&q=web").json()
    assert [item["value"] for item in found["results"]] == ["10.13.82.5"]
    assert {z["name"] for z in browser.get("/api/v1/dns/zones/").json()["results"]} == {
        world.ZONE,
        world.REVERSE,
    }


def test_req_12_the_applicant_reads_what_is_waited_for(cast: Cast, dns: FakeDns) -> None:
    application = world.approved(cast, line())
    dns.hold_back("10.0.0.2")
    world.carry_out(application)

    page = client_of(cast.applicant).get(reverse("application_detail", args=[application.number]))

    assert "反映済みです" in page.content.decode()


def test_req_12_the_applicant_reads_the_answers_and_rolls_back_with_one_click(
    cast: Cast, dns: FakeDns
) -> None:
    application = world.approved(cast, line())
    world.carry_out(application)
    browser = client_of(cast.applicant)

    page = browser.get(reverse("application_detail", args=[application.number])).content.decode()
    way_back = reverse("dns_rollback", args=[application.number])
    shown = browser.get(way_back).content.decode()
    made = browser.post(way_back)

    assert "変更後のDNSサーバの回答" in page
    assert "10.0.0.2" in page
    assert way_back in page
    assert "削除" in shown
    assert made.status_code == 302
    assert "/edit/" in made["Location"]
    assert browser.get(made["Location"]).status_code == 200
    assert client_of(cast.operator).get(way_back).status_code == 403
