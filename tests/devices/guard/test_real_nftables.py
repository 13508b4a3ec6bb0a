"""MAC-04, MAC-07 with the kernel's nftables in network namespaces: right pair passes, wrong pair is cut, monitor mode counts."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from devices.guard import modes, publishing
from devices.guard.models import GuardState, Mode
from portal.orgs.permissions import Role
from tests import factories
from tests.devices import world as machines
from tests.devices.guard import world

pytestmark = [pytest.mark.real, pytest.mark.django_db]

MAC, IP, WRONG_IP, SERVER = "00:0d:5e:11:22:33", "10.13.20.5", "10.13.20.9", "10.13.20.1"
_LISTEN = """
import socket
with socket.create_server(("0.0.0.0", 7000)) as server:
    print("READY", flush=True)
    while True:
        server.accept()[0].close()
"""
_CONNECT = f"""
import socket
socket.create_connection(("{SERVER}", 7000), timeout=0.4).close()
"""


@dataclass(frozen=True)
class Bridge:
    """A client and a server, and between them the machine that guards."""

    guard: str
    client: str

    def use(self, ip: str) -> None:
        """The client takes an address."""
        run("ip", "-n", self.client, "addr", "flush", "dev", "eth0", "scope", "global")
        run("ip", "-n", self.client, "addr", "add", f"{ip}/24", "dev", "eth0")

    def connects(self) -> bool:
        """Whether the client reaches the server."""
        command = ["ip", "netns", "exec", self.client, sys.executable, "-c", _CONNECT]
        return subprocess.run(command, capture_output=True, check=False).returncode == 0

    def counted(self, name: str) -> int:
        """Packets on a counter of the guard."""
        told = run("ip", "netns", "exec", self.guard, "nft", "-j", "list", "counters")
        counters = [row["counter"] for row in json.loads(told)["nftables"] if "counter" in row]
        return int(next(row["packets"] for row in counters if row["name"] == name))


def run(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


@pytest.fixture
def bridge(tmp_path: Path, settings: Any) -> Iterator[Bridge]:
    """Three network namespaces of the test's own, and the settings that point the portal to the middle one."""
    if os.geteuid() != 0:
        pytest.skip("network namespaces are root's")
    mark = uuid.uuid4().hex[:8]
    guard, client, server = (f"{name}-{mark}" for name in ("guard", "client", "server"))
    with contextlib.ExitStack() as stack:
        for name in (guard, client, server):
            run("ip", "netns", "add", name)
            stack.callback(run, "ip", "netns", "del", name)
        run("ip", "-n", guard, "link", "add", "br0", "type", "bridge")
        run("ip", "-n", guard, "link", "set", "br0", "up")
        for port, end in (("client0", client), ("up0", server)):
            run(
                "ip",
                "link",
                "add",
                port,
                "netns",
                guard,
                "type",
                "veth",
                "peer",
                "name",
                "eth0",
                "netns",
                end,
            )
            run("ip", "-n", guard, "link", "set", port, "master", "br0", "up")
        run("ip", "-n", client, "link", "set", "eth0", "address", MAC, "up")
        run("ip", "-n", server, "link", "set", "eth0", "up")
        run("ip", "-n", server, "addr", "add", f"{SERVER}/24", "dev", "eth0")
        listener = subprocess.Popen(
            ["ip", "netns", "exec", server, sys.executable, "-c", _LISTEN], stdout=subprocess.PIPE
        )
        stack.callback(listener.wait)
        stack.callback(listener.kill)
        assert listener.stdout is not None
        assert listener.stdout.readline() == b"READY\n"
        settings.GUARD = {
            **settings.GUARD,
            "nftables_file": str(tmp_path / "whitelist.nft"),
            "nftables_command": f"ip netns exec {guard} nft",
            "nftables_uplinks": ["up0"],
        }
        yield Bridge(guard, client)


def publish() -> None:
    publishing.publish(now_fn=world.now)


def test_mac_04_the_right_pair_passes_a_wrong_pair_is_cut_and_monitor_mode_only_counts(
    bridge: Bridge,
) -> None:
    segment = machines.segment("13", network="10.13.20.0/24")
    entry = world.entry(mac=MAC, ip=IP, segment=segment)
    bridge.use(WRONG_IP)

    publish()  # nothing was decided: monitor mode
    assert bridge.connects()
    assert bridge.counted("observed") > 0
    assert bridge.counted("violations") == 0

    modes.decide(
        organisation=entry.organisation,
        mode=Mode.BLOCK,
        valid_from=timezone.localdate(),
        reason="本移行完了",
        actor=factories.user(Role.OPERATOR, code="operations"),
        now=timezone.now(),
    )
    publish()
    assert not bridge.connects()  # right MAC, another IP
    assert bridge.counted("violations") > 0
    bridge.use(IP)
    assert bridge.connects()

    world.end(entry)
    publish()
    assert not bridge.connects()
    entry.refresh_from_db()
    assert entry.verified_at
    assert entry.removal_verified_at
    assert GuardState.objects.get(name="nftables").outcome == GuardState.Outcome.IN_FORCE
