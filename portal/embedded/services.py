"""Real services from Debian packages under var/services: PostgreSQL, Redis, Samba AD, FreeRADIUS, and our mail catcher.

    python -m portal.embedded.services up      install what is missing (as root), start, write the environment
    python -m portal.embedded.services env     print it as KEY=VALUE lines
    python -m portal.embedded.services status  say what runs; exit 1 when something does not
    python -m portal.embedded.services down    stop everything; the data stays

bind9 is installed with them and started by the tests that need it (portal.embedded.bind). They are clusters of their own on unix sockets and loopback addresses: the machine's own services are left alone.
"""

from __future__ import annotations

import argparse
import importlib
import os
import shlex
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol, cast

from portal.embedded import packages
from portal.embedded.account import Account, AccountError, choose_account
from portal.embedded.postgres import EmbeddedPostgres
from portal.embedded.process import PidFile, ServerError, spawn, wait_until
from portal.embedded.radius import EmbeddedRadius
from portal.embedded.sockets import answers, kept_port
from portal.embedded.valkey import EmbeddedValkey

ROOT = Path(__file__).resolve().parent.parent.parent
DIRECTORY = ROOT / "var" / "services"
_HOST = "127.0.0.1"


class ActiveDirectory(Protocol):
    """What portal.embedded.samba offers."""

    def up(self, directory: Path) -> Mapping[str, str]: ...
    def down(self, directory: Path) -> None: ...
    def env(self, directory: Path) -> Mapping[str, str]: ...
    def status(self, directory: Path) -> bool: ...


def up(*, durable: bool = True) -> dict[str, str]:
    """Start every service and return the environment that points the portal to them.

    `durable=False`: PostgreSQL does not wait for the disk, if it is started here; for a run of tests.
    Raises ServerError naming what could not be installed or started.
    """
    wanted = packages.POSTGRESQL, packages.REDIS, packages.SAMBA, packages.GUARDS, packages.NAMESERVERS
    lacking = packages.ensure([name for group in wanted for name in group])
    if lacking:
        raise ServerError(f"Not installed: {' '.join(lacking)}. As root: apt-get install {' '.join(lacking)}")
    DIRECTORY.mkdir(parents=True, exist_ok=True)
    for server in (_postgres(durable), _redis()):
        if not server.answers():
            server.start(follow_parent=False)
    _start_mail_catcher()
    _samba().up(DIRECTORY / "samba")
    if not _radius().answers():
        _radius().start(follow_parent=False)
    environment = _compose()
    note = DIRECTORY / "env"
    note.touch(mode=0o600)
    note.write_text("".join(f"{key}={shlex.quote(value)}\n" for key, value in environment.items()))
    return environment


def down() -> None:
    """Stop whatever runs of them; no error when nothing does."""
    if not DIRECTORY.exists():
        return
    _samba().down(DIRECTORY / "samba")
    _mail_pid().stop()
    _radius().stop()
    if _redis_binary():
        _redis().stop()
    if _postgres_binaries():
        _postgres().stop()
    (DIRECTORY / "env").unlink(missing_ok=True)


def environment() -> dict[str, str]:
    """What `up` wrote; empty when the services are not up."""
    try:
        lines = (DIRECTORY / "env").read_text().splitlines()
    except OSError:
        return {}
    return {
        key: shlex.split(value)[0] if value else ""
        for key, _, value in (line.partition("=") for line in lines)
    }


def status() -> dict[str, bool]:
    """Which of them answer."""
    if not DIRECTORY.exists():
        return dict.fromkeys(("PostgreSQL", "Redis", "Samba AD", "FreeRADIUS", "mail catcher"), False)
    return {
        "PostgreSQL": _postgres_binaries() is not None and _postgres().answers(),
        "Redis": _redis_binary() is not None and _redis().answers(),
        "Samba AD": bool(_samba().status(DIRECTORY / "samba")),
        "FreeRADIUS": _radius().answers(),
        "mail catcher": _mail_pid().pid() is not None,
    }


def missing() -> str:
    """Why the real services cannot be used now, as one line; "" when they can."""
    if not environment():
        return "the real services are not running (make services)"
    silent = [name for name, fine in status().items() if not fine]
    return f"{', '.join(silent)} not running (make services)" if silent else ""


