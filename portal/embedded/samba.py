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
import stat
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from portal.embedded import packages, samba_zones
from portal.embedded.directory.certificates import make_certificates
from portal.embedded.directory.layout import organisational_units

DEFAULT_DIR = Path("var/samba")
REALM, NETBIOS, HOST = "KOKUHO.PR", "KOKUHO", "dc1"
DOMAIN = REALM.lower()
BASE_DN = ",".join(f"DC={part}" for part in DOMAIN.split("."))
ROOT_OU = f"OU=Federations,{BASE_DN}"
SERVICE_DN = f"CN=svc-portal,OU=Services,{BASE_DN}"
_FQDN = f"{HOST}.{DOMAIN}"
_PORTS = (389, 636)
_DNS_PORT = 5300
REVERSE_ZONE = "10.in-addr.arpa"
_ZONES_DN = f"CN=MicrosoftDNS,DC=DomainDnsZones,{BASE_DN}"
_START_SECONDS, _STOP_SECONDS = 30, 15
_PROVISION_MARK, _ZONES_MARK, _SETTINGS_MARK = "provisioned", "zones-10", "password-settings-1"
_SUBTREES_MARK = "computers-with-keys-1"

# The rights of the service account below the root OU, as SDDL; docs/OPERATIONS.md says the same for Windows.
# Object classes and the reset right by their well-known GUIDs.
_CLASSES = {
    "user": "bf967aba-0de6-11d0-a285-00aa003049e2",
    "computer": "bf967a86-0de6-11d0-a285-00aa003049e2",
    "group": "bf967a9c-0de6-11d0-a285-00aa003049e2",
}
_PASSWORD_SETTINGS = "3bcd9db8-f84b-451c-952f-6c52b81f9ec6"  # noqa: S105 (the name of a class)
_RESET_PASSWORD = "00299570-246d-11d0-a768-00aa006e0529"  # noqa: S105 (the name of a right)

# With a script of ours Samba leaves out its own complexity check, so both are here: three categories, and, as on
# Windows, no login name in the password, which Samba by itself would allow.
_CHECK_SCRIPT = """#!/bin/sh
# The new password comes on standard input; a non-zero exit refuses it.
export LC_ALL=C
password=$(cat)
categories=0
case $password in *[A-Z]*) categories=$((categories + 1)) ;; esac
case $password in *[a-z]*) categories=$((categories + 1)) ;; esac
case $password in *[0-9]*) categories=$((categories + 1)) ;; esac
case $password in *[!A-Za-z0-9]*) categories=$((categories + 1)) ;; esac
[ "$categories" -ge 3 ] || exit 1
folded=$(printf %s "$password" | tr '[:upper:]' '[:lower:]')
name=$(printf %s "$SAMBA_CPS_ACCOUNT_NAME" | tr '[:upper:]' '[:lower:]')
[ "${#name}" -ge 3 ] || exit 0
case $folded in *"$name"*) exit 1 ;; esac
exit 0
"""

_CONFIGURATION = """[global]
    realm = {realm}
    workgroup = {netbios}
    netbios name = {host}
    server role = active directory domain controller
    server services = rpc, ldap, cldap, kdc, dns
    # Not 53, which the machine's own resolver may hold on every address. Records are written over LDAP only.
    dns port = {dns_port}
    allow dns updates = disabled
    # Without the mask Samba finds no interface and listens nowhere, without a word.
    interfaces = {ip}/8
    bind interfaces only = yes
    disable netbios = yes
    ldb:nosync = {nosync}
    check password script = {folder}/check-password
    tls keyfile = {folder}/tls/key.pem
    tls certfile = {folder}/tls/cert.pem
    tls cafile = {folder}/tls/ca.pem
    private dir = {data}/private
    state directory = {data}/state
    cache directory = {data}/cache
    lock directory = {data}
    binddns dir = {data}/bind-dns
    pid directory = {data}/run
    ncalrpc dir = {data}/run/ncalrpc
    winbindd socket directory = {data}/run/winbindd
    ntp signd socket directory = {data}/run/ntp_signd
    log file = {data}/log.%m
    acl_xattr:ignore system acls = yes
    old password allowed period = 60

[sysvol]
    path = {data}/state/sysvol
    read only = no

[netlogon]
    path = {data}/state/sysvol/{domain}/scripts
    read only = no
"""


