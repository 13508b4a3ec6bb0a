"""`make test`: every tier of the tests in one go, with what this machine can offer.

Tier 2 runs on PostgreSQL, Redis, Samba AD, FreeRADIUS and nftables from Debian packages what those can change: the
tests marked `real`, and every test that commits (locks, races, queues). Tier 1 runs all others on the embedded servers,
and everything but the tests marked `real` where tier 2 cannot be had. Both run at the same time, each with servers of
its own; what tier 2 says is shown when it has ended. A tier that cannot be installed is left out and named in the last
lines; with CI=true that is a failure.
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
from typing import IO

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
    was_up = bool(services.environment())
    environment: dict[str, str] = {}
    try:
        environment = services.up(durable=False)
    except (ServerError, AccountError) as problem:
        left_out.append(f"real services: {' '.join(str(problem).split())}")
    try:
        total = _run_both(arguments, environment)
    finally:
        if environment and not was_up:
            services.down()
    for tier in left_out:
        print(f"Tier left out: {tier}")
    if left_out and _STRICT:
        total["failed"] += len(left_out)
    print(f"{total['passed']} passed, {total['failed']} failed, {total['skipped']} skipped")
    return 1 if total["failed"] else 0


def _run_both(arguments: list[str], environment: Mapping[str, str]) -> Counter[str]:
    real = None
    log = _REPORTS / "real.log"
    if environment:
        with log.open("w") as output:
            real = _start("real", ["--real-tier", *arguments], environment, stdout=output)
    print("== Tier 1: embedded servers", flush=True)
    # Two processes, each with servers of its own; one that has nothing left takes from the other.
    share = ["--beside-real-tier"] if environment else ["-m", "not real"]
    embedded = _start("embedded", ["-n", "2", "--dist", "worksteal", *share, *arguments], {})
    try:
        total = _counted("embedded", embedded)
        if real is not None:
            real.wait()
            print(
                "== Tier 2: PostgreSQL, Redis, Samba AD, FreeRADIUS and nftables from Debian packages",
                flush=True,
            )
            print(log.read_text(errors="replace"), flush=True)
            total += _counted("real", real)
    finally:
        for process in (embedded, real):
            if process is not None and process.poll() is None:
                process.terminate()
                process.wait()
    return total


def _start(
    name: str, arguments: list[str], environment: Mapping[str, str], stdout: IO[str] | None = None
) -> subprocess.Popen[bytes]:
    report = _REPORTS / f"{name}.xml"
    report.unlink(missing_ok=True)
    # scim2_client looks at every module that is loaded for each of its classes: before the portal it is loaded in a
    # sixth of the time that it takes after the tests, in xdist's workers, which load it between the two, in half.
    early = ["-p", "scim2_client"]
    command = [sys.executable, "-m", "pytest", "-q", *early, f"--junitxml={report}", *arguments]
    # Importing this package names the local settings (portal.celery); the tests have their own.
    env = {**os.environ, "DJANGO_SETTINGS_MODULE": "portal.settings.test", **environment}
    return subprocess.Popen(
        command, cwd=ROOT, env=env, stdout=stdout, stderr=subprocess.STDOUT if stdout else None
    )


def _counted(name: str, process: subprocess.Popen[bytes]) -> Counter[str]:
    """What the report says once the process has ended."""
    code = process.wait()
    counted = count_report(_REPORTS / f"{name}.xml")
    # A run that broke off before or after its tests has failed, whatever it counted (5: nothing was collected).
    if code not in (0, 5) and not counted["failed"]:
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
