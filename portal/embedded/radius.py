"""FreeRADIUS for this machine only, on a private port: the guard to which tests and `make services` publish the whitelist.

Its configuration folder is its own. The list of permitted addresses is one file in it, `authorized`; `check.conf` is the
same server with `authorized.new` in its place, so that a list can be checked before it is in force.
"""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import subprocess
from pathlib import Path

from portal.embedded.account import Account, choose_account
from portal.embedded.process import PidFile, ServerError, spawn, stop, wait_until
from portal.embedded.sockets import kept_port

_HOST = "127.0.0.1"
_CONFIGURATION = """# Made anew at each start.
prefix = /usr
libdir = /usr/lib/freeradius
confdir = {folder}
logdir = {folder}
run_dir = {folder}
name = freeradius
max_request_time = 5
cleanup_delay = 2
max_requests = 16384
hostname_lookups = no
log {{
    destination = files
    file = {folder}/freeradius.log
    auth = no
}}
security {{
    max_attributes = 200
    reject_delay = 0
    status_server = no
}}
thread pool {{
    start_servers = 2
    max_servers = 8
    min_spare_servers = 1
    max_spare_servers = 4
    max_requests_per_server = 0
}}
client portal {{
    ipaddr = {host}
    secret = {secret}
    require_message_authenticator = yes
}}
modules {{
    expr {{
    }}
    always reject {{
        rcode = reject
    }}
    always updated {{
        rcode = updated
    }}
    files authorized {{
        key = "%{{Calling-Station-Id}}"
        usersfile = ${{authorized_file}}
    }}
}}
server whitelist {{
    listen {{
        type = auth
        ipaddr = {host}
        port = {port}
    }}
    authorize {{
        if (&Calling-Station-Id && (&Calling-Station-Id =~ /^([0-9a-f]{{2}})[^0-9a-f]?([0-9a-f]{{2}})[^0-9a-f]?([0-9a-f]{{2}})[^0-9a-f]?([0-9a-f]{{2}})[^0-9a-f]?([0-9a-f]{{2}})[^0-9a-f]?([0-9a-f]{{2}})$/i)) {{
            update request {{
                &Calling-Station-Id := "%{{toupper:%{{1}}-%{{2}}-%{{3}}-%{{4}}-%{{5}}-%{{6}}}}"
            }}
        }}
        else {{
            reject
        }}
        authorized
        if (ok) {{
            update control {{
                &Auth-Type := Accept
            }}
        }}
        else {{
            reject
        }}
    }}
}}
"""


class EmbeddedRadius:
    """One server under `directory`."""

    def __init__(self, directory: Path, *, account: Account | None = None) -> None:
        self.directory = directory.resolve()
        self.directory.mkdir(parents=True, exist_ok=True)
        self.account = account or choose_account(self.directory, must_reach=[self.directory.parent])
        self.account.folder(self.directory)
        self.log = self.directory / "start.log"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def list_file(self) -> Path:
        """The permitted addresses, as FreeRADIUS reads them."""
        return self.directory / "authorized"

    @property
    def env(self) -> dict[str, str]:
        """The portal's settings for this guard; the server must have been started once."""
        binary = _binary()
        folder = self.directory
        return {
            "GUARD_RADIUS_FILE": str(self.list_file),
            "GUARD_RADIUS_CHECK": f"{binary} -XC -d {folder} -n check",
            "GUARD_RADIUS_CHECKED_FILE": str(folder / "authorized.new"),
            # As `reload` below does it, for a portal that runs beside it.
            "GUARD_RADIUS_RELOAD": f"sh -c 'touch {folder}/freeradius.conf && kill -HUP $(cut -d\" \" -f1 {folder}/process.pid)'",
            "GUARD_RADIUS_SERVER": f"{_HOST}:{self._port()}",
            "GUARD_RADIUS_SECRET": self._secret(),
        }

    @property
    def process(self) -> subprocess.Popen[bytes] | None:
        """The child while this object has started one."""
        return self._process

    def start(self, *, follow_parent: bool = True) -> None:
        """Start it and wait until it serves.

        Raises ServerError with the end of the log when it does not come up.
        """
        self.stop()
        self._configure()
        self._process = spawn(
            [_binary(), "-f", "-d", self.directory, "-n", "freeradius"],
            account=self.account,
            log=self.log,
            cwd=self.directory,
            follow_parent=follow_parent,
        )
        _pid_file(self.directory).write(self._process.pid)
        wait_until(self.answers, process=self._process, name="FreeRADIUS", log=self.log, patience=30)

    def stop(self) -> None:
        """Stop the server, also one that an earlier process left behind."""
        if self._process is not None:
            stop(self._process, with_signal=signal.SIGTERM)
            self._process = None
        _pid_file(self.directory).stop()

    def answers(self) -> bool:
        """Whether it runs, has read its configuration and serves."""
        try:
            told = (self.directory / "freeradius.log").read_text()
        except OSError:
            return False
        return _pid_file(self.directory).pid() is not None and "Ready to process requests" in told

    def _port(self) -> int:
        note = self.directory / "port"
        if not note.exists():
            note.write_text(str(kept_port(self.directory / "ports.json", "radius", _HOST)))
        return int(note.read_text())

    def _secret(self) -> str:
        path = self.directory / "secret"
        if not path.exists():
            with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as note:
                note.write(secrets.token_hex(24))
        return path.read_text()

    def _configure(self) -> None:
        (self.directory / "port").unlink(missing_ok=True)
        (self.directory / "freeradius.log").unlink(missing_ok=True)
        common = _CONFIGURATION.format(
            folder=self.directory, host=_HOST, port=self._port(), secret=self._secret()
        )
        files = {
            "common.conf": common,
            "freeradius.conf": f"authorized_file = {self.list_file}\n$INCLUDE common.conf\n",
            "check.conf": f"authorized_file = {self.directory / 'authorized.new'}\n$INCLUDE common.conf\n",
        }
        for name, text in files.items():
            path = self.directory / name
            path.unlink(missing_ok=True)
            with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:
                out.write(text)
            self.account.own(path)
        self.list_file.touch(mode=0o600)
        for path in self.directory.iterdir():
            self.account.own(path)


def reload(directory: Path) -> None:
    """Have it read its list again: touch the main file, without which it ignores every reload after a failed one, and

    send SIGHUP. Raises ServerError when the server is not there.
    """
    pid = _pid_file(directory).pid()
    if pid is None:
        raise ServerError(f"FreeRADIUS does not run from {directory}.")
    os.utime(directory / "freeradius.conf")
    os.kill(pid, signal.SIGHUP)


def _pid_file(directory: Path) -> PidFile:
    return PidFile(directory / "process.pid")


def _binary() -> Path:
    found = shutil.which("freeradius", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if found is None:
        raise ServerError("FreeRADIUS is not installed.")
    return Path(found)
