"""Make a break-glass account: a local login for the day on which Active Directory is out of reach."""

from __future__ import annotations

import getpass
import sys
from argparse import ArgumentParser
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.db import IntegrityError
from django.utils import timezone

from portal.orgs import break_glass


class Command(BaseCommand):
    """The password is asked for, or read from standard input; never from the command line, where others see it."""

    help = "Make a break-glass account of network operations. Keep its password in a sealed envelope."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("login_name")
        parser.add_argument("--name", default="非常用", help="the name that screens and the trail show")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            break_glass.create(
                login_name=options["login_name"],
                display_name=options["name"],
                password=self._password(),
                now=timezone.now(),
            )
        except ValidationError as exc:
            raise CommandError(" ".join(exc.messages)) from exc
        except IntegrityError as exc:
            raise CommandError(f"The login name {options['login_name']} is taken.") from exc
        self.stdout.write("Made. The first login registers a second factor.")

    def _password(self) -> str:
        if not sys.stdin.isatty():
            return sys.stdin.readline().rstrip("\n")
        first, second = getpass.getpass("Password: "), getpass.getpass("Again: ")
        if first != second:
            raise CommandError("The two passwords differ.")
        return first
