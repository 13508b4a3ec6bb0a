"""What a line must say: reasons, serial numbers, one live permit for each device (DEV-03)."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils import timezone

from devices.permits import services
from devices.permits.errors import ReasonNotConfirmed
from devices.permits.kinds import PERMIT
from devices.permits.models import Device
from portal.orgs.permissions import Role
from portal.workflow.models import Status
from tests import journeys
from tests.devices import world
from tests.devices.permits.support import drain, errors_of, permit_of
from tests.devices.world import Cast

pytestmark = pytest.mark.django_db


def test_the_officers_decision_confirms_the_reason_for_writing(cast: Cast) -> None:  # DEV-03
    application = world.submitted(cast, PERMIT, world.permit_line(world.computer()))
    plan = application.lines.get().plan
    journeys.approve(application, cast.officer)
    journeys.approve(application, cast.manager)
    drain()

    permit = permit_of(application)
    assert [check["code"] for check in plan["checks"] if check["level"] == "warning"] == ["write_reason"]
    assert permit.reason_confirmed_by == cast.officer


def test_without_the_officers_stage_the_reason_is_confirmed_at_the_registration(cast: Cast) -> None:  # DEV-03
    from portal.workflow.models import RouteStage

    RouteStage.objects.create(
        kind=PERMIT, position=1, label="Approval", role=Role.SECURITY_MANAGER, decided_in="OWN"
    )
    application = world.submitted(cast, PERMIT, world.permit_line(world.computer()))
    journeys.approve(application, cast.manager)
    drain()
    permit = permit_of(application)

    with pytest.raises(ReasonNotConfirmed):
        services.record_registered(permit_id=permit.pk, actor=cast.officer, now=timezone.now())
    services.record_registered(
        permit_id=permit.pk, actor=cast.officer, confirms_reason=True, now=timezone.now()
    )

    permit.refresh_from_db()
    assert permit.reason_confirmed_by == cast.officer


@pytest.mark.parametrize(
    "kind", ["USB_STORAGE", "OPTICAL_DRIVE", "FLOPPY_DRIVE", "CARD_READER", "CARD_MEDIA"]
)
def test_every_write_grant_needs_its_reason(cast: Cast, kind: str) -> None:  # DEV-03
    line = world.permit_line(world.computer(), device_kind=kind, grant="", write_reason="")

    assert errors_of(cast, PERMIT, line).keys() == {"lines.0.write_reason"}


def test_a_scanner_needs_no_reason_for_writing(cast: Cast) -> None:  # DEV-03
    line = world.permit_line(world.computer(), device_kind="IMAGE_SCANNER", grant="USE", write_reason="")

    permit = permit_of(world.approved(cast, line))

    assert (permit.grant, permit.write_reason, permit.needs_confirmation) == ("USE", "", False)


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"maker": ""}, "maker"),
        ({"model": ""}, "model"),
        ({"serial": ""}, "serial"),
        ({"serial": "なし"}, "serial"),
        ({"serial": "N/A"}, "serial"),
        ({"serial": "0000000"}, "serial"),
        ({"serial": "-"}, "serial"),
        ({"serial": "不明"}, "serial"),
        ({"no_serial_reason": "刻印がない"}, "no_serial_reason"),
        ({"end_user": ""}, "end_user"),
        ({"end_user_mail": "x"}, "end_user_mail"),
        ({"computers": []}, "computers"),
        ({"computers": ["NO-SUCH-PC"]}, "computers"),
        ({"computers": ["ABCDEFGHIJKLMNOP"]}, "computers"),
        ({"valid_until": "2020-01-01"}, "valid_until"),
        ({"valid_until": "2099-01-01"}, "valid_until"),
        ({"valid_until": ""}, "valid_until"),
        ({"valid_until": "2026-02-30"}, "valid_until"),
    ],
)
def test_what_is_missing_or_wrong_is_told_at_its_field(
    cast: Cast, values: dict[str, Any], field: str
) -> None:
    assert errors_of(cast, PERMIT, world.permit_line(world.computer(), **values)).keys() == {
        f"lines.0.{field}"
    }


def test_no_serial_number_only_with_a_reason_that_the_approver_sees(cast: Cast) -> None:
    machine = world.computer()
    values = {"serial": "", "no_serial_reason": "刻印がなく、OSからも読み取れない"}

    first = world.approved(cast, world.permit_line(machine, **values))
    second = world.approved(cast, world.permit_line(machine, **values))  # not the same device for sure

    assert Device.system.count() == 2
    warnings = [c for c in first.lines.get().plan["checks"] if c["code"] == "no_serial"]
    assert warnings[0]["values"]["reason"] == values["no_serial_reason"]
    assert second.status == Status.FULFILLING


@pytest.mark.parametrize("spelling", ["ab-123 456", "ＡＢ１２３４５６", "AB123456", "ab_123-456"])
@pytest.mark.parametrize("code", ["13", "27"])
def test_a_device_that_has_a_permit_is_told_at_entry_however_it_is_written(
    cast: Cast, spelling: str, code: str
) -> None:
    other = cast if code == "13" else Cast("27")
    world.registered(other, serial="AB123456", model="RUF3 K32GB")

    errors = errors_of(cast, PERMIT, world.permit_line(world.computer(), serial=spelling, model="RUF3-K32GB"))

    assert errors.keys() == {"lines.0.serial"}  # ORG-02: the same sentence, wherever it is
    assert "27" not in str(errors)


def test_a_device_in_an_open_application_is_told_at_entry(cast: Cast) -> None:
    world.submitted(
        Cast("27"), PERMIT, world.permit_line(world.computer("KK27-PC1", code="27"), serial="X1Y2")
    )

    assert errors_of(cast, PERMIT, world.permit_line(world.computer(), serial="X1Y2")).keys() == {
        "lines.0.serial"
    }


def test_the_same_device_twice_in_one_application_is_told(cast: Cast) -> None:
    machine = world.computer()
    lines = [world.permit_line(machine, serial="X1Y2"), world.permit_line(machine, serial="x1-y2")]

    assert errors_of(cast, PERMIT, *lines).keys() == {"lines.1.serial"}


def test_the_same_serial_number_of_another_model_is_a_hint(cast: Cast) -> None:
    world.registered(cast, serial="X1Y2", model="OTHER")

    application = world.submitted(cast, PERMIT, world.permit_line(world.computer(), serial="X1Y2"))

    assert "same_serial" in [check["code"] for check in application.lines.get().plan["checks"]]
