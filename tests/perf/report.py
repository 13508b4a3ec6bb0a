"""Figures of one bench run: printed as they come and written to bench/results.json."""

from __future__ import annotations

import json
import platform
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median

ROOT = Path(__file__).resolve().parent.parent.parent
RESULTS = ROOT / "bench" / "results.json"


@dataclass(frozen=True, kw_only=True)
class Figure:
    """One measurement beside its reference. `ratio` is value / reference_value, whatever the unit."""

    name: str
    value: float
    unit: str
    reference: str
    reference_value: float

    @property
    def ratio(self) -> float:
        """value / reference_value; 0 without a reference value."""
        return round(self.value / self.reference_value, 3) if self.reference_value else 0.0


def in_turn(*acts: Callable[[int], object], runs: int) -> list[float]:
    """The median milliseconds of each, one run of each after the other: a machine that gets slower does so for all."""
    times: list[list[float]] = [[] for _act in acts]
    for act in acts:
        act(0)
    for number in range(runs):
        for act, own in zip(acts, times, strict=True):
            start = time.perf_counter()
            act(number)
            own.append(time.perf_counter() - start)
    return [median(own) * 1000 for own in times]


def peak_megabytes() -> float:
    """The most memory (10^6 bytes) that this process has held. Not ru_maxrss, which a process takes over from the one it was begun by."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) * 1024 / 1e6


@dataclass
class Report:
    """Collects figures; `write` merges them with those of other sections that were not run this time."""

    figures: list[Figure] = field(default_factory=list)

    def add(
        self, name: str, value: float, unit: str, *, reference: str = "", reference_value: float = 0.0
    ) -> None:
        """Keep and print one figure."""
        figure = Figure(
            name=name,
            value=round(value, 4),
            unit=unit,
            reference=reference,
            reference_value=round(reference_value, 4),
        )
        self.figures.append(figure)
        beside = f"  {figure.ratio} x {figure.reference} ({figure.reference_value})" if reference else ""
        print(f"{name}: {figure.value} {unit}{beside}", flush=True)

    def write(self) -> None:
        """Write bench/results.json."""
        kept: dict[str, dict[str, object]] = {}
        if RESULTS.exists():
            kept = {row["name"]: row for row in json.loads(RESULTS.read_text())["figures"]}
        kept |= {figure.name: {**asdict(figure), "ratio": figure.ratio} for figure in self.figures}
        RESULTS.parent.mkdir(exist_ok=True)
        content = {"python": platform.python_version(), "figures": list(kept.values())}
        RESULTS.write_text(json.dumps(content, ensure_ascii=False, indent=1) + "\n")
