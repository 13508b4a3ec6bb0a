"""Print the logins of the demonstration."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from accounts.demo import people


class Command(BaseCommand):
    """One line per role. Every demo person has the same password."""

    help = "Prints login name and password of the demonstration for each role."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--all", action="store_true", help="every organisation, not one federation only")

    def handle(self, *args: Any, **options: Any) -> None:
        """Nothing to show is said as well."""
        rows = list(people.logins(every=options["all"]))
        if not rows:
            self.stdout.write("No demo logins: run demo_data first.")
            return
        self.stdout.write(f"{'login name':<16}{'password':<18}role, organisation")
        for login, role, organisation in rows:
            self.stdout.write(f"{login:<16}{people.PASSWORD:<18}{role}, {organisation}")
