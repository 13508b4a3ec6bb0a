"""Reading the lists within a person's scope (ACC-14, ORG-02)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db.models import Count, Exists, OuterRef, Q, QuerySet
from django.db.models.functions import Lower

from accounts.dormancy import deletions
from accounts.dormancy.models import DormantLine, DormantReview, DormantRun
from portal.common.search import matching
from portal.fulfilment.models import Operation, OperationStatus
from portal.orgs.models import User
from portal.orgs.permissions import ANSWER_DORMANT, APPLY, READ_ACCOUNTS
from portal.workflow.models import Application

NEVER, MUST_CHANGE = "never", "must_change"
ANSWERS = ("open", "KEEP", "DELETE", "left")


@dataclass(frozen=True, kw_only=True)
class Counts:
    """The lines of a list, of an organisation or of a month, by what became of them."""

    total: int = 0
    kept: int = 0
    deleting: int = 0  # answered "delete"
    deleted: int = 0  # of these, carried out
    left: int = 0
    waiting: int = 0
    never: int = 0
    must_change: int = 0


@dataclass(frozen=True, kw_only=True)
class Month:
    """One month in the overview."""

    run: DormantRun
    counts: Counts
    open_reviews: int


@dataclass(frozen=True, kw_only=True)
class ReportRow:
    """One organisation in the report of a month."""

    review: DormantReview
    counts: Counts


@dataclass(frozen=True, kw_only=True)
class Report:
    """The report of a month: every organisation that the person sees, and the sum."""

    rows: list[ReportRow]
    total: Counts


def reviews(user: User) -> QuerySet[DormantReview]:
    """The lists of the organisations whose accounts this person reads."""
    rows = DormantReview.objects.visible_to(user).select_related("run", "organisation")
    return rows if user.reads_everywhere(READ_ACCOUNTS) else rows.filter(organisation__in=_readable(user))


def review(user: User, period: date, code: str) -> DormantReview:
    """One list; raises DormantReview.DoesNotExist also for another federation's (ORG-02)."""
    return reviews(user).get(run__period=period, organisation__code=code)


def lines(user: User) -> QuerySet[DormantLine]:
    """The lines of those lists, with what a screen shows of each."""
    rows = DormantLine.objects.visible_to(user)
    if not user.reads_everywhere(READ_ACCOUNTS):
        rows = rows.filter(organisation__in=_readable(user))
    return rows.select_related(
        "answered_by",
        "application",
        "previous__application",
        "previous__answered_by",
        "review__run",
        "organisation",
    )


def filtered(rows: QuerySet[DormantLine], *, q: str = "", answer: str = "", kind: str = "") -> Any:
    """Lines that hold every word of `q` in a name, with this answer ("open", "left") and of this kind."""
    if answer == "open":
        rows = rows.filter(answer="", left="")
    elif answer == "left":
        rows = rows.exclude(left="")
    elif answer:
        rows = rows.filter(answer=answer)
    if kind == NEVER:
        rows = rows.filter(last_logon=None)
    elif kind == MUST_CHANGE:
        rows = rows.filter(must_change=True)
    return matching(rows, q)


def months(user: User, limit: int = 24) -> list[Month]:
    """The newest months with the counts of what the person sees."""
    runs = list(DormantRun.objects.order_by("-period")[:limit])
    counts = _counts(user, "review__run_id", review__run__in=runs)
    waiting = reviews(user).filter(run__in=runs, status=DormantReview.Status.OPEN).order_by()
    open_ones = dict(waiting.values_list("run_id").annotate(Count("pk")))
    return [
        Month(run=run, counts=counts.get(run.pk, Counts()), open_reviews=open_ones.get(run.pk, 0))
        for run in runs
    ]


def report(user: User, run: DormantRun) -> Report:
    """Every organisation's counts of a month: those that still owe answers first, those without a dormant account last."""
    counts = _counts(user, "review_id", review__run=run)
    found = reviews(user).filter(run=run).order_by("organisation__sort_order", "organisation__code")
    rows = [ReportRow(review=row, counts=counts.get(row.pk, Counts())) for row in found]
    rows.sort(key=lambda row: (not row.counts.waiting, not row.counts.total))
    names = Counts.__dataclass_fields__
    total = {name: sum(getattr(row.counts, name) for row in rows) for name in names}
    return Report(rows=rows, total=Counts(**total))


def reviews_of(user: User, application: Application) -> QuerySet[DormantReview]:
    """The lists whose answers opened this application."""
    found = DormantLine.objects.visible_to(user).filter(application=application).values("review_id")
    return reviews(user).filter(pk__in=found)


def drafts_of(user: User, review: DormantReview) -> QuerySet[Application]:
    """The delete applications of this list that the person has begun and not submitted."""
    begun = DormantLine.objects.visible_to(user).filter(review=review).values("application_id")
    rows = Application.objects.visible_to(user).filter(pk__in=begun, applicant=user, status="DRAFT")
    return rows.order_by("pk")


def may_answer(user: User, review: DormantReview) -> bool:
    """Whether the page offers the answers; the service checks the same again."""
    is_open = review.status != DormantReview.Status.SUPERSEDED
    return is_open and user.may(ANSWER_DORMANT, review.organisation_id)


def may_delete(user: User, review: DormantReview) -> bool:
    """Whether the page offers "delete", which opens an application."""
    sample = DormantLine(organisation=review.organisation)
    return user.may(APPLY, review.organisation_id) and deletions.kind_for(sample) is not None


def _readable(user: User) -> list[Any]:
    return user.organisations_where(READ_ACCOUNTS)


def _counts(user: User, group: str, **which: Any) -> dict[int, Counts]:
    """Counts by `group`, in one statement."""
    done = Operation.objects.visible_to(user).filter(
        line__application_id=OuterRef("application_id"),
        line__subject_key=Lower(OuterRef("login_name")),
        target="directory",
        step="",
        status=OperationStatus.DONE,
    )
    rows = DormantLine.objects.visible_to(user)
    if not user.reads_everywhere(READ_ACCOUNTS):
        rows = rows.filter(organisation__in=_readable(user))
    rows = rows.filter(**which).order_by().values(group)
    deleting = Q(answer=DormantLine.Answer.DELETE)
    which_lines: dict[str, Q] = {
        "total": Q(),
        "kept": Q(answer=DormantLine.Answer.KEEP),
        "deleting": deleting,
        "deleted": deleting & Q(Exists(done)),
        "left": ~Q(left=""),
        "waiting": Q(answer="", left=""),
        "never": Q(last_logon=None),
        "must_change": Q(must_change=True),
    }
    # With a letter in front: an annotation must not be called like a column.
    found = rows.annotate(
        **{f"n_{name}": Count("pk", filter=condition) for name, condition in which_lines.items()}
    )
    return {row[group]: Counts(**{name: row[f"n_{name}"] for name in which_lines}) for row in found}
