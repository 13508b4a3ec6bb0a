"""MAC-07 with FreeRADIUS from Debian: what it answers on the wire is what is approved, through both of its traps."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from devices.guard import publishing
from devices.guard.models import GuardState
from devices.whitelist.models import WhitelistEntry
from portal.embedded.radius import EmbeddedRadius, reload
from portal.fulfilment import services as fulfilment
from portal.gateways.guard import Pair
from portal.gateways.guard_radius import RadiusGuard
from portal.orgs.permissions import Role
from tests import factories, journeys
from tests.devices import world as machines
from tests.devices.guard import world
from tests.devices.world import Cast

pytestmark = [pytest.mark.real, pytest.mark.django_db]

WITHIN_SECONDS = 10.0


@pytest.fixture
def radius(tmp_path: Path, settings: Any) -> Iterator[EmbeddedRadius]:
    """A FreeRADIUS of the test's own, and the settings that point the portal to it."""
    tmp_path.chmod(0o755)
    server = EmbeddedRadius(tmp_path / "radius")
    server.start()
    chosen = {name.removeprefix("GUARD_").lower(): value for name, value in server.env.items()}
    settings.GUARD = {**settings.GUARD, **chosen, "radius_patience": 15}
    yield server
    server.stop()


def guard(radius: EmbeddedRadius) -> RadiusGuard:
    """To ask it as a switch does."""
    return RadiusGuard(
        path=radius.list_file,
        server=radius.env["GUARD_RADIUS_SERVER"],
        secret=radius.env["GUARD_RADIUS_SECRET"],
    )


def accepts(radius: EmbeddedRadius, mac: str) -> bool:
    """Access-Accept or Access-Reject."""
    return guard(radius).accepts(Pair(mac=mac, ip="10.13.1.1"))


def publish(**options: Any) -> publishing.Round:
    return publishing.publish(now_fn=world.now, **options)


def approve(cast: Cast, line: dict[str, Any]) -> float:
    """The application that a federation sends and operations accept; the moment of the last approval."""
    approver = factories.user(Role.APPROVER, code=cast.code)
    application = machines.submitted(cast, "devices.whitelist", line)
    journeys.approve(application, approver)
    approved = time.monotonic()
    journeys.approve(application, cast.operator)
    fulfilment.drain("device_register", now_fn=timezone.now)
    publish()
    return approved


def test_mac_07_from_the_application_to_the_wire_and_back_through_both_traps(
    radius: EmbeddedRadius, cast: Cast
) -> None:
    machines.segment(network="10.13.22.0/24", vlan=300)
    for name in ("KK13-PC01", "KK13-PC02"):
        machines.computer(name, agents=["QUARANTINE"])
    first, second = "00:1b:a9:01:00:01", "00:1b:a9:01:00:02"
    new = {"action": "ADD", "computer": "KK13-PC01", "mac": first, "ip": "10.13.22.11"}
    assert not accepts(radius, first)

    approved = approve(cast, new)
    assert accepts(radius, first)
    assert time.monotonic() - approved < WITHIN_SECONDS

    # FreeRADIUS ignores a second SIGHUP within five seconds: the removal must arrive all the same.
    approved = approve(cast, {"action": "REMOVE", "mac": first})
    assert not accepts(radius, first)
    assert time.monotonic() - approved < WITHIN_SECONDS
    entry = WhitelistEntry.system.get(mac=first)
    assert entry.verified_at
    assert entry.removal_verified_at

    # Somebody puts a broken file there and reloads: the old list stays, and every later reload is ignored.
    radius.list_file.write_text("DEFAULT\n\tTunnel-Typo := VLAN,\n")
    reload(radius.directory)
    approve(cast, new | {"computer": "KK13-PC02", "mac": second})

    assert accepts(radius, second)
    assert not accepts(radius, first)
    assert GuardState.objects.get(name="radius").outcome == GuardState.Outcome.IN_FORCE


def test_mac_07_a_list_that_freeradius_refuses_is_never_loaded_and_its_line_is_told(
    radius: EmbeddedRadius, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = world.entry()
    broken = [b"00-0D-5E-00-00-01\n\tTunnel-Typo := VLAN\n"]
    monkeypatch.setattr(publishing, "render", lambda form, extract: broken)

    publish()

    state = GuardState.objects.get(name="radius")
    assert (state.outcome, state.step) == (GuardState.Outcome.FAILED, "CHECK")
    assert "Tunnel-Typo" in state.problem
    assert radius.list_file.read_text() == ""
    assert not accepts(radius, entry.mac)
