"""Reading files that were handed in, and how far their applications are, always within what a person may see (ORG-02)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Q

from portal.common.text import search_key, search_terms
from portal.fulfilment.models import Operation, OperationStatus
from portal.orgs.models import User
from portal.workflow.bulk.models import Upload
from portal.workflow.models import Application, ApplicationLine
from portal.workflow.plans import BLOCKED, PASSED, Plan

LINES_ON_PAGE = 50


@dataclass(frozen=True)
class Progress:
    """How far the carrying out of an application is."""

    total: int
    done: int
    closed: int
    attention: int

    @property
    def waiting(self) -> int:
        """What the portal is still at work on."""
        return self.total - self.done - self.closed - self.attention

    @property
    def is_over(self) -> bool:
        """Whether nothing will change without a person."""
        return self.waiting == 0


@dataclass(frozen=True)
class PlanSummary:
    """Many plans in a few words: how many lines do what, and what the checks say."""

    lines: int
    changes: list[tuple[str, int]]  # label of the change, lines
    checks: list[tuple[str, str, int]]  # level, text, lines
    attention: list[int]  # positions of lines with a check that is not passed
    unavailable: int


def own_upload(user: User, pk: int) -> Upload:
    """A file that this person handed in. Raises Upload.DoesNotExist, also for somebody else's."""
    rows = Upload.objects.visible_to(user).select_related("organisation", "application", "uploaded_by")
    found: Upload = rows.get(pk=pk, uploaded_by=user)
    return found


def progress(user: User, application: Application) -> Progress:
    """Counted in one statement."""
    rows = Operation.objects.visible_to(user).filter(application_number=application.number, step="")
    waits = Q(status__in=(OperationStatus.ATTENTION, OperationStatus.MANUAL))
    counts = rows.aggregate(
        total=Count("pk"),
        done=Count("pk", filter=Q(status=OperationStatus.DONE)),
        closed=Count("pk", filter=Q(status=OperationStatus.CLOSED)),
        attention=Count("pk", filter=waits),
    )
    return Progress(**counts)


def operations(user: User, application: Application) -> Any:
    """The operations of what was applied for."""
    return Operation.objects.visible_to(user).filter(application_number=application.number, step="")


def summary(plans: Mapping[int, Plan]) -> PlanSummary:
    """What many lines do together; `plans` by position."""
    changes: Counter[str] = Counter()
    checks: Counter[tuple[str, str]] = Counter()
    attention = []
    for position, plan in plans.items():
        changes.update({change.label for change in plan.changes})
        checks.update(
            {(check.level, check.text) for check in plan.checks if not check.values or check.level != PASSED}
        )
        if any(check.level != PASSED for check in plan.checks):
            attention.append(position)
    ordered = sorted(checks.items(), key=lambda item: (item[0][0] != BLOCKED, item[0][0] == PASSED, -item[1]))
    return PlanSummary(
        lines=len(plans),
        changes=changes.most_common(),
        checks=[(level, text, count) for (level, text), count in ordered],
        attention=attention,
        unavailable=sum(bool(plan.unavailable) for plan in plans.values()),
    )


def lines(application: Application, query: str, page: int) -> tuple[list[ApplicationLine], int]:
    """One page of the lines that hold every word of the query, and how many there are."""
    rows = application.lines.order_by("position")
    terms = search_terms(query)
    if terms:
        found = [
            pk
            for pk, subject, key, payload in rows.values_list("pk", "subject", "subject_key", "payload")
            if all(term in search_key(subject, key, *map(str, payload.values())) for term in terms)
        ]
        rows = rows.filter(pk__in=found)
    count = rows.count()
    start = max(page - 1, 0) * LINES_ON_PAGE
    return list(rows[start : start + LINES_ON_PAGE]), count
