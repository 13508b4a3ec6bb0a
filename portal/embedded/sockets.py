"""Where sockets live and which ports are free."""

from __future__ import annotations

import json
import os
import secrets
import socket
import stat
import tempfile
from pathlib import Path

from portal.embedded.account import Account

# sun_path holds 108 bytes with its closing NUL on Linux, 104 elsewhere; PostgreSQL adds "/.s.PGSQL.5432.lock".
_LONGEST_FOLDER = 80
# Below the range that Linux gives to outgoing connections (32768 on; net.ipv4.ip_local_port_range).
_SERVER_PORTS = range(20_000, 32_000)


def socket_folder(directory: Path, account: Account) -> Path:
    """A private folder for unix sockets: `directory`/run, or a short temporary one where that path is too long.

    The temporary folder is remembered in `directory`, so that a later start and other programs find the same one.
    """
    folder = directory / "run"
    if len(os.fsencode(folder)) <= _LONGEST_FOLDER:
        return account.folder(folder)
    note = directory / "run-folder"
    if note.exists():
        remembered = Path(note.read_text())
        if _is_private(remembered, account):
            return remembered
    short = account.folder(Path(tempfile.mkdtemp(prefix="portal-")))
    note.write_text(str(short))
    return short


def _is_private(folder: Path, account: Account) -> bool:
    """Whether nobody else can have put something into a folder under a shared parent."""
    owner = os.geteuid() if account.uid is None else account.uid
    try:
        seen = folder.lstat()
    except OSError:
        return False
    return stat.S_ISDIR(seen.st_mode) and seen.st_uid == owner and not seen.st_mode & 0o077


def port_is_free(host: str, port: int) -> bool:
    """Whether a server could listen there now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def answers(host: str, port: int) -> bool:
    """Whether something accepts connections there."""
    try:
        with socket.create_connection((host, port), timeout=1):
            return True
    except OSError:
        return False


def free_port(host: str = "127.0.0.1") -> int:
    """A port that is free now, and stays so until a server takes it: the kernel gives none of these to connections."""
    for _attempt in range(100):
        port = _SERVER_PORTS.start + secrets.randbelow(len(_SERVER_PORTS))
        if port_is_free(host, port):
            return port
    raise OSError(f"no free port on {host} in {_SERVER_PORTS}")


def kept_port(note: Path, name: str, host: str = "127.0.0.1") -> int:
    """The port that `name` had at the last start if it is still free, else a new one, remembered in `note`."""
    try:
        ports: dict[str, int] = json.loads(note.read_text())
    except (OSError, ValueError):
        ports = {}
    if name not in ports or not port_is_free(host, ports[name]):
        ports[name] = free_port(host)
        note.write_text(json.dumps(ports))
    return ports[name]
