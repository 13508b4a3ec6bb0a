"""`make test`: every tier of the tests in one go, with what this machine can offer.

Tier 1 runs everything on the embedded servers. Tier 2 runs on PostgreSQL, Redis and Samba AD from Debian packages what
those can change: the tests marked `real`, and once more every test that commits (locks, races, queues). A tier that cannot be installed is left out and named in the last lines; with CI=true that is a failure.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from portal.embedded import packages, services
from portal.embedded.account import AccountError
from portal.embedded.process import ServerError

ROOT = Path(__file__).resolve().parent.parent.parent
_REPORTS = ROOT / "var" / "test-reports"
_STRICT = os.environ.get("CI", "").lower() == "true"


def main(arguments: list[str]) -> int:
    """Run the tiers; further arguments go to pytest. 1 when a test failed or, with CI=true, a tier is missing."""
    _REPORTS.mkdir(parents=True, exist_ok=True)
    left_out = []
    if not shutil.which("chromium") and packages.ensure(packages.BROWSER):
        left_out.append("browser: Chromium cannot be installed here")
    print("== Tier 1: embedded servers", flush=True)
    # Two processes, each with servers of its own.
    total = _pytest("embedded", ["-n", "2", "-m", "not real", *arguments], {})
    was_up = bool(services.environment())
    try:
        environment = services.up()
    except (ServerError, AccountError) as problem:
        left_out.append(f"real services: {' '.join(str(problem).split())}")
    else:
        print("== Tier 2: PostgreSQL, Redis and Samba AD from Debian packages", flush=True)
        try:
            total += _pytest("real", ["--real-tier", "-m", "not browser", *arguments], environment)
        finally:
            if not was_up:
                services.down()
    for tier in left_out:
        print(f"Tier left out: {tier}")
    if left_out and _STRICT:
        total["failed"] += len(left_out)
    print(f"{total['passed']} passed, {total['failed']} failed, {total['skipped']} skipped")
    return 1 if total["failed"] else 0


def _pytest(name: str, arguments: list[str], environment: Mapping[str, str]) -> Counter[str]:
    report = _REPORTS / f"{name}.xml"
    report.unlink(missing_ok=True)
    command = [sys.executable, "-m", "pytest", "-q", f"--junitxml={report}", *arguments]
    # Importing this package names the local settings (portal.celery); the tests have their own.
    env = {**os.environ, "DJANGO_SETTINGS_MODULE": "portal.settings.test", **environment}
    done = subprocess.run(command, cwd=ROOT, env=env, check=False)
    counted = count_report(report)
    # A run that broke off before or after its tests has failed, whatever it counted (5: nothing was collected).
    if done.returncode not in (0, 5) and not counted["failed"]:
        counted["failed"] += 1
    return counted


def count_report(report: Path) -> Counter[str]:
    """Passed, failed and skipped of a JUnit report; nothing for one that was not written."""
    if not report.exists():
        return Counter()
    # Written by the pytest that this process has just run.
    suites = ET.parse(report).getroot().iter("testsuite")  # noqa: S314
    total: Counter[str] = Counter()
    for suite in suites:
        failed = int(suite.get("failures", 0)) + int(suite.get("errors", 0))
        skipped = int(suite.get("skipped", 0))
        total += Counter(failed=failed, skipped=skipped, passed=int(suite.get("tests", 0)) - failed - skipped)
    return total


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
