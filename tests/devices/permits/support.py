"""What the tests of the permits share."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from devices.permits.models import DevicePermit
from portal.fulfilment import services as fulfilment
from portal.notices.models import Notice
from portal.workflow.errors import InvalidApplication
from tests.devices import world
from tests.devices.world import Cast

State = DevicePermit.State


def errors_of(cast: Cast, kind: str, *lines: dict[str, Any]) -> dict[str, list[str]]:
    """What a submission of these lines is refused for."""
    with pytest.raises(InvalidApplication) as refused:
        world.submitted(cast, kind, *lines)
    return refused.value.errors


def mails(template: str) -> list[str]:
    """Whom a mail went to."""
    return sorted(Notice.system.filter(template=template).values_list("to_address", flat=True))


def permit_of(application: Any) -> DevicePermit:
    """The permit that an application brought."""
    return DevicePermit.system.select_related("device").get(line__application=application)


def drain() -> None:
    """What a worker does."""
    for target in ("device_control", "device_register"):
        fulfilment.drain(target, now_fn=timezone.now)


def soon(days: int) -> str:
    """A day to come, as a form has it."""
    return (timezone.localdate() + timedelta(days=days)).isoformat()
