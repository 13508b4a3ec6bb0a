"""What a freeze holds back: asked with each claim, in the same statement, and told to the applicant as what is waited for."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet, Subquery
from django.utils.translation import gettext as _

from portal.common.time import plain_moment
from portal.fulfilment.freezes.models import Effect, FreezeException, FreezePeriod
from portal.fulfilment.models import Operation
from portal.fulfilment.registry import WAITS_FOR, Waits

CODE = f"{WAITS_FOR}freeze"


def holding(operations: Any, now: datetime) -> Any:
    """The operations, each with `frozen_by`: the freeze that holds it back now and ends last, or None."""
    refusing = FreezePeriod.objects.filter(
        _concerns("organisation_id", "kind", "target"),
        effect=Effect.REFUSE,
        starts_at__lte=now,
        ends_at__gt=now,
    )
    excepted = FreezeException.system.filter(operation=OuterRef(OuterRef("pk")))
    held = refusing.filter(Q(may_override=False) | ~Exists(excepted))
    return operations.annotate(frozen_by=Subquery(held.order_by("-ends_at", "id").values("pk")[:1]))


def waits(freeze_id: int) -> Waits:
    """The outcome of an operation that is held: it costs no attempt, and it looks again when the freeze ends."""
    freeze = FreezePeriod.objects.get(pk=freeze_id)
    text = _("Nothing is changed until %(until)s: %(reason)s. It goes on by itself afterwards.")
    message = text % {"until": plain_moment(freeze.ends_at), "reason": freeze.reason}
    return Waits(code=CODE, message=message, until=freeze.ends_at)


def periods(
    *, organisation_id: int, kind: str, targets: Collection[str], first: datetime, last: datetime
) -> QuerySet[FreezePeriod]:
    """The freezes between the two moments that concern a change of this kind there."""
    rows = FreezePeriod.objects.filter(starts_at__lte=last, ends_at__gt=first)
    return rows.filter(
        Q(organisation=None) | Q(organisation=organisation_id),
        Q(kind="") | Q(kind=kind),
        Q(target="") | Q(target__in=targets),
    ).order_by("starts_at", "id")


def _concerns(organisation: str, kind: str, target: str) -> Q:
    return (
        (Q(organisation=None) | Q(organisation_id=OuterRef(organisation)))
        & (Q(kind="") | Q(kind=OuterRef(kind)))
        & (Q(target="") | Q(target=OuterRef(target)))
    )


def held_operations(now: datetime) -> QuerySet[Operation]:
    """What waits for a freeze now."""
    rows: QuerySet[Operation] = Operation.system.filter(status="WAITING", error_code=CODE, not_before__gt=now)
    return rows
