"""Up to which moment a revision shows what the parties said (AUD-04, AUD-10).

A revision that was replaced stays as it was: what is said of its successor does not change it. A federation reads of 中央会
what was said until its revision was provided; what 中央会 drafts for the next one shows through nowhere.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db.models import Case, OuterRef, QuerySet, Subquery, When

from audit.reconciliation.said import Until
from audit.reports import access
from audit.reports.models import AuditReport, ReportEvent
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


def of_reader_of_many(
    user: User, reports: QuerySet[AuditReport], now: datetime
) -> list[tuple[AuditReport, Until]]:
    """The same of each of these revisions, which the person may see. One statement."""
    everywhere = access.reach(user, now).everywhere
    events = ReportEvent.objects.filter(report=OuterRef("pk"), verb=Verb.SUPERSEDED).order_by("-pk")
    replaced = Case(When(is_current=False, then=Subquery(events.values("at")[:1])))
    rows: Any = reports.order_by().annotate(replaced_at=replaced)
    return [
        (row, Until(central=row.replaced_at if everywhere else row.provided_at, federation=row.replaced_at))
        for row in rows
    ]


def _replaced_at(report: AuditReport) -> datetime | None:
    if report.is_current:
        return None
    found: datetime | None = (
        report.events.filter(verb=Verb.SUPERSEDED).order_by("-pk").values_list("at", flat=True).first()
    )
    return found
