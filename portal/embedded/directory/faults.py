"""Faults that tests switch on: delays, lost requests, lost replies, refusals, refused connections.

In the same process through `DemoDirectory.faults`; from another one by a JSON line on the control socket:
{"do": "fault", "operation": "add", "action": "lose_reply", "times": 1}, {"do": "clear"},
{"do": "refuse_connections", "value": true}, {"do": "counts"}.
"""

from __future__ import annotations

import json
import socketserver
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

Action = Literal["delay", "lose_request", "lose_reply", "hang", "refuse"]


@dataclass
class Fault:
    """What happens to the next `times` operations of a kind ("*" for all); None means until cleared.

    delay: waits `seconds` first. lose_request: hangs up, nothing applied. lose_reply: applies, then hangs up.
    hang: applies and never answers. refuse: answers `result` with the Win32 code `win32` and `text`, nothing applied.
    """

    operation: str
    action: Action
    times: int | None = 1
    seconds: float = 0.0
    result: int = 52
    win32: str = ""
    text: str | bytes = "ordered by a test"


class Faults:
    """The faults of one server, and how many operations of each kind arrived."""

    def __init__(self) -> None:
        self.refuse_connections = False
        self.referrals: list[str] = []
        """Addresses that every search below a base names beside its entries, as AD names its other partitions."""
        self.counts: Counter[str] = Counter()
        self._faults: list[Fault] = []
        self._lock = threading.Lock()

    def add(self, fault: Fault) -> None:
        with self._lock:
            self._faults.append(fault)

    def clear(self) -> None:
        with self._lock:
            self._faults.clear()
            self.refuse_connections = False
            self.referrals = []

    @contextmanager
    def active(self, fault: Fault) -> Iterator[None]:
        """The fault for the length of a block."""
        self.add(fault)
        try:
            yield
        finally:
            self.clear()

    def take(self, operation: str) -> Fault | None:
        """Count the operation and use up one fault that is meant for it."""
        with self._lock:
            self.counts[operation] += 1
            for fault in self._faults:
                if fault.operation not in (operation, "*"):
                    continue
                if fault.times is not None:
                    fault.times -= 1
                    if fault.times <= 0:
                        self._faults.remove(fault)
                return fault
        return None

    def command(self, order: dict[str, Any]) -> dict[str, Any]:
        """Carry out one order of the control socket."""
        match order.pop("do", None):
            case "fault":
                self.add(Fault(**order))
            case "clear":
                self.clear()
            case "refuse_connections":
                self.refuse_connections = bool(order.get("value", True))
            case "counts":
                with self._lock:
                    return {"ok": True, "counts": dict(self.counts)}
            case other:
                return {"ok": False, "error": f"unknown order {other!r}"}
        return {"ok": True}


class ControlServer(socketserver.ThreadingUnixStreamServer):
    """The control socket: mode 600, one JSON object per line in both directions."""

    daemon_threads = True

    def __init__(self, path: Path, faults: Faults) -> None:
        self.faults = faults
        path.unlink(missing_ok=True)
        super().__init__(str(path), _ControlHandler)
        path.chmod(0o600)


class _ControlHandler(socketserver.StreamRequestHandler):
    server: ControlServer

    def handle(self) -> None:
        for line in self.rfile:
            try:
                answer = self.server.faults.command(json.loads(line))
            except (ValueError, TypeError) as error:
                answer = {"ok": False, "error": str(error)}
            self.wfile.write(json.dumps(answer).encode() + b"\n")
