"""Debian packages: what is missing, and installing it where this machine allows that."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

PDF = ("libpango-1.0-0", "libpangoft2-1.0-0", "libharfbuzz-subset0", "fonts-morisawa-bizud-gothic")
GETTEXT = ("gettext",)
POSTGRESQL = ("postgresql",)
REDIS = ("redis-server",)
SAMBA = (
    "samba-ad-dc",
    "samba-ad-provision",
    "samba-dsdb-modules",
    "samba-vfs-modules",
    "winbind",
    "openssl",
)
GUARDS = ("freeradius", "freeradius-utils", "nftables", "iproute2")
NAMESERVERS = ("bind9",)
BROWSER = ("chromium", "chromium-l10n", "fonts-noto-cjk")

_POLICY = Path("/usr/sbin/policy-rc.d")


def missing(packages: Sequence[str]) -> list[str]:
    """Those that dpkg does not know as installed; all of them where there is no dpkg."""
    if shutil.which("dpkg-query") is None:
        return list(packages)
    asked = ["dpkg-query", "-W", "-f", "${Package} ${db:Status-Status}\n", *packages]
    told = subprocess.run(asked, capture_output=True, text=True, check=False)
    installed = {line.split()[0] for line in told.stdout.splitlines() if line.endswith(" installed")}
    return [name for name in packages if name not in installed]


def can_install() -> bool:
    """Whether this process may install Debian packages."""
    return os.geteuid() == 0 and shutil.which("apt-get") is not None


def ensure(packages: Sequence[str]) -> list[str]:
    """Install what is missing, where possible. Returns what is still missing afterwards."""
    wanted = missing(packages)
    if not wanted or not can_install():
        return wanted
    print(f"Installing Debian packages: {' '.join(wanted)}", flush=True)
    with _no_daemons():
        if not _install(wanted):
            # The package lists may be absent (fresh container) or older than the mirror.
            _apt("update")
            _install(wanted)
    return missing(packages)


def _install(packages: Sequence[str]) -> bool:
    if _apt("install", "--no-install-recommends", *packages):
        return True
    # One by one: a package that does not exist here must not keep the others out.
    done = [_apt("install", "--no-install-recommends", name) for name in packages]
    return all(done)


def _apt(*arguments: str) -> bool:
    command = ["apt-get", "-qq", "-y", "-o", "DPkg::Lock::Timeout=300", *arguments]
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    return done.returncode == 0


@contextlib.contextmanager
def _no_daemons() -> Iterator[None]:
    """Package scripts start their daemon on its default address; ours run from var/ on addresses of their own."""
    made = not _POLICY.exists()
    if made:
        _POLICY.write_text("#!/bin/sh\nexit 101\n")
        _POLICY.chmod(0o755)
    try:
        yield
    finally:
        if made:
            _POLICY.unlink(missing_ok=True)


_GROUPS = {"pdf": PDF, "gettext": GETTEXT, "browser": BROWSER}


def main() -> int:
    """`python -m portal.embedded.packages GROUP...`: install, or say what is missing and what to do."""
    wanted = [name for group in sys.argv[1:] for name in _GROUPS[group]]
    lacking = ensure(wanted)
    if lacking:
        print(f"Not installed: {' '.join(lacking)}. As root on Debian: apt-get install {' '.join(lacking)}")
    return 1 if lacking else 0


if __name__ == "__main__":
    sys.exit(main())
