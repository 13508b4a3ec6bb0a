"""The screens and the REST lists of machines and segments: who sees which, and what they cost (ORG-02, SEC-02)."""

from __future__ import annotations

import datetime as dt
import io
import uuid
from ipaddress import ip_address
from typing import Any

import openpyxl
import pytest
from django.urls import reverse
from django.utils import timezone

from devices.computers.models import Segment
from devices.guard import versions
from devices.whitelist.placement import Segments
from portal.orgs.permissions import Role
from portal.trail.models import TrailEntry
from tests import factories
from tests.api.client import Api
from tests.devices import world
from tests.devices.guard import world as guard
from tests.roles import client_for, client_of

pytestmark = pytest.mark.django_db


def test_a_mere_user_may_not_read_machines() -> None:
    client = client_for(Role.USER)

    for name in ("computer_list", "computer_export", "computer_print", "segment_list"):
        assert client.get(reverse(name)).status_code == 403


def test_a_federation_finds_its_own_machines_only() -> None:  # ORG-02
    own, other = world.computer("OWN-PC"), world.computer("OTHER-PC", code="27")
    client = client_for(Role.SECURITY_OFFICER)

    page = client.get(reverse("computer_list"), {"q": "pc"}).content.decode()
    export = b"".join(client.get(reverse("computer_export")).streaming_content).decode()  # type: ignore[attr-defined]
    paper = client.get(reverse("computer_print")).content.decode()

    for text in (page, export, paper):
        assert "OWN-PC" in text
        assert "OTHER-PC" not in text
    assert "OTHER-PC" not in client.get(reverse("computer_list"), {"organisation": "27"}).content.decode()
    assert client.get(reverse("computer_detail", args=[own.uid])).status_code == 200
    assert client.get(reverse("computer_detail", args=[other.uid])).status_code == 404
    assert client.get(reverse("computer_detail", args=[uuid.uuid4()])).status_code == 404


def test_operations_find_all_and_being_a_mere_user_there_opens_nothing() -> None:
    world.computer("OTHER-PC", code="27")
    person = factories.applicant("13")
    factories.membership(person, Role.USER, code="operations")

    everything = client_for(Role.OPERATOR, code="operations").get(reverse("computer_list"))

    assert "OTHER-PC" in everything.content.decode()
    assert "OTHER-PC" not in client_of(person).get(reverse("computer_list")).content.decode()


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"q": "ｋｋ１３－ａ"}, "KK13-A"),
        ({"q": "審査第一課 windows"}, "KK13-A"),
        ({"kind": "server"}, "KK13-B"),
        ({"system": "winserver_2016"}, "KK13-B"),
        ({"business": "own"}, "KK13-B"),
        ({"state": "RETIRED"}, "KK13-C"),
        ({"without_agent": "QUARANTINE", "kind": "client"}, "KK13-C"),
        ({"segment": "10.13.9.0/24"}, "KK13-A"),
    ],
)
def test_filters_narrow_the_list(query: dict[str, str], found: str) -> None:
    segment = world.segment(network="10.13.9.0/24")
    world.computer("KK13-A", agents=["QUARANTINE"], segment=segment)
    world.computer("KK13-B", kind="server", system="winserver_2016", business="own", department="業務課")
    world.computer("KK13-C", state="RETIRED", department="総務課")

    page = client_for(Role.AUDITOR).get(reverse("computer_list"), query).content.decode()

    assert [name for name in ("KK13-A", "KK13-B", "KK13-C") if f">{name}<" in page] == [found]


def test_the_list_costs_the_same_at_1_and_at_30_rows(
    django_assert_max_num_queries: Any, django_assert_num_queries: Any
) -> None:
    line = factories.line()
    world.computer(last_line=line)
    client = client_for(Role.APPLICANT)
    client.post("/columns/computers/", {"columns": ["kind", "system", "segment", "agents", "application"]})
    client.get(reverse("computer_list"))
    with django_assert_max_num_queries(22) as first:
        client.get(reverse("computer_list"))

    for _ in range(29):
        world.computer(last_line=line, segment=world.segment())

    with django_assert_num_queries(len(first)):
        client.get(reverse("computer_list"))


def test_a_page_holds_500_rows_when_asked(django_assert_max_num_queries: Any) -> None:
    line = factories.line()
    for _ in range(60):
        world.computer(last_line=line)
    client = client_for(Role.APPLICANT)

    assert client.get(reverse("computer_list")).content.decode().count("KK13-PC") == 50
    assert client.get(reverse("computer_list"), {"rows": "500"}).content.decode().count("KK13-PC") == 60


