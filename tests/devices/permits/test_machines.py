"""Where a device may be attached (DEV-11)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from devices.computers.kinds import CHANGE, RETIRE
from devices.permits.kinds import PERMIT
from devices.permits.models import DevicePermit
from devices.reference import OperatingSystem
from portal.fulfilment.models import Operation, OperationStatus
from portal.workflow.models import ApplicationLine, Status
from tests import journeys
from tests.devices import world
from tests.devices.permits.support import drain, errors_of, permit_of
from tests.devices.world import Cast

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    "machine",
    [
        {"kind": "virtual_server", "system": "winserver_2016"},
        {"kind": "printer", "system": ""},
        {"system": "other"},
        {"business": "own", "has_own_skysea": True},
        {"state": "RETIRED"},
        {"code": "27"},
    ],
)
def test_devices_are_not_attached_where_device_control_does_not_reach(
    cast: Cast, machine: dict[str, Any]
) -> None:  # DEV-11, ORG-02
    computer = world.computer("KK-PC01", **machine)

    errors = errors_of(cast, PERMIT, world.permit_line(computer))

    assert errors.keys() == {"lines.0.computers"}
    assert "KK-PC01: " in errors["lines.0.computers"][0]


def test_an_own_system_without_its_own_skysea_is_covered(cast: Cast) -> None:  # DEV-11
    line = world.permit_line(world.computer(business="own"))

    assert world.submitted(cast, PERMIT, line).status == Status.IN_REVIEW


def test_a_system_that_is_no_longer_supported_gets_no_new_permit(cast: Cast) -> None:  # DEV-11
    computer = world.computer()
    OperatingSystem.objects.filter(code="win10_2016_ltsb").update(
        valid_until=timezone.localdate() - timedelta(days=1)
    )

    assert errors_of(cast, PERMIT, world.permit_line(computer)).keys() == {"lines.0.computers"}


@pytest.mark.parametrize("typed", ["ｋｋ１３－ａ、KK13-B\nkk13-a", "kk13-a KK13-B", "kk13-a　ｋｋ１３－ｂ"])
def test_several_machines_in_any_usual_form_are_one_permit(cast: Cast, typed: str) -> None:
    for name in ("KK13-A", "KK13-B"):
        world.computer(name)

    permit = permit_of(world.approved(cast, world.permit_line("", computers=typed)))

    assert sorted(computer.name for computer in permit.computers.all()) == ["KK13-A", "KK13-B"]


def test_a_machine_with_permits_is_neither_taken_away_nor_made_unfit(
    cast: Cast,
) -> None:  # DEV-11: no way round
    computer = world.computer("KK13-PC01")
    world.registered(cast, computer)
    unfit = world.computer_line(
        name="KK13-PC01", kind="virtual_server", operating_system="winserver_2016", agents=[]
    )

    assert "lines.0.name" in errors_of(cast, RETIRE, {"name": "KK13-PC01"})
    assert "lines.0.name" in errors_of(cast, CHANGE, unfit)
    moved = world.computer_line(name="KK13-PC01", place="3階")
    assert world.submitted(cast, CHANGE, moved).status == Status.IN_REVIEW


def test_machines_are_looked_at_again_when_the_permit_is_entered(cast: Cast) -> None:  # DEV-11
    for change in ({"state": "RETIRED"}, {"operating_system": None}):
        computer = world.computer()
        application = world.submitted(cast, PERMIT, world.permit_line(computer))
        journeys.approve(application, cast.officer)
        journeys.approve(application, cast.manager)
        type(computer).system.filter(pk=computer.pk).update(**change)

        drain()

        operation = Operation.system.get(line__application=application)
        assert (operation.status, operation.error_code) == (OperationStatus.ATTENTION, "machines_unfit")
    assert not DevicePermit.system.exists()


def test_a_permit_whose_days_passed_before_it_was_entered_is_none(cast: Cast) -> None:
    line = world.permit_line(world.computer())
    application = world.submitted(cast, PERMIT, line)
    journeys.approve(application, cast.officer)
    journeys.approve(application, cast.manager)
    stored = application.lines.get()
    yesterday = (timezone.localdate() - timedelta(days=1)).isoformat()
    ApplicationLine.system.filter(pk=stored.pk).update(payload=stored.payload | {"valid_until": yesterday})

    drain()

    application.refresh_from_db()
    assert application.status == Status.NOT_DONE
    assert not DevicePermit.system.exists()
