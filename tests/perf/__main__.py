"""python -m tests.perf [--sections provisioning lists decisions start] [--small 10000] [--large 1000000]"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable
from pathlib import Path

from tests.perf.lab import servers
from tests.perf.report import RESULTS, Report

SECTIONS = (
    "start",
    "bulk",
    "provisioning",
    "application",
    "decisions",
    "search",
    "lists",
    "reconciliation",
    "inventory",
    "devices",
    "whitelist",
    "dns",
    "policies",
    "evidence",
    "audit_reports",
    "audit_logs",
)


def main() -> None:
    """Run the sections and write bench/results.json."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sections", nargs="+", choices=SECTIONS, default=list(SECTIONS))
    parser.add_argument("--small", type=int, default=10_000)
    parser.add_argument("--large", type=int, default=1_000_000)
    parser.add_argument("--accounts", type=int, default=20_000)
    parser.add_argument("--listed", type=int, default=50_000)
    parser.add_argument("--searched", type=int, default=100_000)
    chosen = parser.parse_args()
    report = Report()
    if "start" in chosen.sections:
        from tests.perf import start

        start.measure(report)
        report.write()
    with tempfile.TemporaryDirectory(prefix="portal-bench-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        with servers(folder) as directory:
            for section, measure in _measurements(report, directory, chosen).items():
                if section in chosen.sections:
                    measure()
                    report.write()
    print(f"Written to {RESULTS.relative_to(RESULTS.parent.parent)}")


def _measurements(
    report: Report, directory: str, chosen: argparse.Namespace
) -> dict[str, Callable[[], object]]:
    """What each section measures, in the order of a run; imported when Django stands."""
    from tests.perf import (
        accounts,
        audit_logs,
        audit_reports,
        bulk,
        decisions,
        devices,
        dns,
        evidence,
        inventory,
        lists,
        policies,
        provisioning,
        reconciliation,
        whitelist,
    )

    return {
        "bulk": lambda: bulk.measure(report),
        "provisioning": lambda: provisioning.measure(report, directory),
        "decisions": lambda: decisions.measure(report),
        "lists": lambda: lists.measure(report, chosen.small, chosen.large),
        "application": lambda: accounts.measure_application(report, directory),
        "search": lambda: accounts.measure_search(report, chosen.searched),
        "whitelist": lambda: whitelist.measure(report, chosen.listed),
        "dns": lambda: dns.measure(report, directory),
        "policies": lambda: policies.measure(report, directory),
        "audit_logs": lambda: audit_logs.measure(report, chosen.large),
        "inventory": lambda: inventory.measure(report),
        "devices": lambda: devices.measure(report),
        "evidence": lambda: evidence.measure(report, chosen.large),
        "audit_reports": lambda: audit_reports.measure(report),
        "reconciliation": lambda: reconciliation.measure(report, directory, chosen.accounts),
    }


if __name__ == "__main__":
    main()
