"""One step of many reports at once, each in its own transaction: 中央会 provides all 47 of a month (AUD-04)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from audit.reports import access, moves
from audit.reports.errors import NotAllowed, Refused
from audit.reports.models import AuditReport
from audit.reports.sealing import seal_now
from audit.reports.services import MOVES
from portal.orgs.models import User
from portal.orgs.permissions import FEDERATIONS

# Steps of those who have many reports of a month; a federation has one.
MOST = 200  # reports on one page of a step
MANY = tuple(name for name, move in MOVES.items() if not move.permission.kinds <= FEDERATIONS)


@dataclass(frozen=True, kw_only=True)
class Looked:
    """A report and why the step is not done with it; "" when it is."""

    report: AuditReport
    why_not: str = ""


def preview(step: str, reports: Iterable[AuditReport], *, actor: User, now: datetime) -> list[Looked]:
    """What would happen, nothing is done. Whether the person holds the role is asked once for all."""
    move, found, role = MOVES[step], list(reports), None
    if found:
        with suppress(NotAllowed):
            role = access.acting(actor, move.permission, moves.place_of(move.permission, found[0]), now)
    return [Looked(report=each, why_not=moves.why_not(move, each, actor, now, role)) for each in found]


def take(
    step: str, reports: Iterable[AuditReport], seen: Mapping[int, int], *, actor: User, now: datetime
) -> list[Looked]:
    """Do the step with each report as it was seen (its version); what cannot be done is told and stops nothing else."""
    seal_now(now)
    done = []
    for report in reports:
        try:
            report = moves.take(
                MOVES[step], report_id=report.pk, version=seen[report.pk], actor=actor, now=now
            )
            done.append(Looked(report=report))
        except (NotAllowed, Refused) as refusal:
            done.append(Looked(report=report, why_not=refusal.reason))
    return done
