"""The servers of a bench run: durable PostgreSQL and Valkey, a mail catcher of its own process, Samba where root can have it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from portal.embedded import samba
from portal.embedded.account import choose_account
from portal.embedded.directory import DemoDirectory
from portal.embedded.migrating import swift_migrations
from portal.embedded.postgres import EmbeddedPostgres
from portal.embedded.sockets import answers, free_port
from portal.embedded.valkey import EmbeddedValkey

ROOT = Path(__file__).resolve().parent.parent.parent


@contextmanager
def servers(folder: Path) -> Iterator[str]:
    """Start everything, name it in the environment, set Django up and migrate; gives the name of the directory."""
    with ExitStack() as stack:
        account = choose_account(folder, must_reach=[])
        postgres = stack.enter_context(EmbeddedPostgres(account.folder(folder / "postgres")))
        valkey = stack.enter_context(EmbeddedValkey(account.folder(folder / "valkey")))
        os.environ |= {
            "DJANGO_SETTINGS_MODULE": "portal.settings.local",
            "DATABASE_URL": postgres.url,
            "REDIS_URL": valkey.cache_url,
            "CELERY_BROKER_URL": valkey.broker_url,
            "PORTAL_STATE_DIR": str(folder / "state"),
            "SECRET_KEY": "bench-only-0000000000000000000000000000000000000000000000",
        }
        (folder / "state").mkdir(exist_ok=True)
        os.environ |= stack.enter_context(_mail_catcher(folder / "mail"))
        directory = stack.enter_context(_directory(folder))
        _prepare_django()
        yield directory


@contextmanager
def _mail_catcher(folder: Path) -> Iterator[dict[str, str]]:
    port = free_port("127.0.0.1")
    command = [sys.executable, "-m", "portal.embedded.mailcatcher", "--dir", str(folder), "--port", str(port)]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE)
    try:
        assert process.stdout is not None
        process.stdout.readline()  # READY
        assert answers("127.0.0.1", port)
        yield {"SMTP_HOST": "127.0.0.1", "SMTP_PORT": str(port), "SMTP_SECURITY": "none"}
    finally:
        process.terminate()
        process.wait()


@contextmanager
def _directory(folder: Path) -> Iterator[str]:
    reason = samba.unavailable_reason()
    if reason:
        print(f"Samba AD is not to be had ({reason}); the demo directory stands in.", flush=True)
        with DemoDirectory(folder / "directory") as demo:
            os.environ |= demo.env
            yield "demo directory"
        return
    place = folder / "samba"
    os.environ.setdefault("AD_IP", "127.0.0.20")
    try:
        os.environ |= samba.up(place)
        yield "Samba AD"
    finally:
        samba.down(place)


def _prepare_django() -> None:
    import django

    django.setup()
    from django.core.management import call_command

    with swift_migrations():
        call_command("migrate", verbosity=0)
