"""The domain of the throw-away Samba Active Directory: how it is provisioned, what stands in it, and who may what.

portal.embedded.samba runs it. Everything here happens while Samba is stopped, straight in its files.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from portal.embedded import samba_zones
from portal.embedded.directory.certificates import make_certificates
from portal.embedded.directory.layout import organisational_units

REALM, NETBIOS, HOST = "KOKUHO.PR", "KOKUHO", "dc1"
DOMAIN = REALM.lower()
BASE_DN = ",".join(f"DC={part}" for part in DOMAIN.split("."))
ROOT_OU = f"OU=Federations,{BASE_DN}"
SERVICE_DN = f"CN=svc-portal,OU=Services,{BASE_DN}"
FQDN = f"{HOST}.{DOMAIN}"
DNS_PORT = 5300
REVERSE_ZONE = "10.in-addr.arpa"
_ZONES_DN = f"CN=MicrosoftDNS,DC=DomainDnsZones,{BASE_DN}"
PROVISION_MARK, ZONES_MARK, SETTINGS_MARK = "provisioned", "zones-10", "password-settings-1"
SUBTREES_MARK = "computers-with-keys-1"

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
CHECK_SCRIPT = """#!/bin/sh
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


def provision(path: Path, saved: Mapping[str, str]) -> None:
    data = path / "ad"
    shutil.rmtree(data, ignore_errors=True)  # what an interrupted provisioning left
    # Else the machine's own smb.conf becomes part of ours.
    write(path / "empty.conf", "", 0o600)
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
    make_certificates(path / "tls", names=[FQDN, DOMAIN, "localhost"], addresses=[saved["ip"]], use_rsa=True)
    (data / "run").mkdir(exist_ok=True)
    configure(path, saved)
    _set_policy(path)
    _make_tree(path, saved["service_password"])
    (path / PROVISION_MARK).touch()


def configure(path: Path, saved: Mapping[str, str]) -> None:
    """Made anew at each start, so that a domain of an earlier version gets what is new."""
    values = {"realm": REALM, "netbios": NETBIOS, "host": HOST, "domain": DOMAIN, "dns_port": DNS_PORT}
    configuration = _CONFIGURATION.format(
        **values, ip=saved["ip"], nosync=saved["nosync"], folder=path, data=path / "ad"
    )
    write(path / "ad" / "etc" / "smb.conf", configuration, 0o600)


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
    write(path / "tree.ldif", ldif, 0o600)
    add_entries(path, path / "tree.ldif")
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


def add_entries(path: Path, ldif: Path) -> None:
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


def delegate_settings(path: Path) -> None:
    """Password settings objects, which only administrators may even see otherwise."""
    sid, container = _service_sid(path), f"CN=Password Settings Container,CN=System,{BASE_DN}"
    rights = (
        f"(A;;RPLCLORC;;;{sid})"
        f"(OA;CI;CCDC;{_PASSWORD_SETTINGS};;{sid})"
        f"(OA;CIIO;RPWPLCLORCSD;;{_PASSWORD_SETTINGS};{sid})"
    )
    _samba_tool("dsacl", "set", f"--objectdn={container}", f"--sddl={rights}", *_local(path))
    (path / SETTINGS_MARK).touch()


def delegate_subtrees(path: Path) -> None:
    """Delete a computer with the BitLocker recovery keys below it."""
    right = f"(OA;CIIO;DT;;{_CLASSES['computer']};{_service_sid(path)})"
    _samba_tool("dsacl", "set", f"--objectdn={ROOT_OU}", f"--sddl={right}", *_local(path))
    (path / SUBTREES_MARK).touch()


def make_zones(path: Path) -> None:
    """The zone for addresses beside the domain's own, and the service account's right to write names in both."""
    files = (f"{path}/ad/etc/smb.conf", f"{path}/ad/private/sam.ldb")
    _run(["/usr/bin/python3", "-c", samba_zones.ADD_ZONE, *files, _ZONES_DN, DOMAIN, REVERSE_ZONE])
    rights = samba_zones.rights(_service_sid(path))
    for zone in (DOMAIN, REVERSE_ZONE):
        _samba_tool("dsacl", "set", f"--objectdn=DC={zone},{_ZONES_DN}", f"--sddl={rights}", *_local(path))
    (path / ZONES_MARK).touch()


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


def write(path: Path, content: str, mode: int) -> None:
    with open(path, "w", opener=lambda name, flags: os.open(name, flags, mode)) as file:
        file.write(content)
