"""Two bind9 servers for this machine only, on private ports: a primary that takes signed updates, and a secondary.

For tests and `make services`: the DNS servers of a site that does not keep its zones in Active Directory. The folder holds
the key, which is made at the first start, and the zones; they stay when the servers stop.
"""

from __future__ import annotations

import base64
import os
import secrets
import shutil
import signal
import subprocess
from pathlib import Path

import dns.exception
import dns.flags
import dns.message
import dns.opcode
import dns.query
import dns.rcode

from portal.embedded.account import Account, choose_account
from portal.embedded.process import PidFile, ServerError, spawn, stop, wait_until
from portal.embedded.sockets import kept_port

ZONES = ("kokuho.pr", "10.in-addr.arpa")
KEY_NAME = "portal"
_HOST = "127.0.0.1"
_ROLES = ("primary", "secondary")

_CONFIGURATION = """// Made anew at each start.
include "{folder}/key.conf";
options {{
    directory "{data}";
    listen-on port {port} {{ {host}; }};
    listen-on-v6 {{ none; }};
    pid-file none;
    session-keyfile none;
    lock-file none;
    managed-keys-directory "{data}";
    recursion no;
    dnssec-validation no;
    allow-transfer {{ key {key}; }};
    notify {notify};
    also-notify {{ {host} port {other}; }};
    notify-delay 0;
}};
controls {{ }};
{zones}
"""
_ZONE = {
    "primary": """zone "{zone}" {{
    type primary;
    file "{zone}.zone";
    // Only what the portal writes, and not the servers' own names.
    update-policy {{
        deny {key} name dns1.kokuho.pr;
        deny {key} name dns2.kokuho.pr;
        grant {key} zonesub A AAAA CNAME PTR TXT SRV;
    }};
}};""",
    "secondary": """zone "{zone}" {{
    type secondary;
    file "{zone}.copy";
    primaries {{ {host} port {other} key {key}; }};
}};""",
}
_BEGINNING = """$TTL 900
@ IN SOA dns1.kokuho.pr. hostmaster.kokuho.pr. 1 3600 600 86400 900
@ IN NS dns1.kokuho.pr.
@ IN NS dns2.kokuho.pr.
"""
_ADDRESSES = """dns1 IN A 127.0.0.1
dns2 IN A 127.0.0.1
"""


class EmbeddedBind:
    """The pair of servers under `directory`. Without `notify` the secondary stays behind until it is told to look."""

    def __init__(self, directory: Path, *, account: Account | None = None, notify: bool = True) -> None:
        self.directory = directory.resolve()
        self.directory.mkdir(parents=True, exist_ok=True)
        self.account = account or choose_account(self.directory, must_reach=[self.directory.parent])
        self.account.folder(self.directory)
        self.notify = notify
        self._processes: dict[str, subprocess.Popen[bytes]] = {}

    @property
    def env(self) -> dict[str, str]:
        """The portal's settings for these servers; they must have been started once."""
        return {
            "DNS_BACKEND": "rfc2136",
            "DNS_SERVERS": ",".join(f"{_HOST}:{self.port(role)}" for role in _ROLES),
            "DNS_ZONES": ",".join(ZONES),
            "DNS_PROTECTED_NAMES": "dns1.kokuho.pr,dns2.kokuho.pr",
            "DNS_TSIG_NAME": KEY_NAME,
            "DNS_TSIG_SECRET": self._secret(),
        }

    def start(self, *, follow_parent: bool = True) -> None:
        """Start both and wait until they serve the zones. Raises ServerError with the end of a log."""
        self.stop()
        for role in _ROLES:
            self._configure(role)
        for role in _ROLES:
            process = spawn(
                [_binary(), "-g", "-n", "1", "-c", self.directory / f"{role}.conf"],
                account=self.account,
                log=self._log(role),
                cwd=self.directory,
                follow_parent=follow_parent,
            )
            self._processes[role] = process
            self._pid_file(role).write(process.pid)
            wait_until(
                lambda role=role: self._serves(role),  # type: ignore[misc]
                process=process,
                name=f"bind9 ({role})",
                log=self._log(role),
                patience=30,
            )

    def stop(self) -> None:
        """Stop both, also those that an earlier process left behind."""
        for process in self._processes.values():
            stop(process, with_signal=signal.SIGTERM)
        self._processes.clear()
        for role in _ROLES:
            self._pid_file(role).stop()

    def answers(self) -> bool:
        """Whether both run and serve the zones."""
        return all(self._pid_file(role).pid() is not None and self._serves(role) for role in _ROLES)

    def pid(self, role: str) -> int:
        """The process of the primary or the secondary. Raises ServerError when it does not run."""
        found = self._pid_file(role).pid()
        if found is None:
            raise ServerError(f"bind9 ({role}) does not run from {self.directory}.")
        return found

    def refresh(self) -> None:
        """Have the secondary look at the primary now, as the primary's own notice would."""
        for zone in ZONES:
            notice = dns.message.make_query(f"{zone}.", "SOA", flags=dns.flags.AA)
            notice.set_opcode(dns.opcode.NOTIFY)
            dns.query.udp(notice, _HOST, timeout=5, port=self.port("secondary"))

    def port(self, role: str) -> int:
        """The port of the primary or the secondary, the same for TCP and UDP."""
        note = self.directory / f"{role}.port"
        if not note.exists():
            note.write_text(str(kept_port(self.directory / "ports.json", role, _HOST)))
        return int(note.read_text())

    def _serves(self, role: str) -> bool:
        return all(_holds(zone, self.port(role)) for zone in ZONES)

    def _secret(self) -> str:
        path = self.directory / "secret"
        if not path.exists():
            _write(path, base64.b64encode(secrets.token_bytes(32)).decode())
        return path.read_text()

    def _configure(self, role: str) -> None:
        data = self.account.folder(self.directory / role)
        (self.directory / f"{role}.port").unlink(missing_ok=True)
        key = f'key {KEY_NAME} {{ algorithm hmac-sha256; secret "{self._secret()}"; }};\n'
        other = self.port(next(each for each in _ROLES if each != role))
        names = {"host": _HOST, "other": other, "key": KEY_NAME}
        configuration = _CONFIGURATION.format(
            **names,
            folder=self.directory,
            data=data,
            port=self.port(role),
            notify="yes" if self.notify and role == "primary" else "no",
            zones="\n".join(_ZONE[role].format(**names, zone=zone) for zone in ZONES),
        )
        files = {self.directory / "key.conf": key, self.directory / f"{role}.conf": configuration}
        for zone in ZONES if role == "primary" else ():
            if not (data / f"{zone}.zone").exists():
                files[data / f"{zone}.zone"] = _BEGINNING + (_ADDRESSES if zone == ZONES[0] else "")
        for path, text in files.items():
            _write(path, text)
            self.account.own(path)

    def _log(self, role: str) -> Path:
        return self.directory / f"{role}.log"

    def _pid_file(self, role: str) -> PidFile:
        return PidFile(self.directory / f"{role}.pid")


def _holds(zone: str, port: int) -> bool:
    query = dns.message.make_query(f"{zone}.", "SOA", flags=0)
    try:
        reply = dns.query.udp(query, _HOST, timeout=0.2, port=port, ignore_unexpected=True)
    except (dns.exception.DNSException, OSError):
        return False
    return reply.rcode() == dns.rcode.NOERROR and bool(reply.answer)


def _write(path: Path, text: str) -> None:
    path.unlink(missing_ok=True)
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:
        out.write(text)


def _binary() -> Path:
    found = shutil.which("named", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if found is None:
        raise ServerError("bind9 is not installed.")
    return Path(found)