class SambaError(RuntimeError):
    """Samba cannot be installed, provisioned, started or stopped; the message says what to do."""


def up(folder: Path | str = DEFAULT_DIR) -> dict[str, str]:
    """Bring the domain up and return its settings. Running already is success. Raises SambaError."""
    path = Path(folder).resolve()
    _install()
    path.mkdir(parents=True, exist_ok=True, mode=0o700)
    with _locked(path):
        if not all((path / mark).exists() for mark in (_ZONES_MARK, _SETTINGS_MARK, _SUBTREES_MARK)):
            down(path)  # of an earlier version, which had no DNS, no password settings or no such right
        if not status(path):
            saved = _settings(path)
            _check_ports_free(saved["ip"])
            _write(path / "check-password", _CHECK_SCRIPT, 0o755)
            if not (path / _PROVISION_MARK).exists():
                _provision(path, saved)
            _configure(path, saved)
            if not (path / _ZONES_MARK).exists():
                _make_zones(path)
            if not (path / _SETTINGS_MARK).exists():
                _delegate_settings(path)
            if not (path / _SUBTREES_MARK).exists():
                _delegate_subtrees(path)
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
    return all(_answers(_settings(path)["ip"], port) for port in (636, _DNS_PORT))


def env(folder: Path | str = DEFAULT_DIR) -> dict[str, str]:
    """The AD_* settings of a portal that is to use it, and the administrator's for tests. Raises SambaError."""
    path = Path(folder).resolve()
    if not (path / _PROVISION_MARK).exists():
        raise SambaError(f"There is no domain in {path} yet: run 'up' first.")
    saved = _settings(path)
    return {
        "AD_LDAP_URLS": f"ldaps://{saved['ip']}:636",
        "AD_DC_URLS": f"ldaps://{saved['ip']}:636",
        "AD_TLS_SERVER_NAME": _FQDN,
        "AD_CA_FILE": str(path / "tls" / "ca.pem"),
        "AD_BASE_DN": BASE_DN,
        "AD_DOMAIN": DOMAIN,
        "AD_BIND_DN": SERVICE_DN,
        "AD_BIND_PASSWORD": saved["service_password"],
        "AD_ROOT_OU": ROOT_OU,
        "AD_MARKER_ATTRIBUTE": "employeeNumber",
        "DNS_BACKEND": "ad",
        "DNS_SERVERS": f"{saved['ip']}:{_DNS_PORT}",
        "AD_ADMIN_DN": f"CN=Administrator,CN=Users,{BASE_DN}",
        "AD_ADMIN_PASSWORD": saved["administrator_password"],
    }


def running_pid(folder: Path | str = DEFAULT_DIR) -> int | None:
    """The process that leads all of Samba's, for tests that stop it for a while."""
    return _running_pid(Path(folder).resolve())


@contextlib.contextmanager
def filled(folder: Path | str, ldif: str) -> Iterator[None]:
    """A running domain holds these entries as well for a while, thousands of them; then it is what it was. Raises SambaError.

    Samba is started anew before and after: connections to it end.
    """
    path = Path(folder).resolve()
    entries, kept = path / "filled.ldif", path / "ad.kept"
    down(path)
    shutil.copytree(path / "ad", kept, symlinks=True, ignore=_sockets)
    try:
        _write(entries, ldif, 0o600)
        _add_entries(path, entries)
        up(path)
        yield
    finally:
        down(path)
        entries.unlink(missing_ok=True)
        shutil.rmtree(path / "ad")
        kept.rename(path / "ad")
        up(path)


def _sockets(folder: str, names: list[str]) -> list[str]:
    return [name for name in names if stat.S_ISSOCK((Path(folder) / name).lstat().st_mode)]


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
        _write(file, json.dumps(made), 0o600)
    return made


