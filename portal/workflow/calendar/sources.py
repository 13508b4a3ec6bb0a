"""What the engine knows of days: what will be carried out, what was, what is applied for, and what is frozen."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from typing import Any

from django.db.models import Count, Min, Q, QuerySet
from django.db.models.functions import TruncDate
from django.urls import reverse

from portal.common.time import JST, plain_moment, today
from portal.fulfilment import registry
from portal.fulfilment.freezes.models import FreezePeriod
from portal.fulfilment.models import SETTLED, Operation, OperationStatus
from portal.workflow import kinds
from portal.workflow.calendar.entries import (
    CLOSED,
    DONE,
    FREEZE,
    PLANNED,
    RUNNING,
    Entry,
    Look,
    register,
)
from portal.workflow.models import Application, Status

_GROUP = ("application_number", "kind", "step", "organisation__short_name", "status")


def register_all() -> None:
    """Called once when the portal starts."""
    for source in (planned, done, applied_for, freezes):
        register(source)


def planned(look: Look) -> Iterator[Entry]:
    """Operations that are not settled: on their day; what is due or under way stands on today."""
    if look.state not in ("", PLANNED, RUNNING):
        return
    day_now = today(look.now)
    rows = look.scoped(Operation.objects).exclude(status__in=SETTLED)
    rows = rows.filter(not_before__lt=_begin(look.last + timedelta(days=1)))
    if look.first > day_now:
        rows = rows.filter(not_before__gte=_begin(look.first))
    for row in look.most_of(_grouped(rows, "not_before")):
        day = max(row["day"], day_now)
        if look.first <= day <= look.last:
            waits = row["status"] == OperationStatus.WAITING and row["day"] > day_now
            yield _of_operations(row, day, PLANNED if waits else RUNNING)


def done(look: Look) -> Iterator[Entry]:
    """Operations that were settled on these days, one entry for an application and day."""
    if look.state not in ("", DONE, CLOSED) or not look.names_done:
        return
    for row in look.most_of(_grouped(_settled(look), "settled_at")):
        yield _of_operations(row, row["day"], DONE if row["status"] == OperationStatus.DONE else CLOSED)


def done_by_day(look: Look) -> dict[date, int]:
    """How many changes were carried out on each day: a month holds too many to name."""
    rows = (
        _settled(look).filter(status=OperationStatus.DONE).annotate(day=TruncDate("settled_at", tzinfo=JST))
    )
    return dict(rows.order_by().values_list("day").annotate(count=Count("application_number", distinct=True)))


def applied_for(look: Look) -> Iterator[Entry]:
    """Applications with an effective date that nobody has approved yet."""
    if look.state not in ("", PLANNED):
        return
    rows = look.scoped(Application.objects).filter(
        status=Status.IN_REVIEW, desired_on__gte=look.first, desired_on__lte=look.last
    )
    for row in look.most_of(rows.order_by("desired_on", "id").select_related("organisation")):
        yield Entry(
            uid=f"application-{row.number}",
            day=row.desired_on,
            state=PLANNED,
            title=row.subject,
            kind=kind_label(row.kind),
            organisation=row.organisation.short_name,
            number=row.number,
            url=reverse("application_detail", args=[row.number]),
            detail=str(row.get_status_display()),
        )


def freezes(look: Look) -> Iterator[Entry]:
    """The freezes of these days that concern everybody or an organisation of the person."""
    if look.state not in ("", FREEZE):
        return
    rows = FreezePeriod.objects.filter(
        starts_at__lt=_begin(look.last + timedelta(days=1)), ends_at__gt=_begin(look.first)
    ).exclude(ended_at__isnull=False, ended_at__lte=look.now)
    if not look.everything:
        rows = rows.filter(Q(organisation=None) | Q(organisation__in=look.organisations))
    if look.organisation:
        rows = rows.filter(Q(organisation=None) | Q(organisation__code=look.organisation))
    if look.kind:
        rows = rows.filter(Q(kind="") | Q(kind=look.kind))
    for freeze in look.most_of(rows.select_related("organisation").order_by("starts_at", "id")):
        what = [kind_label(freeze.kind)] if freeze.kind else []
        what += [registry.target_label(freeze.target)] if freeze.target else []
        yield Entry(
            uid=f"freeze-{freeze.pk}",
            day=today(freeze.starts_at),
            until=today(freeze.ends_at - timedelta(seconds=1)),
            at=freeze.starts_at,
            state=FREEZE,
            title=freeze.reason,
            kind="・".join(what),
            organisation=freeze.organisation.short_name if freeze.organisation else "",
            url=reverse("freeze_list"),
            detail=f"{plain_moment(freeze.starts_at)} – {plain_moment(freeze.ends_at)} {freeze.get_effect_display()}",
        )


def _settled(look: Look) -> Any:
    return look.scoped(Operation.objects).filter(
        status__in=SETTLED,
        settled_at__gte=_begin(look.first),
        settled_at__lt=_begin(look.last + timedelta(days=1)),
    )


def _grouped(rows: QuerySet[Operation], moment: str) -> Any:
    """One row for each application, step, state and day: a file of a thousand lines is one entry."""
    days = rows.annotate(day=TruncDate(moment, tzinfo=JST)).order_by().values(*_GROUP, "day")
    return days.annotate(count=Count("pk"), subject=Min("subject"), at=Min(moment)).order_by(
        "day", "application_number", "step", "status"
    )


def _of_operations(row: dict[str, Any], day: date, state: str) -> Entry:
    more = f" +{row['count'] - 1}" if row["count"] > 1 else ""
    label = OperationStatus(row["status"]).label
    step = registry.step_label(row["step"]) if row["step"] else ""
    return Entry(
        uid=f"operation-{row['application_number']}-{row['step']}-{row['status']}-{day.isoformat()}",
        day=day,
        state=state,
        title=f"{row['subject']}{more}",
        kind=f"{kind_label(row['kind'])} {step}".strip(),
        organisation=row["organisation__short_name"],
        number=row["application_number"],
        url=reverse("application_detail", args=[row["application_number"]]),
        at=row["at"],
        detail=str(label),
    )


def kind_label(code: str) -> str:
    """What people call a kind; its code when no app brings it any more."""
    try:
        return str(kinds.get(code).label)
    except KeyError:
        return code


def _begin(day: date) -> datetime:
    return datetime.combine(day, time(), JST)
