"""The exchange on the screen and over REST."""

from __future__ import annotations

import io
from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone

from devices.exchange import mappings
from devices.exchange.layout import ORDERS, REGISTER, Layout
from devices.exchange.models import OrderFile, SkyseaFinding
from devices.permits.models import DevicePermit
from portal.orgs.permissions import Role
from tests.api.client import Api
from tests.devices import world
from tests.devices.exchange.support import HEADER, State, read, row
from tests.devices.world import Cast
from tests.roles import client_for, client_of

pytestmark = pytest.mark.django_db


def test_the_officer_goes_both_ways_on_the_screen(cast: Cast) -> None:
    world.approved(cast, world.permit_line(world.computer(), serial="S1"))
    permit, client, now = DevicePermit.system.get(), client_of(cast.officer), timezone.localtime()
    assert client.post(reverse("skysea_orders")).status_code == 302
    file = client.get(reverse("skysea_order_file", args=[OrderFile.system.get().pk]))
    assert "S1" in file.content.decode("cp932")

    upload = io.BytesIO("\r\n".join((HEADER, row(permit))).encode("cp932"))
    upload.name = "一覧.csv"
    sent = {"file": upload, "taken_on": f"{now:%Y/%m/%d}", "taken_at": f"{now:%H:%M}", "complete": "on"}
    answered = client.post(reverse("skysea_import"), sent)

    finding = SkyseaFinding.system.get()
    assert answered.status_code == 302
    assert "記録されていません" in client.get(answered["Location"]).content.decode()
    address = reverse("skysea_finding", args=[finding.pk])
    assert permit.device.number in client.get(address).content.decode()
    assert client.post(address, {"digest": finding.digest, "answer": "KEPT"}).status_code == 422
    assert client.post(address, {"digest": finding.digest, "answer": "RECORDED"}).status_code == 302
    permit.refresh_from_db()
    assert permit.state == State.REGISTERED
    late = client.post(address, {"digest": finding.digest, "answer": "RECORDED"})  # from another tab
    assert late.status_code == 422
    assert "ほかの人が回答したか" in late.content.decode()


def test_operations_change_the_mapping_on_the_screen(cast: Cast) -> None:
    client = client_of(cast.operator)
    form = client.get(reverse("skysea_mapping")).context["form"]
    sent = dict(form.initial.items()) | {"register-serial": "製造番号", "seen": ""}

    assert client.post(reverse("skysea_mapping"), sent | {"register-serial": ""}).status_code == 422
    assert client.post(reverse("skysea_mapping"), sent).status_code == 302
    assert client.post(reverse("skysea_mapping"), sent).status_code == 409

    assert mappings.current_layout().heading(REGISTER, "serial") == "製造番号"
    assert mappings.current_layout().columns[ORDERS] == Layout().columns[ORDERS]


def test_a_federation_sees_its_own_findings_only_and_rest_answers(cast: Cast) -> None:  # ORG-02
    other = Cast("27")
    read(cast, row(serial="OWN1"))
    read(other, row(serial="OTHER1"))
    finding = SkyseaFinding.system.get(seen__serial="OWN1")
    body = {"digest": finding.digest, "answer": "CORRECTED"}

    for name in ("skysea_findings", "skysea_findings_print"):
        page = client_of(cast.applicant).get(reverse(name)).content.decode()
        assert "OWN1" in page
        assert "OTHER1" not in page
    assert client_for(Role.USER).get(reverse("skysea_findings")).status_code == 403
    assert client_of(other.officer).get(reverse("skysea_finding", args=[finding.pk])).status_code == 404
    listed = Api(cast.officer).get("skysea/findings/?state=OPEN")
    assert [found["seen"]["serial"] for found in listed["results"]] == ["OWN1"]
    path = f"skysea/findings/{finding.pk}/answer/"
    Api(other.officer).post(path, body, check=404)
    Api(cast.manager).post(path, body, check=403)
    Api(cast.officer).post(path, body | {"answer": "KEPT"}, check=422)
    assert Api(cast.officer).post(path, body)["state"] == "ANSWERED"
    assert Api(cast.officer).post(path, body, check=409)["code"] == "changed-meanwhile"


def test_the_list_costs_the_same_with_thirty_findings(cast: Cast, django_assert_max_num_queries: Any) -> None:
    read(cast, *(row(serial=f"N{n}0{n}") for n in range(30)))

    with django_assert_max_num_queries(30):
        client_of(cast.applicant).get(reverse("skysea_findings"))
