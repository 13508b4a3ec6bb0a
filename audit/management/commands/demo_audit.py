"""Add the month of the audit to the demonstration; demo_data calls it."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from audit.demo import story


class Command(BaseCommand):
    """Adds what is not there yet."""

    help = "Adds the month of the audit to the demonstration (never in production)."

    def handle(self, *args: Any, **options: Any) -> None:
        """Refuses wherever the settings are not those of a demonstration."""
        if not getattr(settings, "EMBEDDED_INBOX", False):
            raise CommandError("demo_audit runs with local settings only.")
        told = story.tell()
        if options["verbosity"]:
            self.stdout.write(f"Audit reports of {told} federations.")
