"""Remove second factors that nobody can use any more: a lost telephone, or a SECRET_KEY that was renewed."""

from __future__ import annotations

import getpass
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from portal.orgs import factors
from portal.orgs.models import User


class Command(BaseCommand):
    """The trail keeps the reason and the account of the server from which it was done."""

    help = (
        "Remove the second factors of one person, or of everybody the apps and recovery codes, which SECRET_KEY "
        "encrypts. Sessions and tokens end with them, and the people are told by mail."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        whose = parser.add_mutually_exclusive_group(required=True)
        whose.add_argument("login_name", nargs="?", help="whose second factors, security keys too")
        whose.add_argument(
            "--all", action="store_true", help="everybody's apps and recovery codes; keys stay"
        )
        parser.add_argument("--reason", required=True, help="why; it stands in the trail")

    def handle(self, *args: Any, **options: Any) -> None:
        reason = options["reason"].strip()
        if not reason:
            raise CommandError("Give a reason: it stands in the trail.")
        people = factors.holders() if options["all"] else [self._person(options["login_name"])]
        touched = 0
        for person in people:
            removed = factors.take_away(
                user_id=person.pk,
                reason=reason,
                by=getpass.getuser(),
                keys_stay=options["all"],
                now=timezone.now(),
            )
            touched += bool(removed)
            if not removed:
                self.stdout.write(f"{person.login_name} has no second factor.")
            elif not person.email:
                self.stdout.write(f"{person.login_name} has no mail address: tell them.")
        self.stdout.write(f"Removed the second factors of {touched} of {len(people)}.")

    def _person(self, login_name: str) -> User:
        person = User.objects.filter(login_name__iexact=login_name.strip()).first()
        if person is None:
            raise CommandError(f"Nobody has the login name {login_name}.")
        return person
