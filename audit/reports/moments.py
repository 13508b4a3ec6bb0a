"""Up to which moment a revision shows what the parties said (AUD-04, AUD-10).

A revision that was replaced stays as it was: what is said of its successor does not change it. A federation reads of 中央会
what was said until its revision was provided; what 中央会 drafts for the next one shows through nowhere.
"""

from __future__ import annotations

from datetime import datetime

from audit.reconciliation.said import Until
from audit.reports import access
from audit.reports.models import AuditReport
from audit.reports.verbs import Verb
from portal.orgs.models import User


def of_revision(report: AuditReport) -> Until:
    """What the revision itself says, whoever asks; so its files."""
    replaced = _replaced_at(report)
    return Until(central=replaced, federation=replaced)


def of_reader(user: User, report: AuditReport, now: datetime) -> Until:
    """What this person reads of a revision that they may see."""
    if access.reach(user, now).everywhere:
        return of_revision(report)
    return Until(central=report.provided_at, federation=_replaced_at(report))


def _replaced_at(report: AuditReport) -> datetime | None:
    if report.is_current:
        return None
    found: datetime | None = (
        report.events.filter(verb=Verb.SUPERSEDED).order_by("-pk").values_list("at", flat=True).first()
    )
    return found
