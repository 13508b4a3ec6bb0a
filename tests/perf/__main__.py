"""python -m tests.perf [--sections provisioning lists decisions start] [--small 10000] [--large 1000000]"""

from __future__ import annotations

import argparse
import tempfile
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
    "whitelist",
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
            from tests.perf import decisions, lists, provisioning

            if "bulk" in chosen.sections:
                from tests.perf import bulk

                bulk.measure(report)
                report.write()
            if "provisioning" in chosen.sections:
                provisioning.measure(report, directory)
                report.write()
            if "decisions" in chosen.sections:
                decisions.measure(report)
                report.write()
            if "lists" in chosen.sections:
                lists.measure(report, chosen.small, chosen.large)
                report.write()
            if "application" in chosen.sections:
                from tests.perf import accounts

                accounts.measure_application(report, directory)
                report.write()
            if "search" in chosen.sections:
                from tests.perf import accounts

                accounts.measure_search(report, chosen.searched)
                report.write()
            if "whitelist" in chosen.sections:
                from tests.perf import whitelist

                whitelist.measure(report, chosen.listed)
                report.write()
            if "inventory" in chosen.sections:
                from tests.perf import inventory

                inventory.measure(report)
                report.write()
            if "reconciliation" in chosen.sections:
                from tests.perf import reconciliation

                reconciliation.measure(report, directory, chosen.accounts)
                report.write()
    print(f"Written to {RESULTS.relative_to(RESULTS.parent.parent)}")


if __name__ == "__main__":
    main()