def test_the_page_of_a_machine_shows_its_history_and_leaves_a_trace(cast: world.Cast) -> None:  # SEC-02
    from devices.computers.kinds import REGISTER
    from devices.computers.models import Computer

    application = world.carried_out(cast, REGISTER, world.computer_line(name="KK13-PC01"))
    computer = Computer.system.get()

    page = client_of(cast.officer).get(reverse("computer_detail", args=[computer.uid])).content.decode()
    offered = client_of(cast.applicant).get(reverse("computer_detail", args=[computer.uid])).content.decode()

    assert page.count(application.number) >= 2
    assert "devices.computer_change" not in page
    assert "/applications/new/devices.computer_change/?organisation=13&amp;name=KK13-PC01" in offered
    assert TrailEntry.objects.filter(action="computer.view", object_id=str(computer.uid)).count() == 2


def test_the_list_leaves_as_excel() -> None:
    world.computer("KK13-PC01")

    answer = client_for(Role.SECURITY_OFFICER).get(reverse("computer_export"), {"format": "xlsx"})
    body = b"".join(answer.streaming_content) if answer.streaming else answer.content  # type: ignore[attr-defined]
    sheet = openpyxl.load_workbook(io.BytesIO(body)).active

    assert sheet is not None
    assert next(cell.value for cell in list(sheet.rows)[1]) == "KK13-PC01"


@pytest.mark.parametrize("query", [{"q": "%"}, {"q": "\x00"}, {"cursor": "x" * 500}, {"kind": "' OR 1=1"}])
def test_hostile_queries_are_harmless(query: dict[str, str]) -> None:
    world.computer()

    assert client_for(Role.APPLICANT).get(reverse("computer_list"), query).status_code in (200, 400)


def test_rest_lists_the_own_machines() -> None:  # ORG-02
    world.computer("KK13-PC01")
    world.computer("KK13-PRN1", kind="printer", system="")
    world.computer("KK27-PC01", code="27")

    found = Api(factories.user(Role.SECURITY_OFFICER)).get("computers/")["results"]

    assert [row["name"] for row in found] == ["KK13-PRN1", "KK13-PC01"]
    assert [row["operating_system"] for row in found] == ["", "win10_2016_ltsb"]


# --- Segments ---------------------------------------------------------------------------------------------------------------
def test_operations_register_a_segment_and_end_it() -> None:
    client = client_for(Role.OPERATOR, code="operations")
    values = {"organisation": "13", "network": "１０.13.20.0/24", "purpose": "CLIENT", "vlan": "120"}

    assert client.post(reverse("segment_list"), values).status_code == 302
    segment = Segment.system.get()
    assert (segment.network, segment.organisation.code, segment.vlan) == ("10.13.20.0/24", "13", 120)
    assert client.post(reverse("segment_end", args=[segment.pk])).status_code == 302

    segment.refresh_from_db()
    assert segment.valid_until is not None
    assert set(TrailEntry.objects.filter(object_type="segment").values_list("action", flat=True)) == {
        "segment.add",
        "segment.end",
    }


def test_ending_a_segment_is_asked_first_with_what_stands_in_it() -> None:
    segment = world.segment(network="10.13.20.0/24")
    world.computer(segment=segment)
    client, address = client_for(Role.OPERATOR, code="operations"), reverse("segment_end", args=[segment.pk])

    page = client.get(address).content.decode()

    assert '使用中の機器</dt><dd class="u-num">1</dd>' in page
    segment.refresh_from_db()
    assert segment.valid_until is None
    assert f'action="{address}"' not in client.get(reverse("segment_list")).content.decode()


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("computer_list", "devices.computer_register"),
        ("device_list", "devices.permit"),
        ("whitelist_list", "devices.whitelist"),
    ],
)
def test_an_empty_register_leads_applicants_to_the_application_and_nobody_else(name: str, kind: str) -> None:
    address = reverse("application_create", args=[kind])

    assert client_for(Role.APPLICANT).get(reverse(name)).content.decode().count(address) == 2
    assert address not in client_for(Role.SECURITY_OFFICER).get(reverse(name)).content.decode()


@pytest.mark.parametrize(
    "network",
    [
        "10.13.20.5/24",
        "10.013.20.0/24",
        "8.8.8.0/24",
        "10.13.0.0/15",
        "10.13.20.0/31",
        "x",
        "192.168.255.0/25",
        "fd00:13:82::5/64",
        "fd00:13::/47",
        "fd00:13:82::/65",
        "fe80::/64",
        "ff02::/64",
        "::ffff:a00:0/64",
    ],
)
def test_what_is_no_segment_is_refused(network: str) -> None:
    client = client_for(Role.OPERATOR, code="operations")
    values = {"organisation": "13", "network": network, "purpose": "CLIENT"}

    assert client.post(reverse("segment_list"), values).status_code == 422
    assert not Segment.system.exists()


