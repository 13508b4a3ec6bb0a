"""The demonstration shows machines and devices as the portal would have made them itself."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from devices.computers.models import Computer, Segment
from devices.guard.models import ModeDecision
from devices.permits.models import Device, DevicePermit
from devices.quarantine.models import QuarantineStatus
from devices.whitelist.models import WhitelistEntry
from portal.orgs.permissions import Role
from tests import factories

pytestmark = pytest.mark.django_db


def staff(*codes: str) -> None:
    for code in codes:
        for role in (Role.APPLICANT, Role.APPROVER, Role.SECURITY_OFFICER, Role.SECURITY_MANAGER):
            factories.user(role, code=code)
    factories.operator()


def fill() -> None:
    call_command("demo_devices", verbosity=0)


def test_it_refuses_to_run_outside_a_demonstration(settings: Any) -> None:
    settings.EMBEDDED_INBOX = False

    with pytest.raises(CommandError):
        fill()


def test_the_demonstration_has_machines_and_twice_is_once(settings: Any) -> None:
    settings.EMBEDDED_INBOX = True
    staff("13")

    fill()
    machines, segments = Computer.system.count(), Segment.system.count()
    fill()

    assert (machines, segments) == (12, 4)
    states = DevicePermit.system.filter(organisation__code="13").values_list("state", flat=True)
    assert Counter(states) == {"APPROVED": 2, "REGISTERED": 2, "ENDING": 1, "REMOVED": 1}
    assert Device.system.count() == 6
    assert ModeDecision.system.count() == 1
    ends = WhitelistEntry.system.values_list("state", "end_reason")
    assert Counter(ends) == {("APPROVED", ""): 6, ("ENDED", "REPLACED"): 1, ("ENDED", "REMOVED"): 1}
    assert QuarantineStatus.system.count() == 4
    assert (Computer.system.count(), Segment.system.count()) == (12, 4)
    assert set(Computer.system.values_list("kind__code", flat=True)) == {
        "client",
        "server",
        "virtual_server",
        "printer",
    }
