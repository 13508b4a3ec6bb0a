"""The one way to find what the parties said of a session: by its fingerprint, in any run of the month (AUD-03, AUD-05).

Steps, screens, files and figures all ask here. A reason that was given while one run counted holds for every other run
of the month that knows the session; nothing is copied.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db.models import OuterRef, Q, QuerySet

from audit.reconciliation.models import MismatchReason, Side

NEWEST_FIRST = ("-given_at", "-id")


@dataclass(frozen=True, kw_only=True)
class Until:
    """Up to which moment the words of each party count; None: all of them. A moment, or an expression over the session."""

    central: Any = None
    federation: Any = None

    @property
    def shown(self) -> Q:
        """As a condition on reasons."""
        condition = Q()
        for side, moment in ((Side.CENTRAL, self.central), (Side.FEDERATION, self.federation)):
            if moment is not None:
                condition &= ~Q(side=side) | Q(given_at__lte=moment)
        return condition


ALL = Until()


def of_outer(until: Until = ALL) -> QuerySet[MismatchReason]:
    """What was said of the session of an outer query over Mismatch, the newest first."""
    return MismatchReason.system.filter(
        until.shown,
        mismatch__organisation_id=OuterRef("organisation_id"),  # of the index
        mismatch__fingerprint=OuterRef("fingerprint"),
        mismatch__reconciliation__cycle_id=OuterRef("reconciliation__cycle_id"),
    ).order_by(*NEWEST_FIRST)


def of_sessions(
    fingerprints: Iterable[str] | QuerySet[Any, Any],
    *,
    cycle_id: int,
    organisation_id: int,
    until: Until = ALL,
) -> QuerySet[MismatchReason]:
    """What was said of these sessions of a month and federation, the newest first."""
    return MismatchReason.system.filter(
        until.shown,
        mismatch__organisation_id=organisation_id,
        mismatch__fingerprint__in=fingerprints,
        mismatch__reconciliation__cycle_id=cycle_id,
    ).order_by(*NEWEST_FIRST)
