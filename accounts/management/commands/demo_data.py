"""Fill the portal with invented people, applications and accounts."""

from __future__ import annotations

import random
import time
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from accounts.demo import bulk, people, scenes, story
from portal.gateways import directory_factory
from portal.gateways.directory import Directory, DirectoryError
from portal.workflow.models import Application

# So many are made one by one through the portal's services; what goes beyond is written in bulk.
STORY_LIMIT = 60
# Of a hundred applications in bulk at least so many end in an account.
_COMPLETED_SHARE = 0.75


class Command(BaseCommand):
    """Adds to what is there; people and recipients are made once."""

    help = "Fills the portal with a demonstration of any size (never in production)."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--federations", type=int, default=3, help="how many of the 47 get people (default 3)"
        )
        parser.add_argument(
            "--applications", type=int, default=STORY_LIMIT, help="how many are added (default 60)"
        )
        parser.add_argument("--accounts", type=int, default=0, help="accounts added to the register in bulk")
        parser.add_argument("--no-scenes", action="store_true", help="the applications only")
        parser.add_argument("--seed", type=int, default=2026, help="the same seed draws the same names")

    def handle(self, *args: Any, **options: Any) -> None:
        """People first, then the story, then the bulk. Refuses wherever the settings are not those of a demonstration."""
        if not getattr(settings, "EMBEDDED_INBOX", False):
            raise CommandError(
                "demo_data makes logins with a known password: it runs with local settings only."
            )
        started = time.monotonic()
        self._verbosity = options["verbosity"]
        # What is there already changes the draw, so that a second run adds other rows and not the same again.
        dice = random.Random(f"{options['seed']}-{Application.system.count()}")
        now = timezone.now()
        directory = self._directory()
        self._say("people")
        for organisation in people.staffed(max(1, min(options["federations"], 47))):
            people.hire(organisation, directory, dice)
        wanted = options["applications"]
        small = wanted <= STORY_LIMIT
        self._say("applications and accounts")
        made = story.tell(wanted, dice=dice, now=now, reachable=directory is not None) if small else 0
        if small and wanted >= STORY_LIMIT and directory is not None and not options["no_scenes"]:
            scenes.play(directory, dice=dice, now=now)
        rest = max(wanted - made, round(options["accounts"] / _COMPLETED_SHARE) if options["accounts"] else 0)
        if rest:
            bulk.Writer(dice, now).write(rest, options["accounts"])
        if small:  # what other rooms add to the story, after the people of this one
            for room, command, values in (
                ("devices", "demo_devices", {"seed": options["seed"]}),
                ("DNS records", "demo_dns", {}),
                ("services by hand", "demo_managed", {}),
                ("PCs from installation to removal", "demo_bundles", {}),
            ):
                self._say(room)
                call_command(command, federations=options["federations"], verbosity=0, **values)
            self._say("audit reports")
            call_command("demo_audit", verbosity=0)
        if options["verbosity"]:
            seconds = time.monotonic() - started
            self.stdout.write(f"{made + rest} applications added in {seconds:.0f} s. See demo_logins.")

    def _say(self, what: str) -> None:
        """What comes next, for whoever waits."""
        if self._verbosity:
            self.stdout.write(f"Demonstration: {what} ...")
            self.stdout.flush()

    def _directory(self) -> Directory | None:
        """The directory if it answers; without it people exist but cannot log in, and approved work waits."""
        directory = directory_factory.get_directory()
        try:
            directory.ping()
        except DirectoryError as error:
            self.stderr.write(
                f"The directory does not answer ({error.code}): no logins are made, approved work waits."
            )
            return None
        return directory
