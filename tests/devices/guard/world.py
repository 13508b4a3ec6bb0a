"""Entries of the whitelist, a guard that does as it is told, and a clock."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from django.utils import timezone

from devices.computers.models import Segment
from devices.guard import waking
from devices.whitelist.models import WhitelistEntry
from portal.gateways.guard import FileGuard, Form, GuardError, Proof, Staged, Step
from tests import factories
from tests.devices import world

_numbers = itertools.count(1)


def entry(code: str = "13", **fields: Any) -> WhitelistEntry:
    """An approved entry, as an earlier application left it."""
    n = next(_numbers)
    line = fields.pop("line", None) or factories.line(code=code)
    computer = fields.pop("computer", None) or world.computer(code=code, last_line=line)
    values = {
        "organisation": factories.organisation(code),
        "computer": computer,
        "segment": fields.pop("segment", None) or segment_of(code),
        "mac": f"00:0d:5e:{n >> 16 & 255:02x}:{n >> 8 & 255:02x}:{n & 255:02x}",
        "ip": f"10.{int(code)}.{100 + n // 250 % 100}.{n % 250 + 1}",
        "approved_at": timezone.now(),
        "line": line,
        "last_line": line,
    } | fields
    made: WhitelistEntry = WhitelistEntry.system.create(**values)
    return made


def segment_of(code: str) -> Segment:
    """The federation's segment of clients."""
    found = Segment.system.filter(organisation__code=code).first()
    return found or world.segment(code, vlan=300)


def end(entry: WhitelistEntry) -> None:
    """The entry ends, as the writing service does it."""
    values = {"state": WhitelistEntry.State.ENDED, "end_reason": "REMOVED", "ended_at": timezone.now()}
    WhitelistEntry.system.filter(pk=entry.pk).update(**values)
    waking.entries_ended([entry.pk], timezone.now())


@dataclass
class FakeGuard(FileGuard):
    """Keeps files as a real one does; what it obeys is `obeys`, and each step can be made to fail."""

    path: Path = Path()
    obeys: int = -1
    fails: dict[Step, str] = field(default_factory=dict)
    before: dict[Step, Callable[[], None]] = field(default_factory=dict)
    steps: list[Step] = field(default_factory=list)
    proofs: list[Proof] = field(default_factory=list)

    name = "radius"
    form = Form.RADIUS
    can_prove = True

    def _step(self, step: Step) -> None:
        self.steps.append(step)
        if step in self.before:
            self.before.pop(step)()
        if step in self.fails:
            raise GuardError(step, self.fails[step])

    def check(self, staged: Staged) -> None:
        """The consumer's checker."""
        self._step(Step.CHECK)

    def swap(self, staged: Staged) -> None:
        """The rename."""
        self._step(Step.SWAP)
        super().swap(staged)

    def activate(self, proof: Proof) -> None:
        """The reload, then the probe."""
        self._step(Step.RELOAD)
        self.obeys = proof.version
        self.verify(proof)

    def verify(self, proof: Proof) -> None:
        """Obeys the version or not."""
        self.proofs.append(proof)
        if Step.PROBE in self.fails or self.obeys != proof.version:
            raise GuardError(Step.PROBE, self.fails.get(Step.PROBE, "another version"))


def now() -> datetime:
    """The clock of a publisher."""
    return timezone.now()
