"""Kinds and systems are data with dates: operations add them and end them, nothing else changes (DEV-11)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone

from devices.computers.kinds import REGISTER
from devices.reference import ComputerKind, OperatingSystem
from portal.orgs.permissions import Role
from portal.trail.models import TrailEntry
from portal.workflow.errors import InvalidApplication
from portal.workflow.models import Status
from tests.devices import world
from tests.devices.world import Cast
from tests.roles import client_for

pytestmark = pytest.mark.django_db


def entry(**values: Any) -> dict[str, Any]:
    today = timezone.localdate()
    return {
        "of": "systems",
        "code": "win11_2024_ltsc",
        "name": "Microsoft Windows 11 Enterprise LTSC 2024",
        "valid_from": f"{today:%Y/%m/%d}",
        "takes_devices": "on",
    } | values


def test_a_new_system_is_offered_from_its_first_day_on(cast: Cast) -> None:
    client = client_for(Role.OPERATOR, code="operations")
    tomorrow = timezone.localdate() + timedelta(days=1)
    later = entry(code="later", valid_from=f"{tomorrow:%Y/%m/%d}")

    assert client.post(reverse("choice_list"), entry()).status_code == 302
    assert client.post(reverse("choice_list"), later).status_code == 302

    line = world.computer_line(operating_system="win11_2024_ltsc")
    assert world.submitted(cast, REGISTER, line).status == Status.IN_REVIEW
    with pytest.raises(InvalidApplication):
        world.submitted(cast, REGISTER, world.computer_line(operating_system="later"))
    assert TrailEntry.objects.filter(action="choice.add").count() == 2


def test_a_system_that_has_ended_is_kept_and_gets_no_new_permits(cast: Cast) -> None:
    computer = world.computer()
    client = client_for(Role.OPERATOR, code="operations")
    address = reverse("choice_end", args=["systems", "win10_2016_ltsb"])
    yesterday = timezone.localdate() - timedelta(days=1)

    assert client.post(address, {"valid_until": f"{yesterday:%Y/%m/%d}"}).status_code == 302

    with pytest.raises(InvalidApplication) as refused:
        world.submitted(cast, "devices.permit", world.permit_line(computer))
    assert "Windows 10" in str(refused.value.errors["lines.0.computers"])
    assert computer.operating_system == OperatingSystem.objects.get(code="win10_2016_ltsb")


@pytest.mark.parametrize(
    "values",
    [
        {"code": "winserver_2016"},
        {"code": "全角"},
        {"name": ""},
        {"of": "devices"},
        {"valid_from": "x"},
        {"of": "kinds", "name": "伝送クライアント"},
        {"of": "kinds", "code": "transmission_client"},
    ],
)
def test_what_is_no_choice_is_refused(values: dict[str, str]) -> None:
    client = client_for(Role.OPERATOR, code="operations")
    before = (OperatingSystem.objects.count(), ComputerKind.objects.count())

    assert client.post(reverse("choice_list"), entry(**values)).status_code == 422
    assert (OperatingSystem.objects.count(), ComputerKind.objects.count()) == before


def test_others_see_the_choices_and_change_nothing() -> None:
    client = client_for(Role.SECURITY_MANAGER)

    page = client.get(reverse("choice_list")).content.decode()

    assert "Microsoft Windows Server 2016" in page
    assert "テープドライブ、スマートカードリーダー" in page  # table 2-34, as the source says it
    assert client.post(reverse("choice_list"), entry()).status_code == 403
    assert client.get(reverse("choice_end", args=["systems", "other"])).status_code == 403
    assert (
        client_for(Role.OPERATOR, code="operations")
        .get(reverse("choice_end", args=["systems", "no-such"]))
        .status_code
        == 404
    )
