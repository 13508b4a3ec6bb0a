"""Add PCs that come and go to the demonstration; demo_data calls it."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from requests.demo import bundles


class Command(BaseCommand):
    """Adds what is not there yet."""

    help = "Adds PCs that come and go to the demonstration (never in production)."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--federations", type=int, default=3, help="how many federations (default 3)")

    def handle(self, *args: Any, **options: Any) -> None:
        """Refuses wherever the settings are not those of a demonstration."""
        if not getattr(settings, "EMBEDDED_INBOX", False):
            raise CommandError("demo_bundles runs with local settings only.")
        made = bundles.tell(federations=options["federations"])
        if options["verbosity"]:
            self.stdout.write(f"PCs of {made} federations.")