def test_segments_of_ipv6_stand_beside_those_of_ipv4() -> None:
    world.segment("27", network="fd00:27:82::/48")
    client = client_for(Role.OPERATOR, code="operations")
    values = {"organisation": "13", "network": "FD00:13:82:0::/64", "purpose": "OWN_SYSTEM"}

    assert client.post(reverse("segment_list"), values).status_code == 302
    assert client.post(reverse("segment_list"), values | {"network": "fd00:27:82:1::/64"}).status_code == 422
    world.segment(network="10.13.20.0/24")
    segments = Segments.read(timezone.localdate())
    addresses = ("10.13.20.5", "fd00:13:82::5", "fd00:27:82:9::1", "fd00:13:82:1::5", "10.99.1.1")
    found = [segments.holding(ip_address(each)) for each in addresses]
    assert [each and each[1].organisation.code for each in found] == ["13", "13", "27", None, None]
    own = Segment.system.get(network="fd00:13:82::/64")
    change = reverse("segment_change", args=[own.pk])
    assert client.post(change, values | {"network": "10.13.82.0/24"}).status_code == 422


def test_two_live_segments_never_overlap_in_the_whole_country() -> None:
    world.segment("27", network="10.13.20.0/24")
    client = client_for(Role.OPERATOR, code="operations")
    values = {"organisation": "13", "network": "10.13.20.128/25", "purpose": "PRINTER"}

    assert client.post(reverse("segment_list"), values).status_code == 422


def test_others_neither_register_nor_end_segments() -> None:
    segment, other = world.segment(), world.segment("27")
    client = client_for(Role.SECURITY_MANAGER)
    values = {"organisation": "13", "network": "10.13.200.0/24", "purpose": "CLIENT"}

    assert client.post(reverse("segment_list"), values).status_code == 403
    assert client.post(reverse("segment_end", args=[segment.pk])).status_code == 403
    assert client.post(reverse("segment_end", args=[other.pk])).status_code == 404
    page = client.get(reverse("segment_list")).content.decode()
    assert segment.network in page
    assert other.network not in page


def change(segment: Segment, **values: Any) -> Any:
    """What operations post on the page of the segment."""
    data = {"network": segment.network, "purpose": segment.purpose, "vlan": "", "note": ""} | values
    return client_for(Role.OPERATOR, code="operations").post(
        reverse("segment_change", args=[segment.pk]), data
    )


def test_a_changed_segment_is_another_row_from_today_on_and_its_machines_and_entries_follow() -> None:
    segment = world.segment(network="10.13.20.0/24", vlan=10)
    computer = world.computer(segment=segment)
    entry = guard.entry(computer=computer, segment=segment, ip="10.13.20.5")
    versions.bring_up_to_date(now=timezone.now())

    answer = change(segment, network="10.13.20.0/23", vlan="20")

    assert answer.status_code == 302
    new = Segment.system.get(valid_until=None)
    segment.refresh_from_db()
    assert (segment.network, segment.vlan) == ("10.13.20.0/24", 10)  # as it was
    assert segment.valid_until == timezone.localdate() - dt.timedelta(days=1)
    assert (new.network, new.vlan, new.valid_from) == ("10.13.20.0/23", 20, timezone.localdate())
    entry.refresh_from_db()
    computer.refresh_from_db()
    assert entry.segment == computer.segment == new
    newest = versions.bring_up_to_date(now=timezone.now())
    assert versions.pairs_of(newest.number).get().vlan == 20  # the guard hears of it
    assert TrailEntry.objects.get(action="segment.change").detail["before"]["vlan"] == 10


def test_a_segment_that_would_leave_live_entries_outside_asks_once_more() -> None:
    segment = world.segment(network="10.13.20.0/24")
    inside, outside = (guard.entry(segment=segment, ip=f"10.13.20.{n}") for n in (5, 200))

    asked = change(segment, network="10.13.20.0/25")

    assert asked.status_code == 422
    assert "confirmed" in asked.context["form"].fields
    segment.refresh_from_db()
    assert segment.valid_until is None
    assert change(segment, network="10.13.20.0/25", confirmed="on").status_code == 302
    inside.refresh_from_db()
    outside.refresh_from_db()
    assert inside.segment.network == "10.13.20.0/25"
    assert (outside.segment, outside.is_live) == (segment, True)


def test_mac05_a_segment_with_live_entries_does_not_become_one_that_the_guard_does_not_cover() -> None:
    segment = world.segment(network="10.13.20.0/24")
    guard.entry(segment=segment, ip="10.13.20.5")

    inside = change(segment, purpose="SERVER")
    elsewhere = change(segment, network="10.13.22.0/24", purpose="SERVER", confirmed="on")

    assert (inside.status_code, elsewhere.status_code) == (422, 422)
    assert set(elsewhere.context["form"].errors) == {"purpose"}
    assert Segment.system.get().purpose == "CLIENT"


def test_a_changed_segment_overlaps_no_other_one_and_an_ended_one_is_not_changed() -> None:
    segment = world.segment(network="10.13.20.0/24")
    world.segment("27", network="10.13.21.0/24")
    ended = world.segment(network="10.13.30.0/24", valid_until=factories.LONG_AGO)

    assert change(segment, network="10.13.20.0/23").status_code == 422
    assert change(ended, note="x").status_code == 422
    assert change(segment, note="").status_code == 302  # nothing changed: no new row
    assert Segment.system.count() == 3
