"""What a run can vouch for where it found nothing: a silent sender must not look like “no access” (AUD-10).

The reconciliation freezes for each machine and log on which days rows came (audit.imports.selectors.Coverage). From that it follows
whether “no mismatch” says anything at all.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from django.db import models
from django.utils.translation import gettext_lazy as _

IRREGULAR = "IRREGULAR"  # audit.imports.models.Host.Sends: it sends when something happens, so that no day can be missed


class Assurance(models.TextChoices):
    """How far the log of a federation and month speaks for itself."""

    NO_MACHINE = (
        "NO_MACHINE",
        _("No machine is registered for this log. Whether anything differs cannot be said."),
    )
    NOTHING_CAME = (
        "NOTHING_CAME",
        _("No row of this log came in the period. Whether anything differs cannot be said."),
    )
    GAPS = (
        "GAPS",
        _("Nothing differs in the rows that came. Of the days without a log nothing can be said."),
    )
    IRREGULAR = (
        "IRREGULAR",
        _(
            "Nothing differs in the rows that came. The machines send only when something happens, so that a gap cannot be seen."
        ),
    )
    WHOLE = "WHOLE", _("None: everything fits the ledgers.")

    @property
    def is_silent(self) -> bool:
        """Whether nothing came that could have differed."""
        return self in (Assurance.NO_MACHINE, Assurance.NOTHING_CAME)


def assurance(coverage: Iterable[Mapping[str, Any]], log_kind: str) -> Assurance:
    """Of one log, from what a run froze about its senders."""
    lines = [line for line in coverage if line.get("log_kind") == log_kind]
    if not lines:
        return Assurance.NO_MACHINE
    if not any(line.get("days_with_rows") for line in lines):
        return Assurance.NOTHING_CAME
    if any(line.get("days_missing") for line in lines):
        return Assurance.GAPS
    if all(is_irregular(line) for line in lines):
        return Assurance.IRREGULAR
    return Assurance.WHOLE


def is_irregular(line: Mapping[str, Any]) -> bool:
    """Whether a machine sends this log now and then; of runs from before that was kept nobody knows."""
    return line.get("sends") == IRREGULAR