def _provision(path: Path, saved: Mapping[str, str]) -> None:
    data = path / "ad"
    shutil.rmtree(data, ignore_errors=True)  # what an interrupted provisioning left
    # Else the machine's own smb.conf becomes part of ours.
    _write(path / "empty.conf", "", 0o600)
    options = (
        f"interfaces={saved['ip']}/8",
        "bind interfaces only=yes",
        "dns forwarder=",
        "acl_xattr:ignore system acls=yes",
    )
    _samba_tool(
        "domain",
        "provision",
        f"--configfile={path}/empty.conf",
        f"--targetdir={data}",
        f"--realm={REALM}",
        f"--domain={NETBIOS}",
        "--server-role=dc",
        "--dns-backend=SAMBA_INTERNAL",
        f"--host-name={HOST}",
        f"--host-ip={saved['ip']}",
        f"--adminpass={saved['administrator_password']}",
        *(f"--option={option}" for option in options),
    )
    # Samba's own certificate has no alternative names, and takes ten seconds to make.
    make_certificates(path / "tls", names=[_FQDN, DOMAIN, "localhost"], addresses=[saved["ip"]], use_rsa=True)
    (data / "run").mkdir(exist_ok=True)
    _configure(path, saved)
    _set_policy(path)
    _make_tree(path, saved["service_password"])
    (path / _PROVISION_MARK).touch()


def _configure(path: Path, saved: Mapping[str, str]) -> None:
    """Made anew at each start, so that a domain of an earlier version gets what is new."""
    values = {"realm": REALM, "netbios": NETBIOS, "host": HOST, "domain": DOMAIN, "dns_port": _DNS_PORT}
    configuration = _CONFIGURATION.format(
        **values, ip=saved["ip"], nosync=saved["nosync"], folder=path, data=path / "ad"
    )
    _write(path / "ad" / "etc" / "smb.conf", configuration, 0o600)


def _set_policy(path: Path) -> None:
    """ACC-07 as far as a domain can say it: 8 characters, 1 day, 90 days; locked after 5 for 30 minutes."""
    _samba_tool(
        "domain",
        "passwordsettings",
        "set",
        *_local(path),
        "--complexity=on",
        "--min-pwd-length=8",
        "--min-pwd-age=1",
        "--max-pwd-age=90",
        "--history-length=24",
        "--account-lockout-threshold=5",
        "--account-lockout-duration=30",
        "--reset-account-lockout-after=30",
    )


def _make_tree(path: Path, service_password: str) -> None:
    """The OUs, and the service account with rights from the root OU downwards only; before Samba is started."""
    units = [f"OU=Services,{BASE_DN}", *organisational_units(ROOT_OU)]
    ldif = "\n".join(f"dn: {dn}\nobjectClass: top\nobjectClass: organizationalUnit\n" for dn in units)
    _write(path / "tree.ldif", ldif, 0o600)
    _add_entries(path, path / "tree.ldif")
    _samba_tool(
        "user",
        "create",
        "svc-portal",
        service_password,
        "--userou=OU=Services",
        *_local(path),
    )
    _samba_tool("user", "setexpiry", "svc-portal", "--noexpiry", *_local(path))
    _delegate(path)


_ADD_ENTRIES = """
import sys
from samba.auth import system_session
from samba.param import LoadParm
from samba.samdb import SamDB

configuration, database, ldif = sys.argv[1:]
parameters = LoadParm()
parameters.load(configuration)
db = SamDB(url=database, session_info=system_session(), lp=parameters)
db.transaction_start()
with open(ldif) as file:
    for count, (_, entry) in enumerate(db.parse_ldif(file.read()), 1):
        db.add(entry)
        if count % 200 == 0:  # each entry costs more the more of them are in one transaction
            db.transaction_commit()
            db.transaction_start()
db.transaction_commit()
"""


