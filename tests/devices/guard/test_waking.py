"""MAC-07: whoever writes or ends an entry calls the publisher with the commit; nobody waits for the minute."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from devices import tasks
from devices.guard import waking
from devices.guard.models import PendingRemoval, WhitelistVersion
from devices.whitelist import register
from portal.common import bell
from tests import factories
from tests.devices import world as machines
from tests.devices.guard.world import FakeGuard
from tests.devices.whitelist import corpus
from tests.devices.world import Cast

pytestmark = pytest.mark.django_db


def test_mac_07_an_approval_and_an_end_call_the_publisher_and_the_end_is_known_at_once(
    guard: FakeGuard, cast: Cast, monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks: Any
) -> None:
    rung: list[Any] = []
    monkeypatch.setattr(bell, "_send", lambda task, args: rung.append((task, args)))
    factories.user("APPROVER", code=cast.code)
    machines.segment(network="10.13.22.0/24")
    machines.segment(network="10.13.23.0/24")
    machines.computer("KK13-PC01", agents=["QUARANTINE"])
    new = corpus.row()

    with django_capture_on_commit_callbacks(execute=True):
        corpus.applied(cast, new)
    assert (waking.PUBLISH_TASK, ()) in rung
    tasks.publish_whitelist()
    assert WhitelistVersion.objects.get().added == 1
    rung.clear()
    connection.run_on_commit.clear()  # the test's own transaction goes on: what was rung in it counts as rung

    with django_capture_on_commit_callbacks(execute=True):
        corpus.applied(cast, {"action": "REMOVE", "mac": new["mac"]})

    assert (waking.PUBLISH_TASK, ()) in rung
    assert PendingRemoval.objects.count() == 1
    tasks.publish_whitelist()
    assert guard.obeys == 2
    assert not PendingRemoval.objects.exists()
    assert register.expire_entries(timezone.now()) == 0
