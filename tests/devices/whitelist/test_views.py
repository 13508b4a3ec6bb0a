"""The screens and REST of the whitelist: scope, search in any spelling, who had an address, accepted local addresses."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from devices.computers.models import Segment
from devices.whitelist import register
from devices.whitelist.models import LocalAddress, WhitelistEntry
from devices.whitelist.payloads import WhitelistLine
from portal.common.time import JST
from portal.orgs.permissions import Role
from portal.trail.models import TrailEntry
from tests import factories
from tests.api.client import Api
from tests.devices import world
from tests.devices.whitelist import corpus
from tests.devices.world import Cast
from tests.roles import client_for, client_of

pytestmark = pytest.mark.django_db

MAC, IP = "00:1b:a9:00:00:01", "10.13.20.5"


@pytest.fixture
def segment() -> Segment:
    return world.segment(network="10.13.20.0/24")


@pytest.fixture
def entry(segment: Segment) -> WhitelistEntry:
    return corpus.entry(world.computer("KK13-PC01", agents=["QUARANTINE"]), segment, MAC, IP)


@pytest.fixture
def other() -> WhitelistEntry:
    segment = world.segment(code="27", network="10.27.20.0/24")
    return corpus.entry(world.computer("KK27-PC01", code="27"), segment, "00:1b:a9:00:00:27", "10.27.20.5")


def page_of(client: Client, name: str, *args: Any, **query: str) -> str:
    response = client.get(reverse(name, args=args), query)
    assert response.status_code == 200, response.status_code
    return response.content.decode()


def test_org02_a_federation_sees_its_own_entries_and_operations_all(
    entry: WhitelistEntry, other: WhitelistEntry
) -> None:
    own, operations = client_for(Role.APPLICANT), client_for(Role.OPERATOR, code="operations")

    assert "KK27-PC01" not in page_of(own, "whitelist_list")
    assert "KK27-PC01" not in page_of(own, "whitelist_list", q=other.mac)
    assert "KK27-PC01" in page_of(operations, "whitelist_list")
    assert own.get(reverse("whitelist_entry", args=[other.uid])).status_code == 404


@pytest.mark.parametrize(
    "q",
    [
        "00-1B-A9-00-00-01",
        "001b.a900.0001",
        "００ー１ＢーＡ９ー００ー００ー０１",
        "１０．１３．２０．５",
        "pc01",
        "1ba9",
        "KK13",
    ],
)
def test_entries_are_found_by_any_spelling(entry: WhitelistEntry, q: str) -> None:
    assert "00:1B:A9:00:00:01" in page_of(client_for(Role.AUDITOR), "whitelist_list", q=q)
    assert "00:1B:A9:00:00:01" not in page_of(client_for(Role.AUDITOR), "whitelist_list", q="001ba9000009")


def test_mac02_the_register_shows_what_the_guard_shows(entry: WhitelistEntry) -> None:
    page = page_of(client_for(Role.APPLICANT), "whitelist_list")

    for shown in ("許可済み", "00:1B:A9:00:00:01", "KK13-PC01", "○"):
        assert shown in page


def test_mac07_the_page_of_an_entry_shows_its_way_to_the_guard(entry: WhitelistEntry) -> None:
    client = client_for(Role.APPLICANT)
    assert "まだです" in page_of(client, "whitelist_entry", entry.uid)

    register.record_verified(entry_ids=[entry.pk], now=timezone.now())
    page = page_of(client, "whitelist_entry", entry.uid)

    assert "装置での反映を確認" in page
    assert "action=REMOVE" in page
    assert TrailEntry.objects.filter(action="whitelist.view").count() == 2


def history(segment: Segment) -> tuple[WhitelistEntry, WhitelistEntry]:
    """One IP address that went from one machine to another on 10 June at noon."""
    first, second = world.computer("KK13-OLD"), world.computer("KK13-NEW")
    noon = dt.datetime(2026, 6, 10, 12, 0, tzinfo=JST)
    written = []
    for computer, action, mac, old, now in (
        (first, "ADD", "00:1b:a9:00:01:01", "", noon - dt.timedelta(days=30)),
        (second, "REPLACE", "00:1b:a9:00:01:02", "00:1b:a9:00:01:01", noon),
    ):
        payload = WhitelistLine(action=action, computer=computer.name, mac=mac, ip="10.13.20.9", old_mac=old)
        line = factories.line(code="13")
        written.append(register.write_line(line=line, payload=payload, segment_id=segment.pk, now=now))
    return written[0], written[1]


@pytest.mark.parametrize(
    ("day", "names"),
    [
        ("2026/5/10", []),
        ("2026/5/11", ["KK13-OLD"]),
        ("R8.6.9", ["KK13-OLD"]),
        ("令和8年6月10日", ["KK13-OLD", "KK13-NEW"]),
        ("2026-06-11", ["KK13-NEW"]),
    ],
)
@pytest.mark.parametrize("address", ["10.13.20.9", "１０．１３．２０．９"])
def test_mac06_who_had_this_address_on_that_day(
    segment: Segment, day: str, names: list[str], address: str
) -> None:
    history(segment)

    page = page_of(client_for(Role.APPLICANT), "whitelist_holders", address=address, day=day)

    assert [name for name in ("KK13-OLD", "KK13-NEW") if name in page] == names
    record = TrailEntry.objects.get(action="whitelist.holders")
    assert record.detail["address"] == address


def test_org02_a_federation_asks_about_itself_only(other: WhitelistEntry) -> None:
    today = timezone.localdate().isoformat()
    query = {"address": other.mac, "day": today}

    assert "KK27-PC01" not in page_of(client_for(Role.APPLICANT), "whitelist_holders", **query)
    assert "KK27-PC01" in page_of(client_for(Role.OPERATOR, code="operations"), "whitelist_holders", **query)


@pytest.mark.parametrize("address", ["", "10.13", "鈴木", "1.12233E+11"])
def test_a_part_of_an_address_is_no_question(address: str) -> None:
    answer = client_for(Role.APPLICANT).get(
        reverse("whitelist_holders"), {"address": address, "day": "2026/6/1"}
    )

    assert answer.status_code == 422


def test_rest_lists_entries_and_says_who_had_an_address(segment: Segment, other: WhitelistEntry) -> None:
    old, new = history(segment)
    api = Api(factories.user(Role.APPLICANT))

    listed = api.get("whitelist/entries/?state=APPROVED")
    asked = api.get("whitelist/holders/?address=10.13.20.9&day=2026-06-09")

    assert [item["mac"] for item in listed["results"]] == [new.mac]
    assert [item["uid"] for item in asked["items"]] == [str(old.uid)]
    assert api.get("whitelist/holders/?address=x", check=400)["errors"][0]["path"] == "address"


def test_files_and_print_hold_the_same_rows(entry: WhitelistEntry, other: WhitelistEntry) -> None:
    client = client_for(Role.APPLICANT)

    csv = b"".join(client.get(reverse("whitelist_export"), {"format": "csv"}).streaming_content).decode(
        "utf-8-sig"
    )
    printed = page_of(client, "whitelist_print")

    for text in (csv, printed):
        assert "00:1B:A9:00:00:01" in text
        assert "KK27" not in text


def test_mac06_operations_accept_a_local_address_with_a_reason_and_end_it() -> None:
    operator = client_for(Role.OPERATOR, code="operations")
    values = {"organisation": "13", "mac": "０２ー００ー５ｅー００ー００ー０１", "reason": "専用端末のため"}

    assert operator.post(reverse("local_address_list"), values | {"reason": ""}).status_code == 422
    assert operator.post(reverse("local_address_list"), values | {"mac": MAC}).status_code == 422
    assert operator.post(reverse("local_address_list"), values).status_code == 302
    assert operator.post(reverse("local_address_list"), values).status_code == 422  # already
    local = LocalAddress.system.get()
    assert client_for(Role.APPLICANT).post(reverse("local_address_list"), values).status_code == 403
    assert operator.post(reverse("local_address_end", args=[local.pk])).status_code == 302

    local.refresh_from_db()
    assert local.mac == "02:00:5e:00:00:01"
    assert local.ended_at is not None
    assert set(TrailEntry.objects.values_list("action", flat=True)) >= {
        "whitelist.local_accept",
        "whitelist.local_end",
    }


def test_the_page_of_a_machine_shows_its_entries(entry: WhitelistEntry) -> None:
    page = page_of(client_for(Role.APPLICANT), "computer_detail", entry.computer.uid)

    assert "00:1B:A9:00:00:01" in page
    assert "devices.whitelist" in page


def test_statements_do_not_grow_with_the_rows(segment: Segment) -> None:
    client = client_for(Role.APPLICANT)

    def statements() -> int:
        with CaptureQueriesContext(connection) as found:
            page_of(client, "whitelist_list")
        return len(found)

    corpus.entry(world.computer(), segment, MAC, IP)
    page_of(client, "whitelist_list")
    one = statements()
    for n in range(29):
        corpus.entry(world.computer(), segment, f"00:1b:a9:00:02:{n:02x}", f"10.13.20.{n + 100}")

    assert statements() == one


def test_an_application_reads_as_people_write_addresses(cast: Cast, segment: Segment) -> None:
    factories.user(Role.APPROVER)
    world.computer("KK13-PC01")
    application = world.submitted(
        cast, corpus.KIND, {"action": "ADD", "computer": "KK13-PC01", "mac": MAC, "ip": IP}
    )

    page = client_of(cast.applicant).get(reverse("application_detail", args=[application.number]))

    assert "00:1B:A9:00:00:01" in page.content.decode()
