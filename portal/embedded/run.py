"""`make run`: the whole portal on this machine, from databases to browser address, until Ctrl-C.

Every server is a child of this process and writes to var/log. A server that ends is started again; one that ends five
times within a minute stops everything, with the place of its log. With SERVICES=real the portal runs on the services
of `make services` instead of the embedded ones.
"""

from __future__ import annotations

import argparse
import fcntl
import os
import secrets
import shlex
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pyrage

from portal.embedded import authority, packages, services
from portal.embedded.account import Account, AccountError, choose_account
from portal.embedded.postgres import EmbeddedPostgres, wheel_binaries
from portal.embedded.prepare import fingerprint
from portal.embedded.process import ServerError, last_lines
from portal.embedded.sockets import answers, kept_port, port_is_free, socket_folder
from portal.embedded.supervisor import Command, Server, Stopped, Supervisor
from portal.embedded.valkey import EmbeddedValkey, wheel_binary

ROOT = Path(__file__).resolve().parent.parent.parent
_LOOPBACK = "127.0.0.1"


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where this run keeps its things, who runs it, and where it listens."""

    state: Path
    account: Account
    host: str
    port: int

    @property
    def url(self) -> str:
        """The address for a browser."""
        return f"http://{self.host}:{self.port}"

    def log(self, name: str) -> Path:
        """A server's log file."""
        return self.state / "log" / f"{name}.log"

    def secret(self, name: str) -> str:
        """A random value that is made once and kept."""
        path = self.state / name
        if not path.exists():
            with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as note:
                note.write(secrets.token_urlsafe(48))
            self.account.own(path)
        return path.read_text()

    def continuity_key(self) -> str:
        """The public half of a demonstration key pair; in production the private half never comes near the portal."""
        path = self.state / "continuity-private-key"
        if not path.exists():
            with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as note:
                note.write(str(pyrage.x25519.Identity.generate()))
            self.account.own(path)
        return str(pyrage.x25519.Identity.from_str(path.read_text().strip()).to_public())


def say(text: str) -> None:
    """Tell the person at the terminal."""
    print(text, flush=True)


def python(*arguments: str | Path) -> list[str | Path]:
    """A command of this project's interpreter."""
    return [sys.executable, "-m", *arguments]


def common_environment(place: Place) -> dict[str, str]:
    """What every child gets besides the addresses of the servers."""
    kept = {
        key: value for key, value in os.environ.items() if not key.startswith(("DJANGO_", "PORTAL_", "MAKE"))
    }
    cache = str(place.account.folder(place.state / "cache"))
    return kept | {
        "DJANGO_SETTINGS_MODULE": "portal.settings.local",
        "PORTAL_STATE_DIR": str(place.state),
        "PORTAL_URL": place.url,
        "ALLOWED_HOSTS": f"{place.host},127.0.0.1,localhost",
        "SECRET_KEY": place.secret("secret-key"),
        "MAIL_FROM": "portal@kokuho.example.jp",
        "CONTINUITY_RECIPIENTS": place.continuity_key(),
        "PYTHONUNBUFFERED": "1",
        "XDG_CACHE_HOME": cache,
        **({"HOME": cache} if place.account.uid is not None else {}),
    }


def start_embedded(place: Place, supervisor: Supervisor, common: Mapping[str, str]) -> dict[str, str]:
    """Start the embedded servers and return their addresses. The slow starters come up beside the databases."""
    mail, mail_address = _mail_catcher(place, common)
    directory, directory_note = _demo_directory(place, common)
    two_factor, exchange = _two_factor(place, common)
    guard = {"GUARD_CSV_FILE": str(place.account.folder(place.state / "guard") / "whitelist.csv")}
    postgres = EmbeddedPostgres(place.state / "postgres", account=place.account)
    valkey = EmbeddedValkey(place.state / "valkey", account=place.account)
    servers: dict[str, Server] = {
        "mail catcher": mail,
        "demo directory": directory,
        "two-factor counterpart": two_factor,
        "PostgreSQL": postgres,
        "Valkey": valkey,
    }
    for name, server in servers.items():
        supervisor.add(name, server)
    mail.launch()
    directory.launch()
    two_factor.launch()
    postgres.start()
    valkey.start()
    mail.wait()
    directory.wait()
    return {
        "DATABASE_URL": postgres.url,
        "REDIS_URL": valkey.cache_url,
        "CELERY_BROKER_URL": valkey.broker_url,
        "PORTAL_MAIL_DIR": str(place.state / "mail"),
        **mail_address,
        **read_environment(directory_note),
        **exchange,
        **guard,
    }


