"""Removal: the device is gone at once, its history stays (DEV-06)."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils import timezone

from devices.permits import register, services
from devices.permits.errors import MoveNotAllowed
from devices.permits.handlers import payload_of
from devices.permits.kinds import REMOVE, RENEW
from devices.permits.models import DeviceEvent, DevicePermit
from portal.workflow.models import Status
from tests import journeys
from tests.devices import world
from tests.devices.permits.support import State, drain, errors_of, mails, permit_of, soon
from tests.devices.world import Cast

pytestmark = pytest.mark.django_db


def removed(cast: Cast, permit: DevicePermit) -> Any:
    application = world.submitted(cast, REMOVE, {"number": permit.device.number})
    journeys.approve(application, cast.officer)
    drain()
    permit.refresh_from_db()
    application.refresh_from_db()
    return application


def test_a_removal_ends_the_permit_at_once_and_tells_the_manager(cast: Cast) -> None:  # DEV-06
    permit = world.registered(cast)

    application = removed(cast, permit)

    assert (permit.state, permit.end_reason) == (State.ENDING, "REMOVAL")
    assert mails("device_removal") == [cast.manager.email]
    assert mails("device_to_remove") == [cast.officer.email]
    services.record_removed(permit_id=permit.pk, actor=cast.officer, now=timezone.now())
    drain()
    permit.refresh_from_db()
    application.refresh_from_db()
    assert (permit.state, application.status) == (State.REMOVED, Status.COMPLETED)
    assert mails("device_removed") == [cast.applicant.email]


def test_a_removed_device_comes_again_with_its_whole_history(cast: Cast) -> None:
    permit = world.registered(cast, serial="X1Y2")
    removed(cast, permit)
    services.record_removed(permit_id=permit.pk, actor=cast.officer, now=timezone.now())

    again = world.registered(cast, serial="x1-y2")

    assert again.device == permit.device
    assert [event.verb for event in DeviceEvent.system.filter(device=permit.device)] == [
        "APPROVED",
        "REGISTERED",
        "REMOVAL",
        "REMOVED",
        "APPROVED",
        "REGISTERED",
    ]
    permit.device.refresh_from_db()
    assert permit.device.permit == again


def test_a_removal_that_is_carried_out_again_leaves_a_newer_permit_alone(cast: Cast) -> None:
    permit = world.registered(cast, serial="X1Y2")
    line = removed(cast, permit).lines.get()
    services.record_removed(permit_id=permit.pk, actor=cast.officer, now=timezone.now())
    newer = permit_of(world.approved(cast, world.permit_line(world.computer(), serial="X1Y2")))

    again = register.order_removal(line=line, payload=payload_of(line), now=timezone.now())

    newer.refresh_from_db()
    assert (again, newer.state) == (permit, State.APPROVED)


def test_what_was_never_registered_is_gone_at_once(cast: Cast) -> None:
    application = world.approved(cast, world.permit_line(world.computer()))
    permit = permit_of(application)

    removal = removed(cast, permit)

    application.refresh_from_db()
    assert (permit.state, removal.status, application.status) == (
        State.REMOVED,
        Status.COMPLETED,
        Status.NOT_DONE,
    )
    with pytest.raises(MoveNotAllowed):
        services.record_registered(permit_id=permit.pk, actor=cast.officer, now=timezone.now())


@pytest.mark.parametrize("kind", [RENEW, REMOVE])
def test_another_federations_device_is_unknown(cast: Cast, kind: str) -> None:  # ORG-02
    number = world.registered(Cast("27")).device.number
    line = {"number": number} | ({"valid_until": soon(60)} if kind == RENEW else {})

    assert errors_of(cast, kind, line).keys() == {"lines.0.number"}
