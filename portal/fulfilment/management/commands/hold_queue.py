"""manage.py hold_queue REASON: before the services start on a database that was put back."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from portal.fulfilment import gate
from portal.gateways import clock


class Command(BaseCommand):
    """Holds the queue until everything was compared with the targets (ACC-12)."""

    help = "Hold the queue until everything was compared with the targets; run it after a restore, before the services start."

    def add_arguments(self, parser: CommandParser) -> None:
        """Why, for the trail."""
        parser.add_argument("reason")

    def handle(self, *args: Any, **options: Any) -> None:
        """Close the gate."""
        gate.close(actor=None, note=options["reason"], now=clock.now())
        print("The queue is held. It goes on by itself when everything was compared.")
