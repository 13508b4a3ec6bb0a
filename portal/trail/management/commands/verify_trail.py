"""`manage.py verify_trail`: exit 0 when every record fits the evidence log, 1 with the first that does not (SEC-02)."""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import translation
from django.utils.translation import gettext as _

from portal.trail import sealing, verifying
from portal.trail.findings import Finding, Kind, Result
from portal.trail.sources import find_source

_SHOWN = 20


class Command(BaseCommand):
    help = (
        "Computes the evidence log anew from the records; names the first that does not fit and exits with 1."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--checkpoint",
            type=Path,
            action="append",
            default=[],
            help="a checkpoint that was kept elsewhere",
        )
        parser.add_argument(
            "--since", type=int, default=0, metavar="N", help="read records anew from leaf N on"
        )
        parser.add_argument("--source", default="", help="read the records of this kind only")
        parser.add_argument(
            "--leaves",
            action="store_true",
            help="only print the hashes up to the newest checkpoint, for the signer",
        )
        parser.add_argument(
            "--every-signature", action="store_true", help="also those of every old checkpoint"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if options["leaves"]:
            self._print_leaves()
            return
        if options["source"] and find_source(options["source"]) is None:
            raise CommandError(f"No source is called {options['source']}.")
        try:
            shown = [path.read_text() for path in options["checkpoint"]]
        except (OSError, UnicodeDecodeError) as error:
            raise CommandError(f"The checkpoint cannot be read: {error}") from None
        with translation.override(translation.get_language() or "ja"):
            result = verifying.verify(
                shown=shown,
                since=options["since"],
                source=options["source"],
                every_signature=options["every_signature"],
            )
            self._say(result)
        if not result.fits:
            sys.exit(1)

    def _print_leaves(self) -> None:
        last = sealing.newest()
        size = last.size if last else 0
        for leaf in sealing.hashes(0, size):
            self.stdout.write(leaf.hex())
        self.stderr.write(_("Records in the newest checkpoint: %(size)d") % {"size": size})

    def _say(self, result: Result) -> None:
        self.stdout.write(
            _("%(records)d records read, %(leaves)d in the log, %(checkpoints)d checkpoints.") % vars(result)
        )
        for note in result.notes:
            self.stdout.write(_("Not compared with the signing process: %(why)s") % {"why": note})
        if result.disposed:
            self.stdout.write(
                _("%(n)d of them were disposed of after their keeping time.") % {"n": result.disposed}
            )
        if result.less:
            text = _(
                "Of %(n)d of these only the record of their disposal says that what is left is as it was."
            )
            self.stdout.write(text % {"n": result.less})
        if result.fits:
            self.stdout.write(_("Everything fits."))
            return
        self.stdout.write(
            _("First record that does not fit: %(what)s") % {"what": sentence(result.findings[0])}
        )
        for finding in result.findings[1:_SHOWN]:
            self.stdout.write(f"  {sentence(finding)}")
        more = len(result.findings) - _SHOWN
        if more > 0:
            self.stdout.write(_("  … and %(n)d more") % {"n": more})


def sentence(finding: Finding) -> str:
    """One finding in words."""
    detail = f" ({finding.detail})" if finding.detail else ""
    place = _("leaf %(n)d") % {"n": finding.leaf}
    return f"{finding.record}, {place}: {Kind(finding.kind).label}{detail}"
