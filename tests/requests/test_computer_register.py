"""The register of computer objects: what a reading finds, who sees what, and the cards on the page of a PC (REQ-02, ORG-02)."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from portal.gateways.directory import DirectoryError, DirectoryUnavailable
from portal.orgs.permissions import Role
from requests.computers import refresh, removing
from requests.computers.models import ComputerObject
from requests.zones.models import DnsRecord
from tests import factories, fakes
from tests.devices import world as devices
from tests.devices.whitelist import corpus
from tests.fake_dns import FakeDns
from tests.requests import computers, world
from tests.requests.computers import REMOVE_KIND, Cast, unit
from tests.roles import client_for, client_of

pytestmark = pytest.mark.django_db
PC = "KK13-PC1"


@pytest.fixture
def directory(monkeypatch: pytest.MonkeyPatch) -> fakes.FakeDirectory:
    return fakes.use_directory(monkeypatch)


def states() -> dict[str, tuple[str, str]]:
    """What the register says of each name."""
    rows = ComputerObject.system.order_by("pk").select_related("organisation")
    return {row.name: (row.organisation.code, row.state) for row in rows}


def verbs(name: str = PC) -> list[str]:
    return [event.verb for event in computers.row(name).events.all()]


# --- Reading ------------------------------------------------------------------------------------------------------------
def test_req_02_a_reading_finds_what_lies_below_each_organisation_and_what_others_changed(
    directory: fakes.FakeDirectory, db: None
) -> None:
    for code in ("13", "14"):
        factories.organisation(code)
    first = directory.add_computer("kk13-pc1", operating_system="Windows 10")
    second = directory.add_computer("KK14-PC1", unit("Floor,OU=Computers", "14"))
    directory.add_computer("OUTSIDE", "CN=Computers,DC=kokuho,DC=pr")
    began = timezone.now()

    assert refresh.refresh_all(now=began) == "2"
    directory.put_computer(first, enabled=False, description="故障")
    directory.delete_computer(second.guid)
    refresh.refresh_all(now=began + timedelta(hours=12))
    refresh.refresh_all(now=began + timedelta(hours=24))

    assert states() == {PC: ("13", "DISABLED"), "KK14-PC1": ("14", "REMOVED")}
    assert verbs() == ["FOUND", "CHANGED"]
    assert verbs("KK14-PC1") == ["FOUND", "GONE"]
    changed = computers.row().events.last()
    assert changed is not None
    assert [(c["before"], c["after"]) for c in changed.changes] == [([""], ["故障"]), (["使用中"], ["無効"])]


def test_req_02_a_name_that_came_back_by_hand_stands_at_the_new_object(
    directory: fakes.FakeDirectory, db: None
) -> None:
    factories.organisation("13")
    old, now = directory.add_computer(PC), timezone.now()
    refresh.refresh_all(now=now)
    directory.delete_computer(old.guid)
    new = directory.add_computer(PC)

    refresh.refresh_all(now=now + timedelta(hours=12))

    rows = ComputerObject.system.filter(name=PC).order_by("pk")
    assert [(row.object_guid, row.state) for row in rows] == [(old.guid, "REMOVED"), (new.guid, "ENABLED")]


@pytest.mark.parametrize("fault", [DirectoryUnavailable(code="down"), DirectoryError(code="1")])
def test_req_02_a_broken_reading_removes_nothing(
    directory: fakes.FakeDirectory, db: None, fault: Exception
) -> None:
    factories.organisation("13")
    directory.add_computer(PC)
    refresh.refresh_all(now=timezone.now())
    directory.computers.clear()
    directory.faults["next_page" if fault.args == ("1 ",) else "scan_computers"] = [fault]

    told = refresh.refresh_all(now=timezone.now())

    assert fault.code in told  # type: ignore[attr-defined]
    assert states() == {PC: ("13", "ENABLED")}


def test_req_02_what_waits_for_its_removal_stays_so_unless_somebody_took_it_back(
    directory: fakes.FakeDirectory,
) -> None:
    old = directory.add_computer(PC)
    computers.done(Cast(), REMOVE_KIND, PC)
    later = timezone.now() + timedelta(hours=12)

    refresh.refresh_all(now=later)
    assert states() == {PC: ("13", "DELETED")}
    directory.put_computer(old, enabled=True, dn=f"CN={PC},{unit('Computers')}")
    refresh.refresh_all(now=later + timedelta(hours=12))

    row = computers.row()
    assert (row.state, row.remove_on, row.before_deletion) == ("ENABLED", None, {})
    assert removing.enqueue_removals(now=timezone.now() + timedelta(days=90)) == 0


def test_req_02_what_fulfilment_wrote_since_the_reading_began_stays(
    directory: fakes.FakeDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    began, crew = timezone.now(), Cast()
    directory.add_computer(PC)
    refresh.refresh_all(now=began)
    seen = [list(directory.computers.values())]
    computers.done(crew, REMOVE_KIND, PC)
    monkeypatch.setattr(directory, "scan_computers", lambda base: iter(seen))

    refresh.refresh_all(now=began + timedelta(microseconds=1))

    assert states() == {PC: ("13", "DELETED")}


def test_req_02_a_reading_of_many_costs_few_statements(directory: fakes.FakeDirectory, db: None) -> None:
    factories.organisation("13")

    def cost(count: int) -> int:
        for _ in range(count):
            directory.add_computer(f"KK13-{uuid.uuid4().hex[:9]}")
        refresh.refresh_all(now=timezone.now())
        with CaptureQueriesContext(connection) as queries:
            refresh.refresh_all(now=timezone.now())
        return len(queries)

    assert cost(3) == cost(60)


# --- Screens ------------------------------------------------------------------------------------------------------------
def test_org_02_the_register_as_list_file_print_and_over_rest(directory: fakes.FakeDirectory) -> None:
    own = computers.entered(PC, description="審査課", operating_system="Windows 10")
    other = computers.entered("KK14-PC1", "14")
    browser = client_for(Role.SECURITY_OFFICER)

    for name, query in (("list", ""), ("print", ""), ("export", "?format=csv"), ("export", "?format=xlsx")):
        answer = browser.get(reverse(f"computer_object_{name}") + query)
        assert answer.status_code == 200, name
        if query != "?format=xlsx":
            body = b"".join(answer.streaming_content) if answer.streaming else answer.content  # type: ignore[attr-defined]
            text = body.decode("utf-8-sig")
            assert PC in text
            assert other.name not in text
    assert browser.get(reverse("computer_object", args=[own.object_guid])).status_code == 200
    for guid in (other.object_guid, uuid.uuid4()):
        assert browser.get(reverse("computer_object", args=[guid])).status_code == 404
    found = browser.get("/api/v1/computers/objects/?q=審査&state=ENABLED&made=others").json()
    assert [item["name"] for item in found["results"]] == [PC]
    assert browser.get("/api/v1/computers/objects/?state=NONSENSE").status_code == 400
    assert client_for(Role.USER).get(reverse("computer_object_list")).status_code == 403


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"q": "ｋｋ１３　審査"}, True),
        ({"state": "ENABLED"}, True),
        ({"made": "portal"}, False),
        ({"q": "no such"}, False),
    ],
)
def test_req_02_filters_narrow_the_list(query: dict[str, str], found: bool) -> None:
    computers.entered(PC, description="審査課")

    page = client_for(Role.APPROVER).get(reverse("computer_object_list"), query).content.decode()

    assert (PC in page) is found


def test_req_02_a_list_costs_the_same_at_1_and_at_30_rows() -> None:
    browser = client_for(Role.SECURITY_OFFICER)

    def cost() -> int:
        browser.get(reverse("computer_object_list"))
        with CaptureQueriesContext(connection) as queries:
            browser.get(reverse("computer_object_list"))
        return len(queries)

    computers.entered(PC)
    one = cost()
    for n in range(29):
        computers.entered(f"KK13-N{n}")
    assert cost() == one


def test_req_02_the_page_tells_what_ad_says_now_and_offers_what_can_be_applied_for(
    directory: fakes.FakeDirectory,
) -> None:
    crew = Cast()
    directory.add_computer(PC, operating_system="Windows 10")
    computers.done(crew, REMOVE_KIND, PC)
    row, browser = computers.row(), client_of(crew.applicant)

    def page() -> str:
        return browser.get(reverse("computer_object", args=[row.object_guid])).content.decode()

    shown = page()
    assert "コンピュータオブジェクト復元" in shown
    assert "/applications/new/requests.computer_add/" not in shown
    assert "完全削除の予定日" in shown
    assert "Windows 10" in shown
    directory.faults["find_computer_by_guid"] = [DirectoryUnavailable]
    assert "照会できませんでした" in page()
    directory.computers.clear()
    assert "次回の読み取り" in page()


# --- The page of a PC ---------------------------------------------------------------------------------------------------
def record(name: str, kind: str, value: str, code: str = "13", zone: Any = None) -> DnsRecord:
    made: DnsRecord = DnsRecord.system.create(
        zone=zone,
        organisation=factories.organisation(code),
        name=name,
        type=kind,
        ttl=3600,
        value=value,
        value_digest=uuid.uuid4().hex,
        seen_at=timezone.now(),
    )
    return made


def test_req_13_the_page_of_a_pc_shows_its_computer_object_and_its_dns(
    cast: world.Cast, dns: FakeDns, directory: fakes.FakeDirectory
) -> None:
    from requests.zones.models import DnsZone

    common, reverse_zone = (DnsZone.objects.get(name=name) for name in (world.ZONE, world.REVERSE))
    private = world.zone("own.kokuho.pr", factories.organisation("14"))
    machine = devices.computer(PC)
    corpus.entry(machine, devices.segment(network="10.13.82.0/25"), "00:0d:5e:13:00:01", "10.13.82.5")
    computers.entered(PC)
    record("kk13-pc1.kokuho.pr", "A", "10.13.82.5", zone=common)
    record("5.82.13.10.in-addr.arpa", "PTR", "kk13-pc1.kokuho.pr", zone=reverse_zone)
    record("alias.kokuho.pr", "A", "10.13.82.5", zone=common)
    for name, value, code in (
        ("kk13-pc1.own.kokuho.pr", "10.14.0.1", "14"),
        ("stranger.kokuho.pr", "10.13.82.5", "14"),
        ("kk13-pc2.kokuho.pr", "10.13.82.6", "13"),
    ):
        record(name, "A", value, code, private if "own" in name else common)

    page = client_of(cast.applicant).get(reverse("computer_detail", args=[machine.uid])).content.decode()

    for text in (
        "kk13-pc1.kokuho.pr",
        "5.82.13.10.in-addr.arpa",
        "alias.kokuho.pr",
        "コンピュータオブジェクト",
    ):
        assert text in page
    for text in ("own.kokuho.pr", "stranger", "kk13-pc2"):
        assert text not in page
    assert "/applications/new/requests.computer_remove/" in page


def test_req_13_the_cards_cost_the_same_however_many_records_there_are(
    cast: world.Cast, dns: FakeDns, directory: fakes.FakeDirectory
) -> None:
    from requests.zones.models import DnsZone

    zone, machine = DnsZone.objects.get(name=world.ZONE), devices.computer(PC)
    browser, address = client_of(cast.applicant), reverse("computer_detail", args=[machine.uid])

    def cost() -> int:
        with CaptureQueriesContext(connection) as queries:
            assert browser.get(address).status_code == 200
        return len(queries)

    computers.entered(PC)
    browser.get(address)
    one = cost()
    for n in range(60):
        record("kk13-pc1.kokuho.pr", "TXT", f"{n}", zone=zone)
    assert cost() == one
    assert browser.get(address).content.decode().count("kk13-pc1.kokuho.pr TXT") <= 50
