"""The screens and the REST lists of machines and segments: who sees which, and what they cost (ORG-02, SEC-02)."""

from __future__ import annotations

import io
import uuid
from typing import Any

import openpyxl
import pytest
from django.urls import reverse

from devices.computers.models import Segment
from portal.orgs.permissions import Role
from portal.trail.models import TrailEntry
from tests import factories
from tests.api.client import Api
from tests.devices import world
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
    ],
)
def test_what_is_no_segment_is_refused(network: str) -> None:
    client = client_for(Role.OPERATOR, code="operations")
    values = {"organisation": "13", "network": network, "purpose": "CLIENT"}

    assert client.post(reverse("segment_list"), values).status_code == 422
    assert not Segment.system.exists()


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