def _add_entries(path: Path, ldif: Path) -> None:
    """Straight into the database; samba-tool would start a process for each."""
    configuration, database = f"{path}/ad/etc/smb.conf", f"{path}/ad/private/sam.ldb"
    _run(["/usr/bin/python3", "-c", _ADD_ENTRIES, configuration, database, str(ldif)])


def _service_sid(path: Path) -> str:
    shown = _samba_tool("user", "show", "svc-portal", "--attributes=objectSid", *_local(path))
    return next(line.split()[1] for line in shown.splitlines() if line.startswith("objectSid:"))


def _delegate(path: Path) -> None:
    """Create and delete, read and write, reset passwords: for accounts, computers and groups below the root."""
    sid = _service_sid(path)
    entries = [f"(OA;CI;CCDC;{guid};;{sid})" for guid in _CLASSES.values()]
    entries += [f"(OA;CIIO;RPWPLCRCSD;;{guid};{sid})" for guid in _CLASSES.values()]
    entries.append(f"(OA;CIIO;CR;{_RESET_PASSWORD};{_CLASSES['user']};{sid})")
    _samba_tool("dsacl", "set", f"--objectdn={ROOT_OU}", f"--sddl={''.join(entries)}", *_local(path))


def _delegate_settings(path: Path) -> None:
    """Password settings objects, which only administrators may even see otherwise."""
    sid, container = _service_sid(path), f"CN=Password Settings Container,CN=System,{BASE_DN}"
    rights = (
        f"(A;;RPLCLORC;;;{sid})"
        f"(OA;CI;CCDC;{_PASSWORD_SETTINGS};;{sid})"
        f"(OA;CIIO;RPWPLCLORCSD;;{_PASSWORD_SETTINGS};{sid})"
    )
    _samba_tool("dsacl", "set", f"--objectdn={container}", f"--sddl={rights}", *_local(path))
    (path / _SETTINGS_MARK).touch()


def _delegate_subtrees(path: Path) -> None:
    """Delete a computer with the BitLocker recovery keys below it."""
    right = f"(OA;CIIO;DT;;{_CLASSES['computer']};{_service_sid(path)})"
    _samba_tool("dsacl", "set", f"--objectdn={ROOT_OU}", f"--sddl={right}", *_local(path))
    (path / _SUBTREES_MARK).touch()


def _make_zones(path: Path) -> None:
    """The zone for addresses beside the domain's own, and the service account's right to write names in both."""
    files = (f"{path}/ad/etc/smb.conf", f"{path}/ad/private/sam.ldb")
    _run(["/usr/bin/python3", "-c", samba_zones.ADD_ZONE, *files, _ZONES_DN, DOMAIN, REVERSE_ZONE])
    rights = samba_zones.rights(_service_sid(path))
    for zone in (DOMAIN, REVERSE_ZONE):
        _samba_tool("dsacl", "set", f"--objectdn=DC={zone},{_ZONES_DN}", f"--sddl={rights}", *_local(path))
    (path / _ZONES_MARK).touch()


def _local(path: Path) -> tuple[str, ...]:
    return ("-s", f"{path}/ad/etc/smb.conf", "-H", f"{path}/ad/private/sam.ldb")


def _samba_tool(*arguments: str) -> str:
    return _run(["samba-tool", *arguments])


def _run(command: list[str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        # Not the arguments: they hold passwords.
        raise SambaError(f"{' '.join(command[:3])} failed: {(done.stderr or done.stdout).strip()[-500:]}")
    return done.stdout


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
    _write(path / "samba.pid", f"{process.pid} {_start_time(process.pid)}", 0o600)
    deadline = time.monotonic() + _START_SECONDS
    while not (_answers(ip, 636) and _answers(ip, _DNS_PORT)):
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
    for port in (*_PORTS, _DNS_PORT):
        if _answers(ip, port):
            raise SambaError(f"Something else listens on {ip}:{port}: set AD_IP to another loopback address.")


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    with (path / "lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _write(path: Path, content: str, mode: int) -> None:
    with open(path, "w", opener=lambda name, flags: os.open(name, flags, mode)) as file:
        file.write(content)


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