def start_signer(place: Place, supervisor: Supervisor, common: Mapping[str, str]) -> dict[str, str]:
    """The signing process of the evidence log; here under the portal's own account, in production under one of its own."""
    folder = place.account.folder(place.state / "signer")
    path, verifier = socket_folder(folder, place.account) / "sign.sock", folder / "verifier"
    path.unlink(missing_ok=True)
    server = Command(
        "The signing process",
        python("portal.trail.signer", "serve", "--init", "--dir", folder, "--socket", path),
        account=place.account,
        log=place.log("signer"),
        env=common,
        cwd=ROOT,
        ready=lambda: verifier.exists() and path.exists(),
    )
    supervisor.add("signing process", server)
    server.start()
    return {"EVIDENCE_SIGNER_SOCKET": str(path), "EVIDENCE_PUBLIC_KEYS": verifier.read_text().strip()}


def _mail_catcher(place: Place, common: Mapping[str, str]) -> tuple[Command, dict[str, str]]:
    port = kept_port(place.state / "ports.json", "mail")
    folder = place.account.folder(place.state / "mail")
    server = Command(
        "The mail catcher",
        python("portal.embedded.mailcatcher", "--dir", folder, "--port", str(port)),
        account=place.account,
        log=place.log("mailcatcher"),
        env=common,
        cwd=ROOT,
        ready=lambda: answers(_LOOPBACK, port),
    )
    return server, {"SMTP_HOST": _LOOPBACK, "SMTP_PORT": str(port), "SMTP_SECURITY": "none"}


def _demo_directory(place: Place, common: Mapping[str, str]) -> tuple[Command, Path]:
    port = kept_port(place.state / "ports.json", "directory")
    folder = place.account.folder(place.state / "directory")
    note = folder / "env"
    # Written anew at each start: an old one would name an old port.
    note.unlink(missing_ok=True)
    server = Command(
        "The demo directory",
        python(
            *(
                "portal.embedded.directory",
                "--dir",
                folder,
                "--host",
                _LOOPBACK,
                "--port",
                str(port),
                "--seed",
            ),
        ),
        account=place.account,
        log=place.log("directory"),
        env=common,
        cwd=ROOT,
        ready=lambda: note.exists() and answers(_LOOPBACK, port),
    )
    return server, note


def _authority(place: Place, common: Mapping[str, str]) -> tuple[Command, dict[str, str]]:
    """A certificate that signs reports, and an authority that stamps their time."""
    port = kept_port(place.state / "ports.json", "time-stamps")
    folder = place.account.folder(place.state / "authority")
    server = Command(
        "The time-stamp authority",
        python("portal.embedded.authority", "--dir", folder, "--port", str(port)),
        account=place.account,
        log=place.log("authority"),
        env=common,
        cwd=ROOT,
        ready=lambda: answers(_LOOPBACK, port),
    )
    return server, authority.environment(folder, port)


def _two_factor(place: Place, common: Mapping[str, str]) -> tuple[Command, dict[str, str]]:
    """An exchange folder, and somebody who acknowledges every file in it."""
    folder = place.account.folder(place.state / "two-factor")
    server = Command(
        "The counterpart of the two-factor exchange",
        python("portal.embedded.two_factor", "--dir", folder),
        account=place.account,
        log=place.log("two-factor"),
        env=common,
        cwd=ROOT,
    )
    # Nobody waits here for a full batch: a person looks at the screen.
    wishes = {"TWO_FACTOR_BATCH_SECONDS": "5", "TWO_FACTOR_SETTLE_SECONDS": "1"}
    return server, {"TWO_FACTOR_ADAPTER": "exchange", "TWO_FACTOR_FOLDER": str(folder), **wishes}