def _compose() -> dict[str, str]:
    host = {"SMTP_HOST": _HOST, "SMTP_PORT": str(_mail_port()), "SMTP_SECURITY": "none"}
    directory = dict(_samba().env(DIRECTORY / "samba"))
    # Samba's folder is root's alone; the portal, under another uid, only needs the public certificate.
    certificate = DIRECTORY / "ad-ca.pem"
    certificate.write_bytes(Path(directory["AD_CA_FILE"]).read_bytes())
    certificate.chmod(0o644)
    return {
        "DATABASE_URL": _postgres().url,
        "REDIS_URL": _redis().cache_url,
        "CELERY_BROKER_URL": _redis().broker_url,
        **host,
        "PORTAL_MAIL_DIR": str(DIRECTORY / "mail"),
        **directory,
        "AD_CA_FILE": str(certificate),
        **_radius().env,
    }


def _postgres_binaries() -> Path | None:
    """Debian keeps one folder for each major version: the newest."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda path: int(path.parts[-3]))
    return found[-1].parent if found else None


def _postgres(durable: bool = True) -> EmbeddedPostgres:
    binaries = _postgres_binaries()
    if binaries is None:
        raise ServerError("PostgreSQL is not installed.")
    return EmbeddedPostgres(DIRECTORY / "postgres", binaries=binaries, durable=durable)


def _redis_binary() -> Path | None:
    found = shutil.which("redis-server") or shutil.which("valkey-server")
    return Path(found) if found else None


def _redis() -> EmbeddedValkey:
    binary = _redis_binary()
    if binary is None:
        raise ServerError("Redis is not installed.")
    return EmbeddedValkey(DIRECTORY / "redis", binary=binary)


def _samba() -> ActiveDirectory:
    """Loaded by name: it needs ldap3 and Samba, the rest of this module does not."""
    return cast("ActiveDirectory", importlib.import_module("portal.embedded.samba"))


def _radius() -> EmbeddedRadius:
    return EmbeddedRadius(DIRECTORY / "radius")


def _account() -> Account:
    return choose_account(
        DIRECTORY / "mail", must_reach=[Path(sys.executable), ROOT / "manage.py", DIRECTORY]
    )


def _mail_pid() -> PidFile:
    return PidFile(DIRECTORY / "mailcatcher.pid")


def _mail_port() -> int:
    """The running catcher's port, so asking again must not look for a free one."""
    note = DIRECTORY / "mailcatcher.port"
    return int(note.read_text()) if note.exists() else 0


def _start_mail_catcher() -> None:
    if _mail_pid().pid() is not None:
        return
    port = kept_port(DIRECTORY / "ports.json", "mail", _HOST)
    log = DIRECTORY / "mailcatcher.log"
    _account().folder(DIRECTORY / "mail")
    command: list[str | Path] = [
        sys.executable,
        "-m",
        "portal.embedded.mailcatcher",
        "--dir",
        DIRECTORY / "mail",
        "--port",
        str(port),
    ]
    child = spawn(command, account=_account(), log=log, env={**os.environ}, cwd=ROOT, follow_parent=False)
    wait_until(lambda: answers(_HOST, port), process=child, name="The mail catcher", log=log, patience=30)
    _mail_pid().write(child.pid)
    (DIRECTORY / "mailcatcher.port").write_text(str(port))


def main() -> int:
    """Run one command; the exit code says whether it worked."""
    parser = argparse.ArgumentParser(prog="python -m portal.embedded.services", description=__doc__)
    parser.add_argument("command", choices=["up", "down", "env", "status"])
    command = parser.parse_args().command
    try:
        if command == "up":
            up()
        elif command == "down":
            down()
            return 0
        elif command == "env":
            sys.stdout.write("".join(f"{key}={shlex.quote(value)}\n" for key, value in environment().items()))
            return 0 if environment() else 1
        told = status()
    except (ServerError, AccountError) as problem:
        print(problem, file=sys.stderr)
        return 1
    for name, fine in told.items():
        print(f"{name}: {'running' if fine else 'not running'}")
    return 0 if all(told.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
