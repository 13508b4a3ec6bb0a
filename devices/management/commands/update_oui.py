"""Bring a newer list of makers of network cards: manage.py update_oui oui.csv mam.csv oui36.csv iab.csv."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from devices.whitelist import oui


class Command(BaseCommand):
    """Reads the CSV files that the IEEE publishes, brought by hand; asks no network."""

    help = (
        "Replace the list of makers of network cards by the CSV files of the IEEE (standards-oui.ieee.org)."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """The files, and where to write."""
        parser.add_argument("files", nargs="+", type=Path)
        parser.add_argument("--to", type=Path, help="write here instead of OUI_FILE")

    def handle(self, *args: Any, **options: Any) -> None:
        """Checked whole before anything is replaced."""
        target = options["to"] or (
            Path(settings.DEVICES["oui_file"]) if settings.DEVICES["oui_file"] else None
        )
        if target is None:
            raise CommandError("Set OUI_FILE, or say --to FILE.")
        try:
            found = oui.read_ieee(path.read_text(encoding="utf-8-sig") for path in options["files"])
        except (OSError, UnicodeDecodeError, oui.ListRefused) as error:
            raise CommandError(str(error)) from error
        oui.write_list(found, target)
        if options["verbosity"]:
            self.stdout.write(f"{len(found)} prefixes in {target}.")