def read_environment(note: Path) -> dict[str, str]:
    """KEY=VALUE lines, shell-quoted or plain."""
    pairs = (line.partition("=") for line in note.read_text().splitlines() if "=" in line)
    return {key: " ".join(shlex.split(value)) for key, _, value in pairs}


def prepare(place: Place, environment: Mapping[str, str], stamp: Path) -> str:
    """Migrations, static files, demo data: only when something changed since the last start. Returns the logins' text."""
    logins = stamp.with_name("demo-logins.txt")
    if logins.exists() and stamp.exists() and stamp.read_text() == fingerprint():
        return logins.read_text()
    say("Preparing database and static files ...")
    log = place.log("prepare")
    step = Command(
        "The preparation",
        python("portal.embedded.prepare"),
        account=place.account,
        log=log,
        # What is lost with the machine is made again: the stamp is written when all is done.
        env={**environment, "PORTAL_DEMO_LOGINS": str(logins), "PGOPTIONS": "-c synchronous_commit=off"},
        cwd=ROOT,
    )
    stamp.unlink(missing_ok=True)
    logins.touch(mode=0o600)
    place.account.own(logins)
    try:
        said = log.stat().st_size if log.exists() else 0
        step.launch()
        code = _follow(step.process, log, said) if step.process is not None else 1
    finally:
        step.stop()
    if code:
        raise ServerError(f"The database could not be prepared (exit {code}).\n{last_lines(log, 20)}")
    stamp.write_text(fingerprint())
    return logins.read_text()


def _follow(process: subprocess.Popen[bytes], log: Path, said: int) -> int:
    """Its exit code once it has ended; until then every step that it writes into the log from byte `said` on is told."""
    code: int | None = None
    while code is None:
        code = process.poll()
        with log.open("rb") as file:
            file.seek(said)
            lines = file.read().splitlines(keepends=True)
        for line in lines:
            if not line.endswith(b"\n"):
                break
            said += len(line)
            if line.endswith(b" ...\n"):
                say(f"  {line.decode(errors='replace').strip()}")
        if code is None:
            time.sleep(0.3)
    return code


def start_portal(place: Place, supervisor: Supervisor, environment: Mapping[str, str]) -> None:
    """Start web server, worker and clock; returns when the web server answers."""
    address = f"{place.host}:{place.port}"
    celery = python("celery", "-A", "portal")
    schedule = place.state / "celerybeat-schedule"
    commands: dict[str, list[str | Path]] = {
        "web": [
            *python("gunicorn", "portal.wsgi:application", "--bind", address, "--workers", "2"),
            *("--graceful-timeout", "5", "--timeout", "60", "--no-control-socket"),
        ],
        "worker": [
            *celery,
            "worker",
            "--queues",
            "celery,documents",
            "--concurrency",
            "2",
            "--loglevel",
            "INFO",
            "--without-gossip",
            "--without-mingle",
        ],
        "jobs": [
            *celery,
            "worker",
            "--queues",
            "jobs",
            "--pool",
            "threads",
            "--concurrency",
            "4",
            "--hostname",
            "jobs@%h",
            "--loglevel",
            "INFO",
            "--without-gossip",
            "--without-mingle",
        ],
        "beat": [*celery, "beat", "--loglevel", "INFO", "--schedule", schedule, "--pidfile="],
    }
    started = {}
    # Whoever signs nothing is not told where the key lies. In production those who sign have an account of their own.
    without_key = {key: value for key, value in environment.items() if key != "DOCUMENT_SIGNING_KEY_FILE"}
    for name, command in commands.items():
        started[name] = Command(
            f"The {name} process",
            command,
            account=place.account,
            log=place.log(name),
            env=environment if name == "worker" else without_key,
            cwd=ROOT,
            ready=(lambda: serves(f"{place.url}/health/")) if name == "web" else None,
        )
        supervisor.add(name, started[name])
        started[name].launch()
    started["web"].wait()


