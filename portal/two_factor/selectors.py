"""Reading the exchange for the screens of network operations (READ_OPERATIONS)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, IntegerField, OuterRef, Q, QuerySet, Subquery

from portal.orgs.models import User
from portal.two_factor.batches import sample_data
from portal.two_factor.layout import BatchData, Layout, RowData, Unwritable, render_file
from portal.two_factor.models import (
    ANSWERED,
    AnswerFile,
    ExchangeBatch,
    ExchangeMapping,
    ExchangeRow,
    RowState,
)

_ANSWERS_SHOWN = 20
_MAPPINGS_SHOWN = 20


@dataclass(frozen=True)
class Counts:
    """How many rows stand where."""

    pending: int
    written: int


def batches() -> QuerySet[ExchangeBatch]:
    """Every batch with its answered rows counted, newest first."""
    rows: QuerySet[ExchangeBatch] = ExchangeBatch.objects.annotate(
        answered=_count_of(*ANSWERED), refused=_count_of(RowState.REFUSED)
    )
    return rows


def _count_of(*states: str) -> Subquery:
    """The rows of one batch in these states, counted for the batches of the page only."""
    rows = ExchangeRow.system.filter(batch=OuterRef("pk"), state__in=states).order_by().values("batch")
    return Subquery(rows.annotate(count=Count("pk")).values("count"), output_field=IntegerField())


def batch(number: int) -> ExchangeBatch:
    """One batch; raises ExchangeBatch.DoesNotExist."""
    return ExchangeBatch.objects.select_related("mapping__made_by").get(number=number)


def rows_of(user: User, of: ExchangeBatch) -> QuerySet[ExchangeRow]:
    """The rows of a batch that the person may see, with their operations."""
    rows: QuerySet[ExchangeRow] = ExchangeRow.objects.visible_to(user).filter(batch=of)
    return rows.select_related("operation", "organisation", "answer")


def answers() -> list[AnswerFile]:
    """The newest acknowledgement files."""
    return list(AnswerFile.objects.select_related("uploaded_by")[:_ANSWERS_SHOWN])


def answer(pk: int) -> AnswerFile:
    """One acknowledgement file; raises AnswerFile.DoesNotExist."""
    return AnswerFile.objects.select_related("uploaded_by").get(pk=pk)


def counts(user: User) -> Counts:
    """What waits for a file and what for an acknowledgement, in one statement."""
    waiting = ExchangeRow.objects.visible_to(user).filter(state__in=(RowState.PENDING, RowState.WRITTEN))
    rows = waiting.aggregate(
        pending=Count("pk", filter=Q(state=RowState.PENDING)),
        written=Count("pk", filter=Q(state=RowState.WRITTEN)),
    )
    return Counts(**rows)


def mappings() -> list[ExchangeMapping]:
    """Who changed the mapping when, newest first."""
    return list(ExchangeMapping.objects.select_related("made_by")[:_MAPPINGS_SHOWN])


def preview(layout: Layout, now: datetime) -> str:
    """A file as this layout writes it, about two invented people. A layout that cannot gives what is wrong with it."""
    first = sample_data()
    second = RowData(reference=f"{first.reference}-2", action=first.action, person=first.person)
    try:
        data = render_file(layout, BatchData(number=1, created_at=now), [first, second])
    except Unwritable as problem:
        return problem.reason
    return data.decode(layout.encoding)


def is_overdue(of: ExchangeBatch, now: datetime, hours: int) -> bool:
    """Whether a batch waits for its acknowledgement longer than agreed."""
    waits = of.acknowledged_at is None and of.written_at is not None
    return waits and of.written_at is not None and of.written_at + timedelta(hours=hours) < now
