"""Brings database, static files and demo data up to date before the portal starts; run with the portal's environment."""

from __future__ import annotations

import hashlib
import io
import os
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
# What decides whether a start has anything to prepare.
_INPUTS = (
    "requirements*.txt",
    "static/**/*",
    "*/migrations/*.py",
    "portal/*/migrations/*.py",
    "accounts/*/migrations/*.py",
    "*/management/commands/demo_*.py",
)


def fingerprint() -> str:
    """Changes whenever migrations, static files, packages or the demo data do. Cheap: names, sizes and times."""
    digest = hashlib.sha256()
    for pattern in _INPUTS:
        for path in sorted(ROOT.glob(pattern)):
            seen = path.stat()
            digest.update(f"{path}|{seen.st_size}|{seen.st_mtime_ns}\n".encode())
    return digest.hexdigest()


def prepare() -> str:
    """Migrate, collect static files, fill an empty database with the demonstration. Returns the demo logins' text."""
    import django
    from django.core.management import call_command, get_commands

    from portal.embedded.migrating import swift_migrations

    django.setup()
    print("Tables ...", flush=True)
    with swift_migrations():
        call_command("migrate", interactive=False, verbosity=0)
    call_command("collectstatic", interactive=False, verbosity=0)
    from portal.orgs.models import User

    commands = get_commands()
    if "demo_data" in commands and not User.objects.exists():
        call_command("demo_data")
    logins = io.StringIO()
    if "demo_logins" in commands:
        call_command("demo_logins", stdout=logins)
    return logins.getvalue()


def main() -> None:
    """Write the logins to the file that PORTAL_DEMO_LOGINS names."""
    text = prepare()
    note = Path(os.environ["PORTAL_DEMO_LOGINS"])
    note.touch(mode=0o600)
    note.write_text(text)


if __name__ == "__main__":
    main()
