"""Add DNS zones, tickets and computer objects to the demonstration; demo_data calls it."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from requests.demo import computers, enquiries, networks, outages, password_settings, story, unlocks


class Command(BaseCommand):
    """Adds what is not there yet."""

    help = "Adds DNS zones, tickets and computer objects to the demonstration (never in production)."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--federations", type=int, default=3, help="how many federations (default 3)")

    def handle(self, *args: Any, **options: Any) -> None:
        """Refuses wherever the settings are not those of a demonstration."""
        if not getattr(settings, "EMBEDDED_INBOX", False):
            raise CommandError("demo_dns runs with local settings only.")
        made = story.tell(federations=options["federations"])
        computers.tell(federations=options["federations"])
        enquiries.tell()
        networks.tell()
        password_settings.tell(federations=options["federations"])
        unlocks.tell(federations=options["federations"])
        outages.tell()
        if options["verbosity"]:
            self.stdout.write(f"DNS tickets of {made} federations.")