def serves(url: str) -> bool:
    """Whether a page can be fetched there now."""
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:  # noqa: S310 - our own http address
            return bool(answer.status == 200)
    except OSError:
        return False


def announce(place: Place, logins: str) -> None:
    """What the person sees when everything is up."""
    say(f"\nThe portal is up:  {place.url}/\nMail inbox:        {place.url}/_mail/\n")
    if logins.strip():
        say(f"{logins.rstrip()}\n")
    lacking = packages.missing(packages.PDF)
    if lacking:
        say(f"PDF files cannot be made yet. As root: apt-get install {' '.join(lacking)}\n")
    say(f"Logs: {place.state / 'log'}    Stop: Ctrl-C")


@contextmanager
def only_one(state: Path) -> Iterator[None]:
    """Two runs on one data folder would fight. Raises ServerError for the second."""
    with (state / "running").open("a+") as note:
        try:
            fcntl.flock(note, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise ServerError(
                f"The portal already runs from {state}. Stop it first (Ctrl-C in its window)."
            ) from None
        yield


def run(place: Place, *, real: bool) -> None:
    """Start everything and watch over it; ends by Stopped or ServerError."""
    if not port_is_free(place.host, place.port):
        raise ServerError(
            f"Port {place.port} is in use by another program. Choose another: make run PORT={place.port + 1}"
        )
    with only_one(place.state), Supervisor(say) as supervisor:
        common = common_environment(place)
        stamps, signing = _authority(place, common)
        supervisor.add("time-stamp authority", stamps)
        stamps.launch()
        common |= start_signer(place, supervisor, common)
        if real:
            # The domain administrator's password is for tests that look from outside, never for the portal.
            addresses = {key: value for key, value in services.up().items() if not key.startswith("AD_ADMIN")}
            environment = {**common, **addresses, **signing}
            stamp = services.DIRECTORY / "prepared"
        else:
            environment = {**common, **start_embedded(place, supervisor, common), **signing}
            # Inside the cluster's folder: whoever removes the database removes the stamp with it.
            stamp = place.state / "postgres" / "prepared"
        logins = prepare(place, environment, stamp)
        start_portal(place, supervisor, environment)
        announce(place, logins)
        supervisor.watch()


def choose_place(state: Path, host: str, port: int) -> Place:
    """The data folder (made if missing) and the account that can use it. Raises AccountError or ServerError."""
    state.mkdir(exist_ok=True)
    if not os.access(state, os.W_OK):
        raise ServerError(f"{state} belongs to another user. Run as that user, or move the folder away.")
    reach = [
        Path(sys.executable),
        ROOT / "manage.py",
        wheel_binaries() / "initdb",
        wheel_binary(),
        state.parent,
    ]
    account = choose_account(state, must_reach=reach)
    account.folder(state, 0o755)
    account.folder(state / "log")
    return Place(state=state, account=account, host=host, port=port)


def main() -> int:
    """Run until told to stop; 0 after Ctrl-C, 1 with a plain message when something is wrong."""
    parser = argparse.ArgumentParser(prog="python -m portal.embedded.run", description=__doc__)
    parser.add_argument("--host", default=_LOOPBACK)
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument(
        "--state", type=Path, default=ROOT / "var", help="the folder for all data (default: var)"
    )
    parser.add_argument("--services", choices=["embedded", "real"], default="embedded")
    chosen = parser.parse_args()
    try:
        run(choose_place(chosen.state.resolve(), chosen.host, chosen.port), real=chosen.services == "real")
    except Stopped:
        say("\nStopped.")
        return 0
    except (ServerError, AccountError, subprocess.SubprocessError) as problem:
        say(f"\n{problem}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
