"""The screens and REST of devices: who sees and records what, and what it costs (ORG-02, SEC-02)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone

from devices.permits.models import Device, DevicePermit
from portal.orgs.permissions import Role
from portal.trail.models import TrailEntry
from tests import factories
from tests.api.client import Api
from tests.devices import world
from tests.devices.world import Cast
from tests.roles import client_for, client_of

pytestmark = pytest.mark.django_db


def waiting(cast: Cast, **values: Any) -> DevicePermit:
    """A permit that waits for its registration."""
    computer = world.computer(code=cast.code)
    application = world.approved(cast, world.permit_line(computer, **values))
    return DevicePermit.system.select_related("device").get(line__application=application)


def test_a_mere_user_reads_and_records_nothing(cast: Cast) -> None:
    number = waiting(cast).device.number
    client = client_for(Role.USER)

    for name in ("device_list", "device_export", "device_print", "registration_list"):
        assert client.get(reverse(name)).status_code == 403
    for name in ("device_detail", "registration_record"):
        assert client.get(reverse(name, args=[number])).status_code == 403


def test_a_federation_sees_and_records_its_own_devices_only(cast: Cast) -> None:  # ORG-02
    own, other = waiting(cast, model="OWN-MODEL"), waiting(Cast("27"), model="OTHER-MODEL")
    client = client_of(cast.officer)

    page = client.get(reverse("device_list")).content.decode()
    export = b"".join(client.get(reverse("device_export")).streaming_content).decode()  # type: ignore[attr-defined]
    paper = client.get(reverse("device_print")).content.decode()
    work = client.get(reverse("registration_list")).content.decode()

    for text in (page, export, paper, work):
        assert "OWN-MODEL" in text
        assert "OTHER-MODEL" not in text
    for name in ("device_detail", "registration_record"):
        assert client.get(reverse(name, args=[own.device.number])).status_code == 200
        assert client.get(reverse(name, args=[other.device.number])).status_code == 404
    assert client.post(reverse("registration_record", args=[other.device.number])).status_code == 404


def test_the_officer_records_on_the_screen(cast: Cast) -> None:  # DEV-02
    permit = waiting(cast)
    address = reverse("registration_record", args=[permit.device.number])
    client = client_of(cast.officer)

    assert "管理機" in client.get(reverse("registration_list")).content.decode()
    assert 'name="state" value="APPROVED"' in client.get(address).content.decode()
    read = TrailEntry.objects.filter(action__in=["device.list", "device.view"]).order_by("pk")
    assert list(read.values_list("action", flat=True)) == ["device.list", "device.view"]  # SEC-02
    assert client.post(address, {"state": "ENDING"}).status_code == 409  # the page was about another step
    assert client.post(address, {"note": "SKY-1", "state": "APPROVED"}).status_code == 302
    assert client.post(address, {"note": "SKY-1"}).status_code == 409

    permit.refresh_from_db()
    assert (permit.state, permit.registered_by) == ("REGISTERED", cast.officer)
    assert TrailEntry.objects.filter(action="device.registered").count() == 1
    shown = client.get(reverse("device_detail", args=[permit.device.number])).content.decode()
    assert "SKY-1" in shown
    assert "一度接続してください" in shown  # DEV-12


def test_the_home_page_of_the_officer_says_what_waits_and_the_application_leads_to_the_device(
    cast: Cast,
) -> None:
    permit = waiting(cast)
    address = reverse("device_detail", args=[permit.device.number])

    home = client_of(cast.officer).get("/").content.decode()
    others = client_of(cast.applicant).get("/").content.decode()
    application = client_of(cast.applicant).get(f"/applications/{permit.line.application.number}/")

    assert 'href="/devices/registration/"' in home.split("<main")[1]
    assert 'href="/devices/registration/"' not in others
    assert address in application.content.decode()


def test_who_approved_is_not_offered_the_record_and_refused(cast: Cast) -> None:  # DEV-01
    permit = waiting(cast)
    factories.membership(cast.manager, Role.SECURITY_OFFICER)
    client = client_of(cast.manager)
    address = reverse("registration_record", args=[permit.device.number])

    assert "別の担当者が記録してください" in client.get(address).content.decode()
    assert client.post(address, {}).status_code == 403
    permit.refresh_from_db()
    assert permit.state == "APPROVED"


def test_operations_follow_the_work_and_do_not_record_on_this_page(cast: Cast) -> None:
    permit = waiting(cast)
    client = client_of(cast.operator)

    assert permit.device.number in client.get(reverse("registration_list")).content.decode()
    assert client.get(reverse("registration_record", args=[permit.device.number])).status_code == 403


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"q": "kingston"}, "B"),
        ({"q": "さとう"}, ""),
        ({"q": "佐藤"}, "B"),
        ({"q": "kk13-pcb"}, "B"),
        ({"q": "スキャナ"}, "A"),
        ({"kind": "IMAGE_SCANNER"}, "A"),
        ({"state": "REGISTERED"}, "A"),
        ({"state": "APPROVED"}, "B"),
        ({"ends": "soon"}, "B"),
        ({"computer": "kk13-pcb"}, "B"),
    ],
)
def test_filters_narrow_the_list(cast: Cast, query: dict[str, str], found: str) -> None:
    world.registered(cast, device_kind="IMAGE_SCANNER", grant="USE", model="MODEL-A")
    world.computer("KK13-PCB")
    soon = (timezone.localdate() + timedelta(days=9)).isoformat()
    line = world.permit_line(
        "KK13-PCB", maker="Kingston", model="MODEL-B", end_user="佐藤 太郎", valid_until=soon
    )
    world.approved(cast, line)

    page = client_of(cast.officer).get(reverse("device_list"), query).content.decode()

    assert [name for name in ("A", "B") if f"MODEL-{name}" in page] == list(found)


def test_the_lists_cost_the_same_at_1_and_at_30_rows(
    cast: Cast, django_assert_max_num_queries: Any, django_assert_num_queries: Any
) -> None:
    machine = world.computer()
    world.approved(cast, world.permit_line(machine))
    client = client_of(cast.officer)
    client.post("/columns/devices/", {"columns": ["device", "serial", "grant", "state", "application"]})
    addresses = [reverse("device_list"), reverse("registration_list")]
    costs = []
    for address in addresses:
        client.get(address)
        with django_assert_max_num_queries(24) as first:
            client.get(address)
        costs.append(len(first))

    world.approved(cast, *(world.permit_line(machine) for _ in range(29)))

    for address, cost in zip(addresses, costs, strict=True):
        with django_assert_num_queries(cost):
            client.get(address)


def test_rest_costs_the_same_at_1_and_at_30_rows(
    cast: Cast, django_assert_max_num_queries: Any, django_assert_num_queries: Any
) -> None:
    machine = world.computer()
    world.approved(cast, world.permit_line(machine))
    api = Api(cast.officer)
    api.get("devices/")
    with django_assert_max_num_queries(15) as first:
        assert len(api.get("devices/")["results"]) == 1

    world.approved(cast, *(world.permit_line(machine) for _ in range(29)))

    with django_assert_num_queries(len(first)):
        assert len(api.get("devices/")["results"]) == 30


def test_the_page_of_a_machine_shows_its_permits(cast: Cast) -> None:
    computer = world.computer("KK13-PC01")
    permit = world.registered(cast, computer)
    address = reverse("computer_detail", args=[computer.uid])

    page = client_of(cast.applicant).get(address).content.decode()

    assert permit.device.number in page
    assert "/applications/new/devices.permit/?organisation=13&amp;computers=KK13-PC01" in page


def test_the_page_of_a_device_offers_removal_and_late_the_renewal(cast: Cast) -> None:
    permit = world.registered(cast)
    address = reverse("device_detail", args=[permit.device.number])
    client = client_of(cast.applicant)

    early = client.get(address).content.decode()
    DevicePermit.system.update(valid_until=timezone.localdate() + timedelta(days=5))
    late = client.get(address).content.decode()

    assert ("devices.permit_remove" in early, "devices.permit_renew" in early) == (True, False)
    assert "devices.permit_renew" in late
    assert TrailEntry.objects.filter(action="device.view").count() == 2


def test_rest_records_the_registration_once(cast: Cast) -> None:  # DEV-02
    number = waiting(cast).device.number
    api = Api(cast.officer)

    first = api.post(f"devices/{number}/registered/", {"note": "SKY-1"}, Idempotency_Key="a")
    second = api.post(f"devices/{number}/registered/", {"note": "SKY-1"}, Idempotency_Key="a")

    assert first == second
    assert first["permit"]["state"] == "REGISTERED"
    assert api.post(f"devices/{number}/registered/", {}, check=409)["code"] == "not-in-this-state"
    assert api.post(f"devices/{number}/removed/", {}, check=409)["code"] == "not-in-this-state"


def test_rest_keeps_the_duties_and_the_federations_apart(cast: Cast) -> None:  # DEV-01, ORG-02
    permit = waiting(cast)
    path = f"devices/{permit.device.number}/registered/"
    factories.membership(cast.manager, Role.SECURITY_OFFICER)

    Api(cast.manager).post(path, {}, check=403)
    Api(cast.applicant).post(path, {}, check=403)
    Api(cast.operator).post(path, {}, check=403)
    Api(factories.user(Role.SECURITY_OFFICER, code="27")).post(path, {}, check=404)
    Api(factories.user(Role.USER)).post(path, {}, check=403)

    assert Device.system.get().permit.state == "APPROVED"  # type: ignore[union-attr]
