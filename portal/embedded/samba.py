"""A throw-away Samba Active Directory for tests and demonstration: python -m portal.embedded.samba up|down|env|status [DIR]

    up      installs Samba when it is missing (Debian, root), provisions a domain in DIR, starts it, makes the OU
            tree and the service account with rights on that tree only
    down    stops it; the data stay (remove DIR to begin anew)
    env     prints the AD_* settings as NAME=VALUE
    status  exit code 0 when it answers

Needs root: provisioning sets file owners, and Samba has no setting for its ports 389 and 636. Two of them need two
loopback addresses: AD_IP (127.0.0.10 unless set). DIR is var/samba unless given.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from portal.embedded import packages
from portal.embedded.samba_domain import (
    BASE_DN,
    CHECK_SCRIPT,
    DNS_PORT,
    DOMAIN,
    FQDN,
    PROVISION_MARK,
    ROOT_OU,
    SERVICE_DN,
    SETTINGS_MARK,
    SUBTREES_MARK,
    ZONES_MARK,
    SambaError,
    configure,
    delegate_settings,
    delegate_subtrees,
    make_zones,
    provision,
    write,
)

DEFAULT_DIR = Path("var/samba")
_PORTS = (389, 636)
_START_SECONDS, _STOP_SECONDS = 30, 15


def up(folder: Path | str = DEFAULT_DIR) -> dict[str, str]:
    """Bring the domain up and return its settings. Running already is success. Raises SambaError."""
    path = Path(folder).resolve()
    _install()
    path.mkdir(parents=True, exist_ok=True, mode=0o700)
    with _locked(path):
        if not all((path / mark).exists() for mark in (ZONES_MARK, SETTINGS_MARK, SUBTREES_MARK)):
            down(path)  # of an earlier version, which had no DNS, no password settings or no such right
        if not status(path):
            saved = _settings(path)
            _check_ports_free(saved["ip"])
            write(path / "check-password", CHECK_SCRIPT, 0o755)
            if not (path / PROVISION_MARK).exists():
                provision(path, saved)
            configure(path, saved)
            if not (path / ZONES_MARK).exists():
                make_zones(path)
            if not (path / SETTINGS_MARK).exists():
                delegate_settings(path)
            if not (path / SUBTREES_MARK).exists():
                delegate_subtrees(path)
            _start(path, saved["ip"])
        return env(path)


def down(folder: Path | str = DEFAULT_DIR) -> None:
    """Stop the domain controller and all its processes. Not running is success. Raises SambaError."""
    path = Path(folder).resolve()
    pid = _running_pid(path)
    if pid is None:
        return
    os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + _STOP_SECONDS
    while _running_pid(path) is not None or _answers(_settings(path)["ip"], 636):
        if time.monotonic() > deadline:
            raise SambaError(f"Samba (process {pid}) did not stop in {_STOP_SECONDS} seconds.")
        time.sleep(0.1)
    (path / "samba.pid").unlink(missing_ok=True)


def status(folder: Path | str = DEFAULT_DIR) -> bool:
    """Whether it runs and answers on the LDAPS port."""
    path = Path(folder).resolve()
    if _running_pid(path) is None:
        return False
    return all(_answers(_settings(path)["ip"], port) for port in (636, DNS_PORT))


def env(folder: Path | str = DEFAULT_DIR) -> dict[str, str]:
    """The AD_* settings of a portal that is to use it, and the administrator's for tests. Raises SambaError."""
    path = Path(folder).resolve()
    if not (path / PROVISION_MARK).exists():
        raise SambaError(f"There is no domain in {path} yet: run 'up' first.")
    saved = _settings(path)
    return {
        "AD_LDAP_URLS": f"ldaps://{saved['ip']}:636",
        "AD_DC_URLS": f"ldaps://{saved['ip']}:636",
        "AD_TLS_SERVER_NAME": FQDN,
        "AD_CA_FILE": str(path / "tls" / "ca.pem"),
        "AD_BASE_DN": BASE_DN,
        "AD_DOMAIN": DOMAIN,
        "AD_BIND_DN": SERVICE_DN,
        "AD_BIND_PASSWORD": saved["service_password"],
        "AD_ROOT_OU": ROOT_OU,
        "AD_MARKER_ATTRIBUTE": "employeeNumber",
        "DNS_BACKEND": "ad",
        "DNS_SERVERS": f"{saved['ip']}:{DNS_PORT}",
        "AD_ADMIN_DN": f"CN=Administrator,CN=Users,{BASE_DN}",
        "AD_ADMIN_PASSWORD": saved["administrator_password"],
    }


