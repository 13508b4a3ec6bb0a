"""What a freeze holds back: asked with each claim, in the same statement, and told to the applicant as what is waited for."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any

from django.db.models import Q, QuerySet
from django.db.models.expressions import RawSQL
from django.utils.translation import gettext as _

from portal.common.time import plain_moment
from portal.fulfilment.freezes.models import Effect, FreezePeriod
from portal.fulfilment.models import Operation
from portal.fulfilment.registry import WAITS_FOR, Waits

CODE = f"{WAITS_FOR}freeze"


# The freeze that holds an operation back now and ends last. As SQL, because it is asked before every single operation
# (portal.fulfilment.claiming.begin), where the ORM would need longer to write the question than PostgreSQL to answer it.
FROZEN_BY = f"""(
    SELECT period.id FROM fulfilment_freezeperiod period
    WHERE period.effect = '{Effect.REFUSE.value}' AND period.starts_at <= %s AND period.ends_at > %s
        AND (period.organisation_id IS NULL OR period.organisation_id = fulfilment_operation.organisation_id)
        AND period.kind IN ('', fulfilment_operation.kind) AND period.target IN ('', fulfilment_operation.target)
        AND NOT (period.may_override AND EXISTS (
            SELECT FROM fulfilment_freezeexception excepted WHERE excepted.operation_id = fulfilment_operation.id
        ))
    ORDER BY period.ends_at DESC, period.id LIMIT 1
)"""  # noqa: S608 - put together from constants


def values_for(now: datetime) -> tuple[datetime, datetime]:
    """What FROZEN_BY wants for its places."""
    return now, now


def holding(operations: Any, now: datetime) -> Any:
    """The operations, each with `frozen_by`: the freeze that holds it back now and ends last, or None."""
    return operations.annotate(frozen_by=RawSQL(FROZEN_BY, values_for(now)))  # noqa: S611 - a constant


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


def held_operations(now: datetime) -> QuerySet[Operation]:
    """What waits for a freeze now."""
    rows: QuerySet[Operation] = Operation.system.filter(status="WAITING", error_code=CODE, not_before__gt=now)
    return rows
