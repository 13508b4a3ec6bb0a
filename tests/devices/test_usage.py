"""DEV-07, DEV-13: when a device was last used, as the lists of SKYSEA say it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from devices.exchange.usage import set_usage
from devices.permits.models import Device
from tests import factories

pytestmark = pytest.mark.django_db


def _device() -> Device:
    return Device.system.create(
        number="DV-2026-000001",
        organisation=factories.organisation("13"),
        kind="USB_STORAGE",
        maker="M",
        model="X",
        serial="S1",
    )


def test_dev_07_never_used_is_something_else_than_not_known() -> None:
    device, as_of = _device(), timezone.now()

    told = set_usage(readings={device.pk: None}, as_of=as_of)

    device.refresh_from_db()
    assert told == 1
    assert (device.last_used_at, device.usage_as_of) == (None, as_of)


def test_dev_13_an_older_list_never_takes_back_what_a_newer_one_said() -> None:
    device, now = _device(), timezone.now()
    set_usage(readings={device.pk: now - timedelta(days=1)}, as_of=now)

    told = set_usage(readings={device.pk: now - timedelta(days=40)}, as_of=now - timedelta(days=30))
    forgotten = set_usage(readings={device.pk: None}, as_of=now + timedelta(days=1))

    device.refresh_from_db()
    assert (told, forgotten) == (0, 1)
    assert device.last_used_at == now - timedelta(days=1)
    assert device.usage_as_of == now + timedelta(days=1)