def running_pid(folder: Path | str = DEFAULT_DIR) -> int | None:
    """The process that leads all of Samba's, for tests that stop it for a while."""
    return _running_pid(Path(folder).resolve())


def unavailable_reason() -> str:
    """Why Samba cannot be brought up on this machine; "" when it can."""
    if os.getuid() != 0:
        return "Samba AD needs root"
    if not _installed() and shutil.which("apt-get") is None:
        return "Samba AD is not installed and there is no apt-get"
    return ""


# Installing


def _installed() -> bool:
    tools = shutil.which("samba") and shutil.which("samba-tool")
    return bool(tools) and Path("/usr/share/samba/setup/provision.ldif").exists()


def _install() -> None:
    if reason := unavailable_reason():
        raise SambaError(f"{reason}. Packages: {' '.join(packages.SAMBA)}.")
    if _installed():
        return
    if lacking := packages.ensure(packages.SAMBA):
        raise SambaError(f"Not installed: {' '.join(lacking)}. Try: apt-get install {' '.join(lacking)}")
    if shutil.which("systemctl"):
        # The packages switch their own daemons on for the next start of the machine; nobody wants those.
        units = ("smbd", "nmbd", "winbind", "samba-ad-dc")
        subprocess.run(["systemctl", "disable", *units], capture_output=True, check=False)


# Provisioning


def _settings(path: Path) -> dict[str, str]:
    """Address and passwords, kept from the first time on: a later call must not guess."""
    file = path / "settings.json"
    if file.exists():
        loaded: dict[str, str] = json.loads(file.read_text())
        return loaded
    made = {
        "ip": os.environ.get("AD_IP", "127.0.0.10"),
        "administrator_password": f"Demo-{secrets.token_hex(12)}",
        "service_password": f"Demo-{secrets.token_hex(12)}",
        # Writing through to the disk for each change makes everything ten times slower; a demo can do without.
        "nosync": "false" if os.environ.get("AD_FSYNC") == "1" else "true",
    }
    if path.is_dir():
        write(file, json.dumps(made), 0o600)
    return made


# Running


def _start(path: Path, ip: str) -> None:
    with (path / "samba.log").open("ab") as log:
        process = subprocess.Popen(
            [
                "samba",
                "--foreground",
                "--no-process-group",
                "--debug-stdout",
                "-s",
                f"{path}/ad/etc/smb.conf",
            ],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    write(path / "samba.pid", f"{process.pid} {_start_time(process.pid)}", 0o600)
    deadline = time.monotonic() + _START_SECONDS
    while not (_answers(ip, 636) and _answers(ip, DNS_PORT)):
        if process.poll() is not None:
            raise SambaError(f"Samba stopped at once; see {path}/samba.log.")
        if time.monotonic() > deadline:
            raise SambaError(f"Samba does not answer on {ip}:636; see {path}/samba.log.")
        time.sleep(0.1)


def _running_pid(path: Path) -> int | None:
    """Our process only if it is really ours: the number may have gone to another one since."""
    try:
        pid, started = (path / "samba.pid").read_text().split()
    except (OSError, ValueError):
        return None
    return int(pid) if started == _start_time(int(pid)) else None


def _start_time(pid: int) -> str:
    """When the process started, in ticks since boot; "" when it is gone or only waits to be reaped."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return ""
    return "" if fields[0] == "Z" else fields[19]


def _answers(ip: str, port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection((ip, port), timeout=1):
        return True
    return False


def _check_ports_free(ip: str) -> None:
    for port in (*_PORTS, DNS_PORT):
        if _answers(ip, port):
            raise SambaError(f"Something else listens on {ip}:{port}: set AD_IP to another loopback address.")


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    with (path / "lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def main(arguments: list[str]) -> int:
    command, folder = [*arguments, "", ""][:2]
    path = Path(folder) if folder else DEFAULT_DIR
    try:
        match command:
            case "up":
                up(path)
                print(f"Samba AD answers on {env(path)['AD_LDAP_URLS']}")
            case "down":
                down(path)
            case "env":
                print("\n".join(f"{name}={value}" for name, value in env(path).items()))
            case "status":
                return 0 if status(path) else 1
            case _:
                print(__doc__, file=sys.stderr)
                return 2
    except SambaError as error:
        print(f"samba: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
