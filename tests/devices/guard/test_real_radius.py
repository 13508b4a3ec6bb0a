"""MAC-07 with FreeRADIUS from Debian: what it answers on the wire is what is approved, through both of its traps."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from devices.guard import publishing
from devices.guard.models import GuardState
from portal.embedded.radius import EmbeddedRadius, reload
from portal.gateways.guard import Pair
from portal.gateways.guard_radius import RadiusGuard
from tests.devices.guard import world

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


def test_mac_07_two_changes_within_five_seconds_a_broken_file_and_a_dead_reload(
    radius: EmbeddedRadius,
) -> None:
    first, second = world.entry(), world.entry()
    assert not accepts(radius, first.mac)

    began = time.monotonic()
    publish()
    assert accepts(radius, first.mac)
    assert accepts(radius, second.mac)
    # FreeRADIUS ignores a second SIGHUP within five seconds: the removal must arrive all the same.
    world.end(first)
    publish()
    assert not accepts(radius, first.mac)
    assert accepts(radius, second.mac)
    assert time.monotonic() - began < WITHIN_SECONDS

    # Somebody puts a broken file there and reloads: the old list stays, and every later reload is ignored.
    radius.list_file.write_text("DEFAULT\n\tTunnel-Typo := VLAN,\n")
    reload(radius.directory)
    third = world.entry()
    publish()

    assert accepts(radius, third.mac)
    assert not accepts(radius, first.mac)
    assert GuardState.objects.get().outcome == GuardState.Outcome.IN_FORCE
